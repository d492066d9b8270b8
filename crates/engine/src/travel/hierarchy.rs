use std::mem::size_of_val;

use crate::{
    network::{NO_ARC, Network},
    weight::Weight,
};

const NO_NODE: u32 = u32::MAX;

/// The weights of the shortcuts, for one kind of walker.
pub(crate) struct Hierarchy {
    /// What each arc takes from the node contracted earlier to the later one, and back.
    pub up: Vec<Weight>,
    pub down: Vec<Weight>,
    /// The node between, where an arc stands for two others; none where it is a street.
    up_via: Vec<u32>,
    down_via: Vec<u32>,
}

impl Hierarchy {
    /// Gives every arc the weight of the best way through nodes contracted before its ends.
    pub fn of(network: &Network, weights: &[Weight]) -> Self {
        let (firsts, heads) = network.upward();
        let mut of = Self {
            up: vec![Weight::CLOSED; heads.len()],
            down: vec![Weight::CLOSED; heads.len()],
            up_via: vec![NO_NODE; heads.len()],
            down_via: vec![NO_NODE; heads.len()],
        };
        for (edge, (&arc, both)) in
            network.edges().iter().zip(network.arcs_of_edges().iter().zip(weights.chunks_exact(2)))
        {
            if arc != NO_ARC {
                let [up, down] = if edge.from < edge.to { [both[0], both[1]] } else { [both[1], both[0]] };
                let arc = arc as usize;
                of.up[arc] = of.up[arc].min(up);
                of.down[arc] = of.down[arc].min(down);
            }
        }
        // All lower triangles: a node and two of its later neighbours, which are neighbours themselves.
        for node in 0..network.node_count() {
            let arcs = firsts[node] as usize..firsts[node + 1] as usize;
            for first in arcs.clone() {
                let (out, back) = (of.up[first], of.down[first]);
                if !out.is_open() && !back.is_open() {
                    continue;
                }
                let low = heads[first] as usize;
                let mut arc = firsts[low] as usize;
                for second in first + 1..arcs.end {
                    let high = heads[second];
                    while heads[arc] < high {
                        arc += 1;
                    }
                    debug_assert_eq!(heads[arc], high, "the network is chordal");
                    let (up, down) = (back.and(of.up[second]), of.down[second].and(out));
                    if up < of.up[arc] {
                        (of.up[arc], of.up_via[arc]) = (up, node as u32);
                    }
                    if down < of.down[arc] {
                        (of.down[arc], of.down_via[arc]) = (down, node as u32);
                    }
                }
            }
        }
        of
    }

    pub fn memory_bytes(&self) -> usize {
        size_of_val(&*self.up) * 2 + size_of_val(&*self.up_via) * 2
    }

    /// The streets that an arc stands for, as edges with a direction, in the order of walking.
    pub fn unpack(&self, network: &Network, weights: &[Weight], from: u32, to: u32, streets: &mut Vec<u32>) {
        let mut waiting = vec![(from, to)];
        while let Some((from, to)) = waiting.pop() {
            let upward = from < to;
            let arc = arc_between(network, from.min(to), from.max(to));
            let (via, weight) =
                if upward { (self.up_via[arc], self.up[arc]) } else { (self.down_via[arc], self.down[arc]) };
            if via != NO_NODE {
                waiting.extend([(via, to), (from, via)]);
                continue;
            }
            let street = network
                .arcs(from)
                .iter()
                .find(|arc| arc.head == to && weights[arc.directed as usize] == weight);
            streets.extend(street.map(|arc| arc.directed));
        }
    }
}

fn arc_between(network: &Network, low: u32, high: u32) -> usize {
    let (firsts, heads) = network.upward();
    let range = firsts[low as usize] as usize..firsts[low as usize + 1] as usize;
    range.start + heads[range].binary_search(&high).unwrap_or(0)
}
