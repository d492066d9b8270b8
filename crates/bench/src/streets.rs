use anyhow::ensure;
use domain::Coordinate;
use testbed::walk_checker::WalkChecker;

use crate::{around::Around, dice::Dice};

/// How far from a street a walker stands who asks, in metres: on a doorstep, or with a phone that knows no better.
const ASIDE_M: f64 = 20.0;

/// The streets that one may well start from, as the walk checker knows them.
pub(crate) struct Streets {
    /// Straight pieces, each with the metres of all before it and of itself.
    pieces: Vec<([Coordinate; 2], f64)>,
}

impl Streets {
    /// All of a city, or those of a part of it.
    pub fn new(checker: &WalkChecker, around: Option<Around>) -> anyhow::Result<Self> {
        let mut metres = 0.0;
        let inside =
            |piece: &[Coordinate; 2]| piece.iter().all(|at| around.is_none_or(|part| part.holds(*at)));
        let pieces = checker.street_pieces().filter(inside).map(|piece| {
            metres += piece[0].distance_m(piece[1]);
            (piece, metres)
        });
        let pieces: Vec<_> = pieces.collect();
        ensure!(metres > 0.0, "there is no street that everybody may walk and that leads somewhere");
        Ok(Self { pieces })
    }

    /// Beside a street, every metre of which is as likely.
    pub fn spot(&self, dice: &mut Dice) -> Coordinate {
        let all_m = self.pieces.last().map_or(0.0, |(_, metres)| *metres);
        let at_m = dice.share() * all_m;
        let index = self.pieces.partition_point(|(_, metres)| *metres < at_m);
        let ([a, b], _) = self.pieces[index.min(self.pieces.len() - 1)];
        let along = dice.share();
        let (aside_m, angle) = (dice.share() * ASIDE_M, dice.share() * std::f64::consts::TAU);
        let degrees = aside_m / 111_195.0;
        let lon = a.lon() + (b.lon() - a.lon()) * along + degrees * angle.cos() / a.lat().to_radians().cos();
        let lat = a.lat() + (b.lat() - a.lat()) * along + degrees * angle.sin();
        let round = |degrees: f64| (degrees * 1e6).round() / 1e6;
        Coordinate::new(round(lon), round(lat)).unwrap_or(a)
    }

    /// So many of them.
    pub fn spots(&self, seed: u64, count: u32) -> Vec<Coordinate> {
        let mut dice = Dice::new(seed, 0);
        (0..count).map(|_| self.spot(&mut dice)).collect()
    }
}
