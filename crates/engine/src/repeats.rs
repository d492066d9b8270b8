//! Streets that a walk uses more than once, and whose fault that is.

use std::collections::BTreeMap;

use crate::{legs::Way, pace::WALKING_M_PER_S};

/// For each way, the milliseconds on streets that are walked at another time, too, shared among all who walk there: the
/// sum is what is repeated in the whole walk.
pub(crate) fn repeated_ms(ways: &[Way]) -> Vec<f64> {
    let pieces =
        || ways.iter().enumerate().flat_map(|(way, it)| it.pieces.iter().map(move |piece| (way, piece)));
    // For each street, all that is walked on it and the longest passage.
    let mut walked: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for (_, piece) in pieces() {
        let (sum, longest) = walked.entry(piece.edge).or_default();
        let length_mm = f64::from(piece.length_mm());
        *sum += length_mm;
        *longest = longest.max(length_mm);
    }
    let mut repeated = vec![0.0; ways.len()];
    for (way, piece) in pieces() {
        let (sum, longest) = walked[&piece.edge];
        if sum > longest {
            repeated[way] += f64::from(piece.length_mm()) * (sum - longest) / sum / WALKING_M_PER_S;
        }
    }
    repeated
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Piece;

    #[test]
    fn those_who_walk_the_same_street_share_the_blame() {
        let way = |pieces: &[(u32, u32)]| {
            let pieces = pieces.iter().map(|&(edge, to_mm)| Piece { edge, from_mm: 0, to_mm });
            Way { pieces: pieces.collect(), time_ms: 0 }
        };
        let repeated = repeated_ms(&[way(&[(1, 1330), (2, 1330)]), way(&[(3, 500)]), way(&[(2, 1330)])]);
        let expected = [500.0, 0.0, 500.0];
        assert!(repeated.iter().zip(expected).all(|(one, other)| (one - other).abs() < 1e-6), "{repeated:?}");
    }
}
