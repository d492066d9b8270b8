//! Stretches that are walked to a stop and straight back.

use crate::{assemble::Walk, path::Piece};

/// A stretch there and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spur {
    /// Which anchor of the walk is at its tip.
    pub tip: usize,
    pub depth_mm: u64,
    /// Stops on it, with the one at its tip.
    pub stops: u32,
}

/// All spurs of a walk that have a stop at their tip.
pub(crate) fn spurs(walk: &Walk) -> Vec<Spur> {
    let inner = 1..walk.anchors.len().saturating_sub(1);
    inner
        .filter(|&tip| !walk.anchors[tip].via)
        .map(|tip| at(walk, tip))
        .filter(|spur| spur.depth_mm > 0)
        .collect()
}

fn at(walk: &Walk, tip: usize) -> Spur {
    let back = |way: usize| walk.ways[way].pieces.iter().rev().map(|piece| piece.reversed());
    // From the tip outwards on both sides, with the ways the pieces belong to.
    let mut there = (0..tip).rev().flat_map(|way| back(way).map(move |piece| (way, piece)));
    let mut on =
        (tip..walk.ways.len()).flat_map(|way| walk.ways[way].pieces.iter().map(move |&piece| (way, piece)));
    let mut spur = Spur { tip, depth_mm: 0, stops: 1 };
    let (mut one, mut other) = (there.next(), on.next());
    while let (Some((before, a)), Some((after, b))) = (one, other) {
        let common = common_mm(a, b);
        if common == 0 {
            break;
        }
        spur.depth_mm += u64::from(common);
        // Every way that ends on the spur ends at a stop there.
        let passed = (tip - 1 - before) + (after - tip);
        spur.stops = spur.stops.max(1 + passed as u32);
        one = rest(a, common).map(|piece| (before, piece)).or_else(|| there.next());
        other = rest(b, common).map(|piece| (after, piece)).or_else(|| on.next());
    }
    spur
}

/// Millimetres that two pieces go together from where both begin.
fn common_mm(a: Piece, b: Piece) -> u32 {
    let same = a.edge == b.edge && a.from_mm == b.from_mm && (a.to_mm > a.from_mm) == (b.to_mm > b.from_mm);
    if same { a.length_mm().min(b.length_mm()) } else { 0 }
}

/// What is left of a piece after so many millimetres.
fn rest(piece: Piece, done_mm: u32) -> Option<Piece> {
    let from_mm = if piece.to_mm > piece.from_mm { piece.from_mm + done_mm } else { piece.from_mm - done_mm };
    (from_mm != piece.to_mm).then_some(Piece { from_mm, ..piece })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        legs::{Anchor, Way},
        snap::Place,
        spot::Spot,
    };

    fn walk(ways: &[&[(u32, u32, u32)]]) -> Walk {
        let place = Place { edge: 0, offset_mm: 0, spot: Spot { lon: 0, lat: 0 }, off_m: 0.0 };
        let pieces = |way: &&[(u32, u32, u32)]| {
            way.iter().map(|&(edge, from_mm, to_mm)| Piece { edge, from_mm, to_mm }).collect()
        };
        Walk {
            anchors: vec![Anchor { place, via: false }; ways.len() + 1],
            ways: ways.iter().map(|way| Way { pieces: pieces(way), time_ms: 0 }).collect(),
            ..Walk::default()
        }
    }

    #[test]
    fn a_stretch_there_and_back_is_a_spur_with_the_stops_on_it() {
        let passing: &[&[_]] = &[&[(1, 0, 50)], &[(1, 50, 90), (2, 0, 30)]];
        assert_eq!(spurs(&walk(passing)), []);
        let single: &[&[_]] = &[&[(1, 0, 90), (2, 0, 30)], &[(2, 30, 0), (3, 0, 10)]];
        assert_eq!(spurs(&walk(single)), [Spur { tip: 1, depth_mm: 30, stops: 1 }]);
        // A stop on the way out, the tip, a stop on the way back.
        let three: &[&[_]] = &[
            &[(2, 0, 10)],
            &[(2, 10, 30), (4, 80, 0)],
            &[(4, 0, 20)],
            &[(4, 20, 80), (2, 30, 0), (3, 0, 9)],
        ];
        assert_eq!(spurs(&walk(three)), [Spur { tip: 2, depth_mm: 110, stops: 3 }]);
    }
}
