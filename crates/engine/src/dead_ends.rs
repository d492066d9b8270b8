use crate::{network::Network, snap::Place, weight::Weight};

/// How deep in a dead end each part of the network lies: what one walks into and must walk back out of.
pub(crate) struct DeadEnds {
    /// Millimetres from each node to the nearest place where ways go round; 0 for nodes of the core.
    depth_mm: Vec<u32>,
    /// The edge by which each node of a dead end is left.
    way_out: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl DeadEnds {
    /// Peels off the nodes that only one edge leads to, again and again, and measures back.
    pub fn of(network: &Network, weights: &[Weight]) -> Self {
        let is_open =
            |edge: u32| weights[edge as usize * 2].is_open() || weights[edge as usize * 2 + 1].is_open();
        let nodes = network.node_count();
        let mut degree = vec![0_u32; nodes];
        for (number, edge) in network.edges().iter().enumerate() {
            if is_open(number as u32) {
                degree[edge.from as usize] += 1;
                degree[edge.to as usize] += 1;
            }
        }
        let mut way_out = vec![NONE; nodes];
        let mut peeled: Vec<u32> = (0..nodes as u32).filter(|&node| degree[node as usize] == 1).collect();
        let mut next = 0;
        while let Some(&node) = peeled.get(next) {
            next += 1;
            let out = network.arcs(node).iter().find(|arc| {
                is_open(arc.edge())
                    && way_out[arc.head as usize] != arc.edge()
                    && arc.head != node
                    && degree[arc.head as usize] > 0
            });
            degree[node as usize] = 0;
            if let Some(arc) = out {
                way_out[node as usize] = arc.edge();
                let head = &mut degree[arc.head as usize];
                *head -= 1;
                if *head == 1 {
                    peeled.push(arc.head);
                }
            }
        }
        let mut depth_mm = vec![0_u32; nodes];
        for &node in peeled.iter().rev() {
            if let Some(edge) = (way_out[node as usize] != NONE).then(|| network.edge(way_out[node as usize]))
            {
                let inner = if edge.from == node { edge.to } else { edge.from };
                depth_mm[node as usize] = depth_mm[inner as usize].saturating_add(edge.length_mm);
            }
        }
        Self { depth_mm, way_out }
    }

    /// Whether ways lead on from a node in more than one direction.
    pub fn is_core(&self, node: u32) -> bool {
        self.way_out[node as usize] == NONE
    }

    pub fn memory_bytes(&self) -> usize {
        (self.depth_mm.len() + self.way_out.len()) * size_of::<u32>()
    }

    /// Metres that a walk to a place takes into a dead end.
    pub fn depth_m(&self, network: &Network, place: &Place) -> f64 {
        let edge = network.edge(place.edge);
        let beyond = |node: u32| self.way_out[node as usize] == place.edge;
        let mm = if beyond(edge.to) {
            u64::from(self.depth_mm[edge.from as usize]) + u64::from(place.offset_mm)
        } else if beyond(edge.from) {
            let back = edge.length_mm.saturating_sub(place.offset_mm);
            u64::from(self.depth_mm[edge.to as usize]) + u64::from(back)
        } else {
            0
        };
        mm as f64 / 1000.0
    }
}
