use domain::{Quality, RouteRequest};
use std::collections::BTreeMap;

use crate::{
    network::{Lit, Network},
    shortest_paths::Piece,
};

/// Millimetres that are walked a second time, in either direction.
pub(crate) fn repeated_mm(pieces: impl Iterator<Item = Piece>) -> u64 {
    // For each edge the stretches walked so far: apart from each other, sorted.
    let mut walked: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
    let mut repeated = 0;
    for piece in pieces {
        let (mut low, mut high) = (piece.from_mm.min(piece.to_mm), piece.from_mm.max(piece.to_mm));
        let stretches = walked.entry(piece.edge).or_default();
        repeated += stretches
            .iter()
            .map(|&(from, to)| u64::from(to.min(high).saturating_sub(from.max(low))))
            .sum::<u64>();
        stretches.retain(|&(from, to)| {
            let touches = from <= high && to >= low;
            if touches {
                (low, high) = (low.min(from), high.max(to));
            }
            !touches
        });
        stretches.push((low, high));
        stretches.sort_unstable();
    }
    repeated
}

/// The numbers that tell how good a walk is, from what it walks and the wanted themes (bits) that its stops have.
pub(crate) fn of(network: &Network, pieces: &[Piece], themes: u32, request: &RouteRequest) -> Quality {
    let length = |wanted: &dyn Fn(Lit) -> bool| -> u64 {
        let lit = |piece: &Piece| network.edge(piece.edge).attributes.lit();
        pieces.iter().filter(|piece| wanted(lit(piece))).map(|piece| u64::from(piece.length_mm())).sum()
    };
    let total = length(&|_| true);
    let share = |part: u64| if total == 0 { 0.0 } else { part as f64 / total as f64 };
    Quality {
        repeated_share: share(repeated_mm(pieces.iter().copied())),
        well_lit_share: share(length(&|lit| lit == Lit::Yes)),
        lit_known_share: share(length(&|lit| lit != Lit::Unknown)),
        steps_used: pieces
            .iter()
            .any(|piece| network.edge(piece.edge).attributes.steps() && piece.length_mm() > 0),
        theme_coverage: f64::from(themes.count_ones()) / request.themes().len().max(1) as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(edge: u32, from_mm: u32, to_mm: u32) -> Piece {
        Piece { edge, from_mm, to_mm }
    }

    #[test]
    fn only_what_is_walked_again_counts_as_repeated() {
        assert_eq!(repeated_mm([piece(1, 0, 50), piece(2, 0, 50), piece(1, 50, 90)].into_iter()), 0);
        assert_eq!(repeated_mm([piece(1, 0, 50), piece(1, 50, 0)].into_iter()), 50);
        assert_eq!(repeated_mm([piece(1, 0, 50), piece(1, 80, 40), piece(1, 0, 100)].into_iter()), 10 + 80);
    }
}
