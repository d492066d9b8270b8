use std::mem::size_of_val;

use super::{Attributes, NetworkError, cell::Segment, codec, components::Components, grid::Grid};
use crate::spot::Spot;

/// A street network in memory: what the loaded cells hold, ready to be searched. Immutable, to be shared.
pub struct Network {
    /// Where each node's arcs begin; one more than there are nodes.
    first_arc: Vec<u32>,
    arcs: Vec<Arc>,
    edges: Vec<Edge>,
    points: Vec<Spot>,
    grid: Grid,
    /// What hangs together for all, and for those who do not take steps.
    public: Components,
    stepless: Components,
}

/// An edge as seen from one of its ends.
#[derive(Clone, Copy)]
pub(crate) struct Arc {
    /// The node it leads to.
    pub head: u32,
    /// The edge, and in the lowest bits what a search asks for again and again.
    edge_and_flags: u32,
}

/// Edges are numbered in what the flags leave of 32 bits.
const MOST_EDGES: usize = 1 << 29;

impl Arc {
    fn new(head: u32, edge: u32, backward: bool, way: Attributes) -> Self {
        let (out, back) =
            if backward { (way.backward(), way.forward()) } else { (way.forward(), way.backward()) };
        let flags = u32::from(out) << 2 | u32::from(back) << 1 | u32::from(backward);
        Self { head, edge_and_flags: edge << 3 | flags }
    }

    pub fn edge(self) -> u32 {
        self.edge_and_flags >> 3
    }

    /// One may walk it to its head.
    pub fn leads_on(self) -> bool {
        self.edge_and_flags & 4 != 0
    }

    /// One may walk it from its head.
    pub fn leads_back(self) -> bool {
        self.edge_and_flags & 2 != 0
    }

    /// Walked from the edge's last point to its first.
    pub fn backward(self) -> bool {
        self.edge_and_flags & 1 == 1
    }
}

/// A piece of street between two junctions.
#[derive(Clone, Copy)]
pub(crate) struct Edge {
    pub from: u32,
    pub to: u32,
    pub length_mm: u32,
    first_point: u32,
    points: u32,
    pub attributes: Attributes,
}

impl Network {
    /// Stitches cells together, in whatever order they come; a cell that comes twice counts once.
    pub fn from_cells<'a>(cells: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, NetworkError> {
        let mut segments = Vec::new();
        for cell in cells {
            codec::decode(cell, &mut segments)?;
        }
        segments.sort_unstable_by_key(|segment| (segment.way, segment.index));
        segments.dedup_by_key(|segment| (segment.way, segment.index));
        let points: usize = segments.iter().map(|segment| segment.points.len()).sum();
        if segments.len() >= MOST_EDGES || points >= 1 << 31 {
            return Err(NetworkError::TooLarge);
        }
        Ok(Self::of(&segments))
    }

    fn of(segments: &[Segment]) -> Self {
        let ends = |segment: &Segment| {
            let last = segment.points.len() - 1;
            [(segment.points[0].morton(), segment.from), (segment.points[last].morton(), segment.to)]
        };
        let mut nodes: Vec<(u64, i64)> = segments.iter().flat_map(ends).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let number = |node: (u64, i64)| nodes.binary_search(&node).unwrap_or(0) as u32;
        let mut edges = Vec::with_capacity(segments.len());
        let mut points = Vec::new();
        for segment in segments {
            let [from, to] = ends(segment).map(number);
            let length: u64 =
                segment.points.windows(2).map(|pair| u64::from(pair[0].distance_mm(pair[1]))).sum();
            edges.push(Edge {
                from,
                to,
                length_mm: u32::try_from(length).unwrap_or(u32::MAX / 4).min(u32::MAX / 4),
                first_point: points.len() as u32,
                points: segment.points.len() as u32,
                attributes: segment.attributes,
            });
            points.extend_from_slice(&segment.points);
        }
        let (first_arc, arcs) = arcs(nodes.len(), &edges);
        let line = |edge: &Edge| &points[edge.first_point as usize..][..edge.points as usize];
        let grid = Grid::of(edges.iter().map(line));
        let public = Components::of(nodes.len(), &edges, |way| !way.private());
        let stepless = Components::of(nodes.len(), &edges, |way| !way.private() && !way.steps());
        Self { first_arc, arcs, edges, points, grid, public, stepless }
    }

    /// Bytes it takes in memory.
    pub fn memory_bytes(&self) -> usize {
        size_of_val(&*self.first_arc)
            + size_of_val(&*self.arcs)
            + size_of_val(&*self.edges)
            + size_of_val(&*self.points)
            + self.grid.memory_bytes()
            + self.public.memory_bytes()
            + self.stepless.memory_bytes()
    }

    /// No street at all.
    pub fn is_empty(&self) -> bool {
        self.edges.is_empty()
    }

    pub(crate) fn node_count(&self) -> usize {
        self.first_arc.len() - 1
    }

    pub(crate) fn edges(&self) -> &[Edge] {
        &self.edges
    }

    pub(crate) fn edge(&self, edge: u32) -> &Edge {
        &self.edges[edge as usize]
    }

    pub(crate) fn arcs(&self, node: u32) -> &[Arc] {
        let range = self.first_arc[node as usize] as usize..self.first_arc[node as usize + 1] as usize;
        &self.arcs[range]
    }

    pub(crate) fn line(&self, edge: u32) -> &[Spot] {
        let edge = self.edge(edge);
        &self.points[edge.first_point as usize..][..edge.points as usize]
    }

    pub(crate) fn grid(&self) -> &Grid {
        &self.grid
    }

    pub(crate) fn components(&self, without_steps: bool) -> &Components {
        if without_steps { &self.stepless } else { &self.public }
    }
}

/// The arcs of all nodes, one node after the other (compressed sparse rows).
fn arcs(nodes: usize, edges: &[Edge]) -> (Vec<u32>, Vec<Arc>) {
    let mut first_arc = vec![0_u32; nodes + 1];
    for edge in edges {
        first_arc[edge.from as usize + 1] += 1;
        first_arc[edge.to as usize + 1] += 1;
    }
    for node in 0..nodes {
        first_arc[node + 1] += first_arc[node];
    }
    let mut next = first_arc.clone();
    let mut arcs = vec![Arc { head: 0, edge_and_flags: 0 }; edges.len() * 2];
    for (number, edge) in edges.iter().enumerate() {
        for (tail, head, backward) in [(edge.from, edge.to, false), (edge.to, edge.from, true)] {
            arcs[next[tail as usize] as usize] = Arc::new(head, number as u32, backward, edge.attributes);
            next[tail as usize] += 1;
        }
    }
    (first_arc, arcs)
}
