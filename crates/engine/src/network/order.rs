//! In which order the nodes are contracted: nested dissection. A few nodes part the network in two halves, and so on in
//! each half; those that part come after what they part, so that a contraction adds few shortcuts. How a city is parted
//! follows Schild and Sommer, "On balanced separators in road networks" (SEA 2015), known as inertial flow: nodes are
//! sorted along a direction, and between the first and the last of them runs a maximum flow, whose minimum cut is where
//! the fewest streets are.

use crate::spot::{Plane, Spot};

/// Parts this small are not parted further.
const SMALL: usize = 6;
/// Share of the nodes on each side between which the cut is sought.
const SIDE: f64 = 0.3;
/// The directions in which nodes are sorted, as metres east and north.
const DIRECTIONS: [(f64, f64); 4] = [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, -1.0)];

/// Neighbours of each node, one node after the other; each edge appears at both its ends, none twice.
pub(super) struct Adjacency {
    pub first: Vec<u32>,
    pub heads: Vec<u32>,
}

impl Adjacency {
    /// Loops and repetitions are dropped.
    pub fn of(nodes: usize, edges: impl Iterator<Item = (u32, u32)>) -> Self {
        let mut arcs: Vec<(u32, u32)> =
            edges.filter(|(a, b)| a != b).flat_map(|(a, b)| [(a, b), (b, a)]).collect();
        arcs.sort_unstable();
        arcs.dedup();
        let mut first = vec![0_u32; nodes + 1];
        arcs.iter().for_each(|&(tail, _)| first[tail as usize + 1] += 1);
        for node in 0..nodes {
            first[node + 1] += first[node];
        }
        Self { first, heads: arcs.into_iter().map(|(_, head)| head).collect() }
    }

    fn range(&self, node: u32) -> std::ops::Range<usize> {
        self.first[node as usize] as usize..self.first[node as usize + 1] as usize
    }
}

/// The nodes in the order of contraction.
pub(super) fn nested_dissection(spots: &[Spot], adjacency: &Adjacency) -> Vec<u32> {
    let mut nodes: Vec<u32> = (0..spots.len() as u32).collect();
    let plane = Plane::at(spots.get(spots.len() / 2).copied().unwrap_or(Spot { lon: 0, lat: 0 }));
    let mut work = Dissection {
        adjacency,
        at: spots.iter().map(|&spot| plane.metres(spot)).collect(),
        part: vec![0; spots.len()],
        parts: 0,
        seen: vec![0; spots.len()],
        searches: 0,
        flow: vec![0; adjacency.heads.len()],
        reached_by: vec![0; spots.len()],
        reverse: reverse_arcs(adjacency),
        queue: Vec::new(),
        path: Vec::new(),
        next_arc: vec![0; spots.len()],
    };
    work.order(&mut nodes);
    nodes
}

/// For each arc, the one that leads back.
fn reverse_arcs(adjacency: &Adjacency) -> Vec<u32> {
    let mut next = adjacency.first.clone();
    let mut reverse = vec![0; adjacency.heads.len()];
    // Arcs are sorted by tail and then by head, so the arcs into a node come in the order in which it lists them.
    for tail in 0..adjacency.first.len() as u32 - 1 {
        for arc in adjacency.range(tail) {
            let head = adjacency.heads[arc] as usize;
            reverse[arc] = next[head];
            next[head] += 1;
        }
    }
    reverse
}

struct Dissection<'a> {
    adjacency: &'a Adjacency,
    at: Vec<(f64, f64)>,
    /// Which part each node is in at the moment.
    part: Vec<u32>,
    parts: u32,
    /// The search that saw each node last.
    seen: Vec<u32>,
    searches: u32,
    /// Units of flow over each arc: -1, 0 or 1.
    flow: Vec<i8>,
    /// The arc by which the flow reached each node.
    reached_by: Vec<u32>,
    reverse: Vec<u32>,
    queue: Vec<u32>,
    path: Vec<u32>,
    next_arc: Vec<u32>,
}

impl Dissection<'_> {
    /// Sorts the nodes of a part into their order.
    fn order(&mut self, nodes: &mut [u32]) {
        // A stack of its own: a network may be a single long street.
        let mut waiting: Vec<(usize, usize)> = vec![(0, nodes.len())];
        while let Some((from, to)) = waiting.pop() {
            let nodes = &mut nodes[from..to];
            if nodes.len() <= SMALL {
                self.by_degree(nodes);
                continue;
            }
            let part = self.new_part(nodes);
            let connected = self.gather_component(nodes, part);
            if connected < nodes.len() {
                waiting.extend([(from, from + connected), (from + connected, to)]);
                continue;
            }
            let (left, right) = self.separate(nodes, part);
            waiting.extend([(from, from + left), (from + left, from + left + right)]);
        }
    }

    fn by_degree(&mut self, nodes: &mut [u32]) {
        let part = self.new_part(nodes);
        let inner = |work: &Self, node: u32| {
            work.adjacency
                .range(node)
                .filter(|&arc| work.part[work.adjacency.heads[arc] as usize] == part)
                .count()
        };
        nodes.sort_by_cached_key(|&node| (inner(self, node), node));
    }

    fn new_part(&mut self, nodes: &[u32]) -> u32 {
        self.parts += 1;
        nodes.iter().for_each(|&node| self.part[node as usize] = self.parts);
        self.parts
    }

    /// Moves the nodes that hang together with the first one to the front; how many they are.
    fn gather_component(&mut self, nodes: &mut [u32], part: u32) -> usize {
        self.searches += 1;
        self.queue.clear();
        self.queue.push(nodes[0]);
        self.seen[nodes[0] as usize] = self.searches;
        let mut next = 0;
        while next < self.queue.len() {
            let node = self.queue[next];
            next += 1;
            for arc in self.adjacency.range(node) {
                let head = self.adjacency.heads[arc];
                if self.part[head as usize] == part && self.seen[head as usize] != self.searches {
                    self.seen[head as usize] = self.searches;
                    self.queue.push(head);
                }
            }
        }
        if self.queue.len() < nodes.len() {
            nodes.sort_by_key(|&node| self.seen[node as usize] != self.searches);
        }
        self.queue.len()
    }

    /// Sorts a connected part into one side, the other side, and what parts them; how many are on either side.
    fn separate(&mut self, nodes: &mut [u32], part: u32) -> (usize, usize) {
        let side = ((nodes.len() as f64 * SIDE) as usize).max(1);
        let mut best: Option<(f64, Vec<u32>)> = None;
        let mut sorted = nodes.to_vec();
        for (x, y) in DIRECTIONS {
            let along = |node: u32| {
                let (east, north) = self.at[node as usize];
                east * x + north * y
            };
            sorted.sort_by(|&a, &b| along(a).total_cmp(&along(b)).then(a.cmp(&b)));
            let most = best.as_ref().map_or(u32::MAX, |(worth, _)| *worth as u32 + 1);
            if let Some((worth, source_side)) = self.cut(&sorted, part, side, most)
                && best.as_ref().is_none_or(|(lowest, _)| worth < *lowest)
            {
                best = Some((worth, source_side));
            }
        }
        let Some((_, source_side)) = best else { return (nodes.len(), 0) };
        self.searches += 1;
        let is_source = self.searches;
        source_side.iter().for_each(|&node| self.seen[node as usize] = is_source);
        // The nodes at the cut on the side where they are fewer part the rest.
        let at_cut = |work: &Self, node: u32| {
            let mine = work.seen[node as usize] == is_source;
            work.adjacency.range(node).any(|arc| {
                let head = work.adjacency.heads[arc] as usize;
                work.part[head] == part && (work.seen[head] == is_source) != mine
            })
        };
        let mut border = [0_usize; 2];
        for &node in nodes.iter().filter(|&&node| at_cut(self, node)) {
            border[usize::from(self.seen[node as usize] == is_source)] += 1;
        }
        let parting_side = border[1] <= border[0];
        let place = |work: &Self, node: u32| {
            let source = work.seen[node as usize] == is_source;
            if source == parting_side && at_cut(work, node) { 2 } else { u8::from(!source) }
        };
        nodes.sort_by_cached_key(|&node| (place(self, node), node));
        let left = nodes.partition_point(|&node| place(self, node) == 0);
        let right = nodes.partition_point(|&node| place(self, node) <= 1) - left;
        (left, right)
    }

    /// The minimum cut between the first and the last `side` nodes, as the nodes on the side of the first, and what it
    /// is worth: its size, a little more where the sides are unlike. `None` where it is `most` or larger.
    fn cut(&mut self, sorted: &[u32], part: u32, side: usize, most: u32) -> Option<(f64, Vec<u32>)> {
        for &node in sorted {
            let range = self.adjacency.range(node);
            self.flow[range].fill(0);
            self.reached_by[node as usize] = NOT_YET;
        }
        let (sources, sinks) = (&sorted[..side], &sorted[sorted.len() - side..]);
        sources.iter().for_each(|&node| self.reached_by[node as usize] = SOURCE);
        sinks.iter().for_each(|&node| self.reached_by[node as usize] = SINK);
        let leads_out = |&node: &u32| {
            self.adjacency.range(node).any(|arc| {
                let head = self.adjacency.heads[arc] as usize;
                self.part[head] == part && self.reached_by[head] != SOURCE
            })
        };
        let doors: Vec<u32> = sources.iter().copied().filter(leads_out).collect();
        let mut size = 0_u32;
        loop {
            let more = self.raise_flow(&doors, part);
            size += more;
            if more == 0 {
                break;
            }
            if size >= most {
                return None;
            }
        }
        // The last round found no way on: what it saw is the side of the sources.
        let on_source_side = |&node: &u32| {
            self.reached_by[node as usize] == SOURCE || self.seen[node as usize] == self.searches
        };
        let source_side: Vec<u32> = sorted.iter().copied().filter(on_source_side).collect();
        let smaller = source_side.len().min(sorted.len() - source_side.len());
        let lopsided = 1.0 - 2.0 * smaller as f64 / sorted.len() as f64;
        Some((f64::from(size) * (1.0 + 0.5 * lopsided), source_side))
    }

    /// One round of depth-first searches from all sources, each node seen once; how many units of flow that brought.
    fn raise_flow(&mut self, doors: &[u32], part: u32) -> u32 {
        self.searches += 1;
        let mut found = 0;
        for &door in doors {
            self.path.clear();
            self.enter(door);
            while let Some(&node) = self.path.last() {
                let range = self.adjacency.range(node);
                let Some(arc) = (self.next_arc[node as usize] as usize..range.end).find(|&arc| {
                    let head = self.adjacency.heads[arc] as usize;
                    self.part[head] == part
                        && self.flow[arc] <= 0
                        && self.seen[head] != self.searches
                        && self.reached_by[head] != SOURCE
                }) else {
                    self.path.pop();
                    continue;
                };
                self.next_arc[node as usize] = arc as u32 + 1;
                let head = self.adjacency.heads[arc];
                if self.reached_by[head as usize] == SINK {
                    self.push_flow(arc);
                    found += 1;
                    // A source has several streets, each of which may carry its own unit.
                    self.path.truncate(1);
                    continue;
                }
                self.reached_by[head as usize] = arc as u32;
                self.enter(head);
            }
        }
        found
    }

    fn enter(&mut self, node: u32) {
        self.seen[node as usize] = self.searches;
        self.next_arc[node as usize] = self.adjacency.first[node as usize];
        self.path.push(node);
    }

    /// One more unit along the way that ends with this arc.
    fn push_flow(&mut self, last: usize) {
        let mut arc = last;
        loop {
            let back = self.reverse[arc] as usize;
            self.flow[arc] += 1;
            self.flow[back] -= 1;
            match self.reached_by[self.adjacency.heads[back] as usize] {
                SOURCE => return,
                before => arc = before as usize,
            }
        }
    }
}

/// What `reached_by` says of nodes that no arc leads to.
const SOURCE: u32 = u32::MAX;
const SINK: u32 = u32::MAX - 1;
const NOT_YET: u32 = u32::MAX - 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(side: usize) -> (Vec<Spot>, Adjacency) {
        let node = |x: usize, y: usize| (y * side + x) as u32;
        let at = |i: usize| Spot { lon: (i % side * 2000) as i32, lat: (i / side * 1000) as i32 };
        let right = (0..side).flat_map(move |y| (1..side).map(move |x| (node(x - 1, y), node(x, y))));
        let up = (1..side).flat_map(move |y| (0..side).map(move |x| (node(x, y - 1), node(x, y))));
        ((0..side * side).map(at).collect(), Adjacency::of(side * side, right.chain(up)))
    }

    #[test]
    fn every_node_comes_once() {
        for side in [0, 1, 2, 3, 20] {
            let (spots, adjacency) = grid(side);
            let mut order = nested_dissection(&spots, &adjacency);
            order.sort_unstable();
            assert!(order.into_iter().eq(0..(side * side) as u32), "{side}");
        }
    }

    #[test]
    fn the_last_nodes_part_a_grid_in_two() {
        let (spots, adjacency) = grid(20);
        let order = nested_dissection(&spots, &adjacency);
        let last: Vec<u32> = order[380..].to_vec();
        let mut seen = vec![false; 400];
        last.iter().for_each(|&node| seen[node as usize] = true);
        let mut reached = vec![order[0]];
        seen[order[0] as usize] = true;
        while let Some(node) = reached.pop() {
            for arc in adjacency.range(node) {
                if !std::mem::replace(&mut seen[adjacency.heads[arc] as usize], true) {
                    reached.push(adjacency.heads[arc]);
                }
            }
        }
        let one_side = seen.iter().filter(|&&seen| seen).count() - 20;
        assert!((114..=266).contains(&one_side), "{one_side}");
    }

    #[test]
    fn islands_and_long_streets_are_ordered_too() {
        let spots: Vec<Spot> = (0..50_000).map(|i| Spot { lon: i * 10, lat: 0 }).collect();
        let street = (1..40_000).map(|i| (i - 1, i));
        let order = nested_dissection(&spots, &Adjacency::of(50_000, street));
        assert_eq!(order.len(), 50_000);
    }
}
