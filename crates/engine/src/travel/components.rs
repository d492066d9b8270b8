use crate::network::{Attributes, Network};

/// Which parts of a network hang together for those who may walk some of its edges.
pub(crate) struct Components {
    of_node: Vec<u32>,
    length_mm: Vec<u64>,
}

impl Components {
    pub fn of(network: &Network, may_walk: impl Fn(Attributes) -> bool) -> Self {
        let nodes = network.node_count();
        let mut parent: Vec<u32> = (0..nodes as u32).collect();
        let walked = || network.edges().iter().filter(|edge| may_walk(edge.attributes));
        for edge in walked() {
            let (a, b) = (root(&mut parent, edge.from), root(&mut parent, edge.to));
            // The smaller number stays the root, so that names do not depend on the order of edges.
            parent[a.max(b) as usize] = a.min(b);
        }
        let of_node: Vec<u32> = (0..nodes as u32).map(|node| root(&mut parent, node)).collect();
        let mut length_mm = vec![0; nodes];
        for edge in walked() {
            length_mm[of_node[edge.from as usize] as usize] += u64::from(edge.length_mm);
        }
        Self { of_node, length_mm }
    }

    /// The component of a node.
    pub fn of_node(&self, node: u32) -> u32 {
        self.of_node[node as usize]
    }

    /// Metres of street in a component.
    pub fn length_m(&self, component: u32) -> f64 {
        self.length_mm[component as usize] as f64 / 1000.0
    }

    pub fn memory_bytes(&self) -> usize {
        self.of_node.len() * 4 + self.length_mm.len() * 8
    }
}

fn root(parent: &mut [u32], mut node: u32) -> u32 {
    while parent[node as usize] != node {
        let above = parent[parent[node as usize] as usize];
        parent[node as usize] = above;
        node = above;
    }
    node
}
