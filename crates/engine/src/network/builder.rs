use domain::{Coordinate, Tags};
use std::collections::{BTreeMap, HashMap, HashSet};

use super::{attributes::Attributes, cell::Segment, codec, squares, walkable};
use crate::{CellId, spot::Spot};

/// Turns OpenStreetMap ways into network cells.
///
/// Ask [`wants_way`](Self::wants_way) and [`wants_node`](Self::wants_node) which elements matter, add those in any
/// order, then [`finish`](Self::finish).
#[derive(Default)]
pub struct NetworkBuilder {
    ways: BTreeMap<i64, Way>,
    blocked: HashSet<i64>,
}

struct Way {
    attributes: Attributes,
    square: bool,
    /// The way between the nodes that are missing; of a square that is a relation, one for each ring.
    runs: Vec<Vec<Node>>,
}

type Node = (i64, Spot);

/// A square of the street network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkCell {
    /// Which square.
    pub id: CellId,
    /// The streets that begin in it, in a form that [`Network::from_cells`](crate::Network::from_cells) reads.
    pub bytes: Vec<u8>,
    /// How many pieces of street it holds.
    pub segments: usize,
}

impl NetworkBuilder {
    /// An empty builder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a way is for walkers.
    pub fn wants_way(tags: &Tags) -> bool {
        walkable::attributes_of(tags).is_some()
    }

    /// Whether a node stops walkers, such as a locked gate.
    pub fn wants_node(tags: &Tags) -> bool {
        walkable::blocks(tags)
    }

    /// Whether a relation is a square for walkers.
    pub fn wants_square(tags: &Tags) -> bool {
        walkable::is_square_of_ways(tags) && walkable::attributes_of(tags).is_some()
    }

    /// Adds a node that stops walkers; others are passed over.
    pub fn add_node(&mut self, osm_id: i64, tags: &Tags) {
        if walkable::blocks(tags) {
            self.blocked.insert(osm_id);
        }
    }

    /// Adds a way for walkers; others are passed over. A node without a coordinate is missing in the extract: the
    /// way is cut there. A way that was added before is replaced.
    pub fn add_way(&mut self, osm_id: i64, tags: &Tags, nodes: &[(i64, Option<Coordinate>)]) {
        let Some(attributes) = walkable::attributes_of(tags) else { return };
        let runs = runs_of(nodes).collect();
        self.ways.insert(osm_id, Way { attributes, square: walkable::is_square(tags), runs });
    }

    /// Adds a square that is a relation; others are passed over. Its rings are closed lines, outer and inner ones in
    /// any order: between them one walks freely, and along them. Of a square with a ring that is cut or open only the
    /// lines are known. A relation that was added before is replaced.
    pub fn add_square<R: AsRef<[(i64, Option<Coordinate>)]>>(
        &mut self,
        osm_id: i64,
        tags: &Tags,
        rings: &[R],
    ) {
        let Some(attributes) = walkable::attributes_of(tags).filter(|_| Self::wants_square(tags)) else {
            return;
        };
        let whole = rings.iter().map(AsRef::as_ref).all(|ring| {
            ring.len() >= 4
                && ring.first().map(|node| node.0) == ring.last().map(|node| node.0)
                && ring.iter().all(|(_, at)| at.is_some())
        });
        let runs = rings.iter().flat_map(|ring| runs_of(ring.as_ref())).collect();
        // Relations are numbered apart from ways.
        self.ways.insert(osm_id.wrapping_neg(), Way { attributes, square: whole, runs });
    }

    /// The cells, sorted by id. The same ways give the same bytes, in whatever order they came.
    pub fn finish(self) -> Vec<NetworkCell> {
        let uses = self.uses();
        let mut cells: BTreeMap<CellId, Vec<Segment>> = BTreeMap::new();
        let mut keep = |segment: Segment| {
            if let Some(&first) = segment.points.first() {
                cells.entry(CellId::of(first.coordinate())).or_default().push(segment);
            }
        };
        let mut walked = self.lines_of_ways();
        let steps = self.lines_of_steps();
        for (&id, way) in &self.ways {
            let mut index = 0;
            let mut add = |segment: &[Node], attributes: Attributes| {
                keep(self.segment(id, index, attributes, segment));
                index += 1;
            };
            for run in &way.runs {
                for segment in cut(run, |node| uses.get(&node).is_some_and(|&uses| uses > 1)) {
                    // The outline of a relation may be a street by itself.
                    let new = |pair: &[Node]| walked.insert(line_between(pair[0].0, pair[1].0));
                    if id > 0 || segment.windows(2).map(new).fold(false, |any, new| any | new) {
                        add(segment, way.attributes);
                    }
                }
            }
            if way.square {
                let shared = |node: i64, is_seam: bool| {
                    // The outline's own seam counts twice for itself.
                    let own = if is_seam { 4 } else { 1 };
                    uses.get(&node).is_some_and(|&uses| uses > own) && !self.blocked.contains(&node)
                };
                // A way that is cut is no outline, but each of its pieces may be one.
                let outlines: Vec<&[Vec<Node>]> =
                    if id > 0 { way.runs.chunks(1).collect() } else { vec![&way.runs] };
                for (a, b) in outlines.into_iter().flat_map(|rings| squares::crossings(rings, shared)) {
                    if !squares::is_stepped(a, b, &steps) {
                        add(&[a, b], way.attributes.across());
                    }
                }
            }
        }
        cells
            .into_iter()
            .map(|(id, segments)| NetworkCell {
                id,
                bytes: codec::encode(&segments),
                segments: segments.len(),
            })
            .collect()
    }

    /// The straight lines that ways are made of; none where they are not asked for.
    fn lines_of_ways(&self) -> HashSet<(i64, i64)> {
        if self.ways.keys().all(|&id| id > 0) {
            return HashSet::new();
        }
        let runs = self.ways.iter().filter(|&(&id, _)| id > 0).flat_map(|(_, way)| &way.runs);
        runs.flat_map(|run| run.windows(2)).map(|pair| line_between(pair[0].0, pair[1].0)).collect()
    }

    /// The straight lines of steps, sorted by where they begin.
    fn lines_of_steps(&self) -> Vec<[Spot; 2]> {
        let runs = self.ways.values().filter(|way| way.attributes.steps()).flat_map(|way| &way.runs);
        let mut lines: Vec<[Spot; 2]> =
            runs.flat_map(|run| run.windows(2)).map(|pair| [pair[0].1, pair[1].1]).collect();
        lines.sort_unstable();
        lines
    }

    /// How often each node is used; more than once makes a junction. Ends of ways count double, as do barriers.
    fn uses(&self) -> HashMap<i64, u32> {
        let mut uses: HashMap<i64, u32> = HashMap::new();
        for run in self.ways.values().flat_map(|way| &way.runs) {
            for (position, (node, _)) in run.iter().enumerate() {
                let is_end = position == 0 || position + 1 == run.len();
                let barrier = self.blocked.contains(node);
                let count = uses.entry(*node).or_default();
                *count = count.saturating_add(if is_end || barrier { 2 } else { 1 });
            }
        }
        uses
    }

    fn segment(&self, way: i64, index: u32, attributes: Attributes, nodes: &[Node]) -> Segment {
        // At a barrier each piece of street ends in a node of its own: nothing leads through.
        let end = |node: Option<&Node>, side: i64| match node {
            Some((id, _)) if self.blocked.contains(id) => {
                -1 - (way.wrapping_shl(13) | i64::from(index & 0xfff) << 1 | side).wrapping_abs()
            }
            Some(&(id, _)) => id,
            None => 0,
        };
        Segment {
            way,
            index,
            from: end(nodes.first(), 0),
            to: end(nodes.last(), 1),
            attributes,
            points: nodes.iter().map(|&(_, spot)| spot).collect(),
        }
    }
}

/// The pieces of a line between the nodes that are missing.
fn runs_of(nodes: &[(i64, Option<Coordinate>)]) -> impl Iterator<Item = Vec<Node>> {
    nodes
        .split(|(_, at)| at.is_none())
        .map(|run| {
            let mut run: Vec<Node> =
                run.iter().filter_map(|&(id, at)| at.map(|at| (id, Spot::of(at)))).collect();
            run.dedup_by_key(|&mut (id, _)| id);
            run
        })
        .filter(|run| run.len() >= 2)
}

/// A line between two nodes, the same in both directions.
fn line_between(a: i64, b: i64) -> (i64, i64) {
    (a.min(b), a.max(b))
}

/// Cuts a way at its junctions.
fn cut(run: &[Node], is_junction: impl Fn(i64) -> bool) -> Vec<&[Node]> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for position in 1..run.len() {
        if position + 1 == run.len() || is_junction(run[position].0) {
            pieces.push(&run[start..=position]);
            start = position;
        }
    }
    pieces
}
