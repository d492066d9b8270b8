//! One route: up the elimination tree from both ends, and back down from where they meet. No heap, no visited set: the
//! ancestors of a node are all that matter, and they are few.

use super::Profile;
use crate::{network::Network, snap::Place, weight::Weight};

const NO_NODE: u32 = u32::MAX;

/// Finds routes one after the other, with the same memory.
pub(crate) struct RouteSearch<'a> {
    network: &'a Network,
    profile: &'a Profile,
    forward: Sweep,
    backward: Sweep,
}

/// What one end knows.
struct Sweep {
    weights: Vec<Weight>,
    /// The node each node was reached from.
    parents: Vec<u32>,
    /// The nodes that were reached, in ascending order.
    reached: Vec<u32>,
}

impl Sweep {
    fn new(nodes: usize) -> Self {
        Self { weights: vec![Weight::CLOSED; nodes], parents: vec![NO_NODE; nodes], reached: Vec::new() }
    }

    fn run(&mut self, network: &Network, ends: [(u32, Weight); 2], arcs: &[Weight]) {
        for node in self.reached.drain(..) {
            self.weights[node as usize] = Weight::CLOSED;
        }
        for (node, weight) in ends.into_iter().filter(|(_, weight)| weight.is_open()) {
            if weight < self.weights[node as usize] {
                self.weights[node as usize] = weight;
                self.parents[node as usize] = NO_NODE;
            }
        }
        let (firsts, heads) = network.upward();
        for node in ancestors(network, ends.map(|(node, _)| node)) {
            self.reached.push(node);
            let weight = self.weights[node as usize];
            if !weight.is_open() {
                continue;
            }
            for arc in firsts[node as usize] as usize..firsts[node as usize + 1] as usize {
                let (head, sum) = (heads[arc] as usize, weight.and(arcs[arc]));
                if sum < self.weights[head] {
                    self.weights[head] = sum;
                    self.parents[head] = node;
                }
            }
        }
    }

    /// From a node back to the end, both included.
    fn chain(&self, node: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(node), |&node| {
            Some(self.parents[node as usize]).filter(|&parent| parent != NO_NODE)
        })
    }
}

/// Two nodes and the nodes above them in the elimination tree, ascending: all that can be on the way up from them.
pub(super) fn ancestors(network: &Network, nodes: [u32; 2]) -> impl Iterator<Item = u32> {
    let (firsts, heads) = network.upward();
    let above = move |node: u32| {
        let (first, end) = (firsts[node as usize], firsts[node as usize + 1]);
        if first < end { heads[first as usize] } else { NO_NODE }
    };
    let [mut a, mut b] = nodes;
    std::iter::from_fn(move || {
        let next = a.min(b);
        if next == NO_NODE {
            return None;
        }
        if a == next {
            a = above(a);
        }
        if b == next {
            b = above(b);
        }
        Some(next)
    })
}

impl<'a> RouteSearch<'a> {
    pub fn new(network: &'a Network, profile: &'a Profile) -> Self {
        let nodes = network.node_count();
        Self { network, profile, forward: Sweep::new(nodes), backward: Sweep::new(nodes) }
    }

    /// The cheapest way between two places: what it takes, and the whole edges on it with their direction. No edges
    /// where it leads along the one edge on which both are. `None` where no way leads.
    pub fn run(
        &mut self,
        from: &Place,
        to: &Place,
        streets: &mut Vec<u32>,
    ) -> Option<(Weight, Option<[u32; 2]>)> {
        let profile = self.profile;
        let weight = |directed| profile.weight(directed);
        let (network, hierarchy) = (self.network, &self.profile.hierarchy);
        let along = from.along(to, network, weight);
        self.forward.run(network, from.exits(network, weight), &hierarchy.up);
        self.backward.run(network, to.entrances(network, weight), &hierarchy.down);
        let sum = |&node: &u32| self.forward.weights[node as usize].and(self.backward.weights[node as usize]);
        let apex = self.forward.reached.iter().copied().min_by_key(|node| (sum(node), *node));
        streets.clear();
        let Some(apex) = apex.filter(|apex| sum(apex) < along && sum(apex).is_open()) else {
            return along.is_open().then_some((along, None));
        };
        let mut nodes: Vec<u32> = self.forward.chain(apex).collect();
        nodes.reverse();
        nodes.extend(self.backward.chain(apex).skip(1));
        for pair in nodes.windows(2) {
            hierarchy.unpack(network, &profile.weights, pair[0], pair[1], streets);
        }
        Some((sum(&apex), Some([nodes[0], nodes[nodes.len() - 1]])))
    }
}
