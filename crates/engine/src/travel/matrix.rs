//! Many to many: for a block of sources at a time, once up and once down through the few nodes that are above any of the
//! places. Rows of numbers are added and compared side by side, without a heap and nearly without a branch; see Delling,
//! Goldberg and Werneck, "Faster batched shortest paths in road networks" (ATMOS 2011), where this is called RPHAST.

use super::{Profile, route::ancestors};
use crate::{network::Network, snap::Place, weight::Weight};

/// Sources in a block.
const LANES: usize = 16;
type Row = [f64; LANES];
const NOWHERE: Row = [f64::INFINITY; LANES];

/// What it takes from each place to each, row by row.
pub(crate) fn many_to_many(
    network: &Network,
    profile: &Profile,
    from: &[Place],
    to: &[Place],
) -> Vec<Weight> {
    let weight = |directed| profile.weight(directed);
    let above = Above::of(network, profile, from.iter().chain(to));
    let local = |(node, weight): (u32, Weight)| (above.number[node as usize] as usize, weight.lane());
    let exits: Vec<[(usize, f64); 2]> =
        from.iter().map(|place| place.exits(network, weight).map(local)).collect();
    let entrances: Vec<[(usize, f64); 2]> =
        to.iter().map(|place| place.entrances(network, weight).map(local)).collect();
    // Sources beside each other have most of what is above them in common.
    let mut order: Vec<usize> = (0..from.len()).collect();
    order.sort_by_key(|&source| exits[source].map(|(node, _)| node));
    let below_targets = above.mark(entrances.iter().flatten().map(|&(node, _)| node));
    let mut rows: Vec<Row> = vec![NOWHERE; above.nodes];
    let mut result = vec![Weight::CLOSED; from.len() * to.len()];
    for block in order.chunks(LANES) {
        rows.fill(NOWHERE);
        for (lane, &source) in block.iter().enumerate() {
            for (node, weight) in exits[source] {
                rows[node][lane] = rows[node][lane].min(weight);
            }
        }
        let below_sources = above.mark(block.iter().flat_map(|&source| exits[source].map(|(node, _)| node)));
        above.up(&mut rows, &below_sources);
        above.down(&mut rows, &below_targets);
        for (column, entrances) in entrances.iter().enumerate() {
            for (lane, &source) in block.iter().enumerate() {
                let through = entrances.iter().map(|&(node, weight)| rows[node][lane] + weight);
                let along = from[source].along(&to[column], network, weight);
                result[source * to.len() + column] = Weight::of_lane(through.fold(along.lane(), f64::min));
            }
        }
    }
    result
}

/// The nodes above some places in the elimination tree, numbered for themselves in ascending order, and their arcs.
struct Above {
    nodes: usize,
    /// The number of each node of the network.
    number: Vec<u32>,
    firsts: Vec<u32>,
    arcs: Vec<UpwardArc>,
}

struct UpwardArc {
    head: u32,
    up: f64,
    down: f64,
}

impl Above {
    fn of<'p>(network: &Network, profile: &Profile, places: impl Iterator<Item = &'p Place>) -> Self {
        // Zero is for nodes that are not above: memory of nothing but zeros costs nothing.
        let mut number = vec![0_u32; network.node_count()];
        let mut nodes = Vec::new();
        for place in places {
            let edge = network.edge(place.edge);
            for node in [edge.from, edge.to] {
                // What is above a node that was seen was seen as well.
                let unseen = ancestors(network, [node; 2]).take_while(|&node| number[node as usize] == 0);
                let before = nodes.len();
                nodes.extend(unseen);
                nodes[before..].iter().for_each(|&node| number[node as usize] = 1);
            }
        }
        nodes.sort_unstable();
        nodes.iter().zip(0..).for_each(|(&node, place)| number[node as usize] = place);
        let (firsts, heads) = network.upward();
        let hierarchy = &profile.hierarchy;
        let mut above = Self { nodes: nodes.len(), number, firsts: vec![0], arcs: Vec::new() };
        for &node in &nodes {
            let arcs = firsts[node as usize] as usize..firsts[node as usize + 1] as usize;
            let weights = hierarchy.up[arcs.clone()].iter().zip(&hierarchy.down[arcs.clone()]);
            for (&head, (up, down)) in heads[arcs].iter().zip(weights) {
                if up.is_open() || down.is_open() {
                    let head = above.number[head as usize];
                    above.arcs.push(UpwardArc { head, up: up.lane(), down: down.lane() });
                }
            }
            above.firsts.push(above.arcs.len() as u32);
        }
        above
    }

    fn arcs(&self, node: usize) -> &[UpwardArc] {
        &self.arcs[self.firsts[node] as usize..self.firsts[node + 1] as usize]
    }

    /// The given nodes and all that can be reached upward from them, ascending.
    fn mark(&self, nodes: impl Iterator<Item = usize>) -> Vec<u32> {
        let mut marked = vec![false; self.nodes];
        nodes.for_each(|node| marked[node] = true);
        let mut list = Vec::new();
        for node in 0..self.nodes {
            if marked[node] {
                list.push(node as u32);
                self.arcs(node).iter().for_each(|arc| marked[arc.head as usize] = true);
            }
        }
        list
    }

    fn up(&self, rows: &mut [Row], nodes: &[u32]) {
        for &node in nodes {
            let row = rows[node as usize];
            for arc in self.arcs(node as usize) {
                relax(&mut rows[arc.head as usize], &row, arc.up);
            }
        }
    }

    fn down(&self, rows: &mut [Row], nodes: &[u32]) {
        for &node in nodes.iter().rev() {
            let mut row = rows[node as usize];
            for arc in self.arcs(node as usize) {
                relax(&mut row, &rows[arc.head as usize], arc.down);
            }
            rows[node as usize] = row;
        }
    }
}

/// No branch and no call: the compiler makes one instruction of several lanes.
#[inline(always)]
fn relax(to: &mut Row, from: &Row, weight: f64) {
    for (to, from) in to.iter_mut().zip(from) {
        let sum = from + weight;
        *to = if sum < *to { sum } else { *to };
    }
}
