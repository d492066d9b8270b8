//! From cells to a prepared network: what can be worked out once is worked out here, so that loading is next to nothing.

use super::{
    NetworkError,
    cell::Segment,
    chains, chordal, codec,
    graph::{Arc, Edge, MOST_EDGES, NO_ARC},
    grid,
    order::{self, Adjacency},
    storage::assemble,
    twins,
};
use crate::spot::Spot;

/// Stitches cells together, in whatever order they come, and prepares the network that they make. A cell that comes
/// twice counts once.
pub(super) fn prepare<'a>(cells: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, NetworkError> {
    let mut segments = Vec::new();
    for cell in cells {
        codec::decode(cell, &mut segments)?;
    }
    segments.sort_unstable_by_key(|segment| (segment.way, segment.index));
    segments.dedup_by_key(|segment| (segment.way, segment.index));
    twins::drop_twins(&mut segments);
    segments.sort_unstable_by_key(|segment| (segment.way, segment.index));
    let points: usize = segments.iter().map(|segment| segment.points.len()).sum();
    if segments.len() >= MOST_EDGES || points >= 1 << 31 {
        return Err(NetworkError::TooLarge);
    }
    Ok(file(&chains::join(&segments)))
}

fn file(segments: &[Segment]) -> Vec<u8> {
    let Junctions { spots, mut ends } = Junctions::of(segments);
    // What is closed to walkers is no street of the hierarchy: it is used at the ends of a walk only.
    let walked = |ends: &[[u32; 2]]| {
        let open = ends.iter().zip(segments).filter(|(_, segment)| !segment.attributes.private());
        Adjacency::of(spots.len(), open.map(|(&[from, to], _)| (from, to)))
    };
    let order = order::nested_dissection(&spots, &walked(&ends));
    // From here on nodes are numbered in the order of contraction.
    let mut rank = vec![0_u32; order.len()];
    order.iter().zip(0..).for_each(|(&node, number)| rank[node as usize] = number);
    ends.iter_mut().flatten().for_each(|node| *node = rank[*node as usize]);
    let spots: Vec<Spot> = order.iter().map(|&node| spots[node as usize]).collect();
    // Streets beside each other are beside each other in memory.
    let mut sorted: Vec<u32> = (0..segments.len() as u32).collect();
    sorted.sort_by_key(|&number| {
        let [from, to] = ends[number as usize];
        (from.min(to), from.max(to), number)
    });
    let ends: Vec<[u32; 2]> = sorted.iter().map(|&number| ends[number as usize]).collect();
    let segments: Vec<&Segment> = sorted.iter().map(|&number| &segments[number as usize]).collect();

    let (mut edges, mut first_points, mut points) = (Vec::new(), vec![0_u32], Vec::<Spot>::new());
    for (segment, &[from, to]) in segments.iter().zip(&ends) {
        let length: u64 = segment.points.windows(2).map(|pair| u64::from(pair[0].distance_mm(pair[1]))).sum();
        let length_mm = u32::try_from(length).unwrap_or(u32::MAX).min(u32::MAX / 4);
        edges.push(Edge { from, to, length_mm, attributes: segment.attributes });
        points.extend_from_slice(&segment.points);
        first_points.push(points.len() as u32);
    }
    let (first_arcs, arcs) = arcs(spots.len(), &edges);
    let open = edges.iter().filter(|edge| !edge.attributes.private());
    let upward =
        chordal::contract(spots.len(), &Adjacency::of(spots.len(), open.map(|edge| (edge.from, edge.to))));
    let arc_of = |edge: &Edge| {
        let (low, high) = (edge.from.min(edge.to), edge.from.max(edge.to));
        let range = upward.first[low as usize] as usize..upward.first[low as usize + 1] as usize;
        let place = (low != high && !edge.attributes.private())
            .then(|| upward.heads[range.clone()].binary_search(&high).ok());
        place.flatten().map_or(NO_ARC, |place| (range.start + place) as u32)
    };
    let arcs_of_edges: Vec<u32> = edges.iter().map(arc_of).collect();
    let squares = grid::Squares::of(segments.iter().map(|segment| segment.points.as_slice()));
    use bytemuck::cast_slice;
    assemble([
        cast_slice(&spots),
        cast_slice(&first_arcs),
        cast_slice(&arcs),
        cast_slice(&edges),
        cast_slice(&first_points),
        cast_slice(&points),
        cast_slice(&squares.keys),
        cast_slice(&squares.firsts),
        cast_slice(&squares.edges),
        cast_slice(&upward.first),
        cast_slice(&upward.heads),
        cast_slice(&arcs_of_edges),
    ])
}

/// Where the segments meet.
struct Junctions {
    spots: Vec<Spot>,
    /// The nodes at which each segment begins and ends.
    ends: Vec<[u32; 2]>,
}

impl Junctions {
    fn of(segments: &[Segment]) -> Self {
        let ends = |segment: &Segment| {
            let (first, last) = (segment.points[0], segment.points[segment.points.len() - 1]);
            [(first.morton(), segment.from, first), (last.morton(), segment.to, last)]
        };
        let mut nodes: Vec<(u64, i64, Spot)> = segments.iter().flat_map(ends).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let number = |node: (u64, i64, Spot)| nodes.binary_search(&node).unwrap_or(0) as u32;
        let ends = segments.iter().map(|segment| ends(segment).map(number)).collect();
        Self { spots: nodes.into_iter().map(|(_, _, spot)| spot).collect(), ends }
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
    let mut arcs = vec![Arc::new(0, 0, false); edges.len() * 2];
    for (number, edge) in edges.iter().enumerate() {
        for (tail, head, backward) in [(edge.from, edge.to, false), (edge.to, edge.from, true)] {
            arcs[next[tail as usize] as usize] = Arc::new(head, number as u32, backward);
            next[tail as usize] += 1;
        }
    }
    (first_arc, arcs)
}
