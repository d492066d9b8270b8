//! The shortcuts of a contraction hierarchy before they have weights: which nodes each node has arcs to that come later.
//! See Dibbelt, Strasser and Wagner, "Customizable contraction hierarchies" (JEA 2016).

use super::order::Adjacency;

/// The arcs of each node to those contracted after it, sorted; nodes are numbered in that order.
pub(super) struct Upward {
    pub first: Vec<u32>,
    pub heads: Vec<u32>,
}

/// Contracts the nodes one after the other: the later neighbours of each become neighbours of each other. It is enough
/// to hand them on to the next of them, which hands them on in turn.
pub(super) fn contract(nodes: usize, adjacency: &Adjacency) -> Upward {
    let mut handed_on: Vec<Vec<u32>> = vec![Vec::new(); nodes];
    let (mut first, mut heads) = (Vec::with_capacity(nodes + 1), Vec::new());
    first.push(0);
    for node in 0..nodes {
        let mut later = std::mem::take(&mut handed_on[node]);
        let neighbours = &adjacency.heads[adjacency.first[node] as usize..adjacency.first[node + 1] as usize];
        later.extend(neighbours.iter().filter(|&&head| head as usize > node));
        later.sort_unstable();
        later.dedup();
        heads.extend_from_slice(&later);
        first.push(heads.len() as u32);
        if let Some((&next, others)) = later.split_first() {
            let next = &mut handed_on[next as usize];
            if next.is_empty() {
                later.remove(0);
                *next = later;
            } else {
                next.extend_from_slice(others);
            }
        }
    }
    Upward { first, heads }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_neighbours_of_a_node_become_neighbours() {
        // A star whose middle is contracted first.
        let star = Adjacency::of(4, [(0, 1), (0, 2), (0, 3)].into_iter());
        let upward = contract(4, &star);
        assert_eq!(upward.first, [0, 3, 5, 6, 6]);
        assert_eq!(upward.heads, [1, 2, 3, 2, 3, 3]);
    }
}
