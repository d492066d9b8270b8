use std::collections::{HashMap, HashSet};

use domain::{Coordinate, OsmKind, Tags};
use osmpbf::{Element, Relation, Way};
use wildside_engine::{NetworkBuilder, NetworkCell};

use crate::{
    Extract,
    nodes::Nodes,
    outlines,
    pbf::{AreaMembers, tags},
};

/// Gathers the streets of an extract for the engine, which knows what can be walked.
#[derive(Default)]
pub(crate) struct Streets {
    builder: NetworkBuilder,
    squares: Vec<Square>,
    /// The ways that the squares are made of, by their nodes.
    parts: HashMap<i64, Vec<i64>>,
    /// Those of the parts that are in our area.
    ours: HashSet<i64>,
}

/// A square that is mapped as a multipolygon: its outline is made of several ways, or it has holes.
struct Square {
    id: i64,
    tags: Tags,
    members: AreaMembers,
}

impl Streets {
    pub(crate) fn wants_way(way: &Tags) -> bool {
        NetworkBuilder::wants_way(way)
    }

    /// First come the relations: squares made of several ways.
    pub(crate) fn take_relation(&mut self, relation: &Relation<'_>) {
        let tags = tags(relation.tags());
        if NetworkBuilder::wants_square(&tags) {
            let members = AreaMembers::of(relation);
            self.parts.extend(members.all().map(|way| (way, Vec::new())));
            self.squares.push(Square { id: relation.id(), tags, members });
        }
    }

    /// Then the ways; one that is not `ours` may still be part of a square. Returns the nodes that will be asked for.
    pub(crate) fn take_way(&mut self, way: &Way<'_>, ours: bool) -> Vec<i64> {
        let part = self.parts.get_mut(&way.id());
        let is_part = part.is_some();
        if let Some(part) = part {
            *part = way.refs().collect();
            if ours {
                self.ours.insert(way.id());
            }
        }
        if is_part || (ours && Self::wants_way(&tags(way.tags()))) {
            way.refs().collect()
        } else {
            Vec::new()
        }
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

    /// The network in squares of the map.
    pub(crate) fn finish(mut self, nodes: &Nodes) -> Vec<NetworkCell> {
        for square in std::mem::take(&mut self.squares) {
            if !square.members.outer.iter().any(|way| self.ours.contains(way)) {
                continue;
            }
            let lines = |ways: &[i64]| -> Vec<&[i64]> {
                ways.iter().filter_map(|way| self.parts.get(way)).map(Vec::as_slice).collect()
            };
            // Where a part is missing, what is there of the outline can still be walked along.
            let rings = [lines(&square.members.outer), lines(&square.members.inner)].map(|lines| {
                outlines::rings(&lines).unwrap_or_else(|| lines.iter().map(|line| line.to_vec()).collect())
            });
            let located = |ring: &Vec<i64>| ring.iter().map(|&id| (id, nodes.get(id))).collect();
            let rings: Vec<Vec<(i64, Option<Coordinate>)>> = rings.iter().flatten().map(located).collect();
            self.builder.add_square(square.id, &square.tags, &rings);
        }
        self.builder.finish()
    }
}
