use domain::{Quality, RouteRequest};
use std::collections::BTreeMap;

use crate::{
    assemble::Walk,
    network::{Lit, Network},
    path::Piece,
    spot::{Plane, Spot},
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

/// How often a walk crosses itself: where it passes a junction twice from side to side, and in the middle of squares.
fn crossings(network: &Network, pieces: &[Piece]) -> usize {
    let mut passes: BTreeMap<u32, Vec<[Arm; 2]>> = BTreeMap::new();
    for pair in pieces.windows(2) {
        let (arriving, leaving) = (Arm::at_end(network, pair[0]), Arm::at_end(network, pair[1].reversed()));
        if let (Some((node, from)), Some((other, to))) = (arriving, leaving)
            && node == other
        {
            passes.entry(node).or_default().push([from, to]);
        }
    }
    let at_junctions: usize = passes
        .values()
        .map(|passes| pairs(passes).filter(|(one, other)| Arm::are_crossed(one, other)).count())
        .sum();
    let across: Vec<&[Spot]> = pieces
        .iter()
        .filter(|piece| network.edge(piece.edge).attributes.crosses_square())
        .map(|piece| network.line(piece.edge))
        .collect();
    let on_squares = pairs(&across).filter(|(one, other)| {
        let plane = Plane::at(one[0]);
        let side = |a: Spot, b: Spot, c: Spot| {
            let [a, b, c] = [a, b, c].map(|spot| plane.metres(spot));
            ((b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)).signum()
        };
        let apart = |line: &[Spot], other: &[Spot]| {
            side(line[0], line[1], other[0]) * side(line[0], line[1], other[1]) < 0.0
        };
        apart(one, other) && apart(other, one)
    });
    at_junctions + on_squares.count()
}

/// The same a kilometre; a short walk counts as one kilometre.
pub(crate) fn crossings_per_km(network: &Network, walk: &Walk) -> f64 {
    let pieces: Vec<Piece> = walk.pieces().collect();
    let km = pieces.iter().map(|piece| f64::from(piece.length_mm())).sum::<f64>() / 1e6;
    crossings(network, &pieces) as f64 / km.max(1.0)
}

fn pairs<T>(list: &[T]) -> impl Iterator<Item = (&T, &T)> {
    list.iter().enumerate().flat_map(|(number, one)| list[number + 1..].iter().map(move |other| (one, other)))
}

/// An edge as seen from a junction.
#[derive(Clone, Copy)]
struct Arm {
    edge: u32,
    ends_here: bool,
    angle: f64,
}

impl Arm {
    /// The junction at which a piece ends, and the arm by which it is reached; `None` for what ends in mid-street.
    fn at_end(network: &Network, piece: Piece) -> Option<(u32, Self)> {
        let edge = network.edge(piece.edge);
        let line = network.line(piece.edge);
        let (node, ends_here, here, next) = match piece.to_mm {
            0 => (edge.from, false, line.first()?, line.get(1)?),
            to_mm if to_mm == edge.length_mm => {
                (edge.to, true, line.last()?, line.get(line.len().checked_sub(2)?)?)
            }
            _ => return None,
        };
        let (x, y) = Plane::at(*here).metres(*next);
        Some((node, Self { edge: piece.edge, ends_here, angle: y.atan2(x) }))
    }

    fn is(self, other: Self) -> bool {
        (self.edge, self.ends_here) == (other.edge, other.ends_here)
    }

    /// Whether two ways through a junction have four arms that take turns around it.
    fn are_crossed(one: &[Self; 2], other: &[Self; 2]) -> bool {
        let shared = one.iter().any(|arm| other.iter().any(|o| arm.is(*o)));
        let (low, high) = (one[0].angle.min(one[1].angle), one[0].angle.max(one[1].angle));
        let between = |arm: &Self| low < arm.angle && arm.angle < high;
        !shared && !one[0].is(one[1]) && between(&other[0]) != between(&other[1])
    }
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
