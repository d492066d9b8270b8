use anyhow::Context;
use domain::{Coordinate, OsmKind, Tags};
use osmpbf::{Element, Way};
use store::IngestedCell;
use wildside_engine::NetworkBuilder;

use crate::{
    extract::{Extract, tags},
    nodes::Nodes,
};

/// Gathers the streets of an extract for the engine, which knows what can be walked.
#[derive(Default)]
pub(crate) struct Streets {
    builder: NetworkBuilder,
}

impl Streets {
    pub(crate) fn wants_way(way: &Tags) -> bool {
        NetworkBuilder::wants_way(way)
    }

    /// A node that some way of ours passes.
    pub(crate) fn take_node(&mut self, id: i64, node: &Tags) {
        if NetworkBuilder::wants_node(node) {
            self.builder.add_node(id, node);
        }
    }

    /// Reads the ways that are `ours` a second time, now that their nodes are known.
    pub(crate) fn read(
        &mut self,
        extract: &Extract,
        nodes: &Nodes,
        ours: impl Fn(&Way<'_>) -> bool,
    ) -> anyhow::Result<()> {
        extract.each("Reading streets", OsmKind::Way, |element| {
            let Element::Way(way) = element else { return };
            if !ours(&way) {
                return;
            }
            let tags = tags(way.tags());
            if Self::wants_way(&tags) {
                let line: Vec<(i64, Option<Coordinate>)> = way.refs().map(|id| (id, nodes.get(id))).collect();
                self.builder.add_way(way.id(), &tags, &line);
            }
        })
    }

    /// The network in squares.
    pub(crate) fn finish(self) -> anyhow::Result<Vec<IngestedCell>> {
        let cells = self.builder.finish().into_iter().map(|cell| {
            let segments = i32::try_from(cell.segments).context("a square has too many streets")?;
            Ok(IngestedCell { x: cell.id.x, y: cell.id.y, network: cell.bytes, segments })
        });
        cells.collect()
    }
}
