use anyhow::ensure;
use domain::{Coordinate, Poi, RouteRequest, ThemeCatalogue, ThemeId};
use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{Rng, SeedableRng},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, ops::RangeInclusive};
use testbed::walk_checker::WalkChecker;

use super::Around;

/// How far from a street a walker stands who asks, in metres: on a doorstep, or with a phone that knows no better.
const ASIDE_M: f64 = 20.0;
/// An end is so far away at most, of what one could walk in a straight line in the time given.
const FAR: f64 = 0.5;
const PACE: f64 = 1.33;

/// Requests of every kind in a city, the same for the same seed.
pub(crate) struct Wishes<'a> {
    pois: &'a [Poi],
    /// Streets, each with the metres of all before it and of itself.
    streets: Vec<([Coordinate; 2], f64)>,
    minutes: RangeInclusive<u16>,
}

impl<'a> Wishes<'a> {
    /// Of walks that start and end on streets that the checker knows.
    pub fn new(
        checker: &WalkChecker,
        pois: &'a [Poi],
        minutes: RangeInclusive<u16>,
        around: Option<Around>,
    ) -> anyhow::Result<Self> {
        let mut metres = 0.0;
        let inside =
            |piece: &[Coordinate; 2]| piece.iter().all(|at| around.is_none_or(|part| part.holds(*at)));
        let pieces = checker.street_pieces().filter(inside);
        let streets: Vec<_> = pieces
            .map(|piece| {
                metres += piece[0].distance_m(piece[1]);
                (piece, metres)
            })
            .collect();
        ensure!(metres > 0.0, "there is no street that everybody may walk and that leads somewhere");
        Ok(Self { pois, streets, minutes })
    }

    /// The request of this number, in the form of the public API.
    pub fn wish(&self, seed: u64, number: u32) -> Value {
        let mut dice = Dice::new(seed, number);
        let minutes = self.minutes.start()
            + dice.below(usize::from(self.minutes.end() - self.minutes.start()) + 1) as u16;
        let start = self.spot(&mut dice);
        let reach_m = f64::from(minutes) * 60.0 * PACE;
        let themes = self.themes(start, reach_m / 2.0, &mut dice);
        let mut wish = json!({
            "start_location": point(start),
            "duration_minutes": minutes,
            "interest_theme_ids": themes,
            "popularity_bias": (dice.share() * 100.0).round() / 100.0,
            "accessibility": {"avoid_stairs": dice.below(2) == 1, "prefer_well_lit": dice.below(2) == 1},
        });
        if dice.below(3) == 0 {
            let ends = std::iter::repeat_with(|| self.spot(&mut dice)).take(1000);
            let near = |end: &Coordinate| end.distance_m(start) <= FAR * reach_m;
            wish["end_location"] = ends.into_iter().find(near).map_or_else(|| point(start), point);
        }
        wish
    }

    /// Beside a street, every metre of which is as likely.
    fn spot(&self, dice: &mut Dice) -> Coordinate {
        let all_m = self.streets.last().map_or(0.0, |(_, metres)| *metres);
        let at_m = dice.share() * all_m;
        let index = self.streets.partition_point(|(_, metres)| *metres < at_m);
        let ([a, b], _) = self.streets[index.min(self.streets.len() - 1)];
        let (along, aside_m, angle) =
            (dice.share(), dice.share() * ASIDE_M, dice.share() * std::f64::consts::TAU);
        let degrees = aside_m / 111_195.0;
        let lon = a.lon() + (b.lon() - a.lon()) * along + degrees * angle.cos() / a.lat().to_radians().cos();
        let lat = a.lat() + (b.lat() - a.lat()) * along + degrees * angle.sin();
        let round = |degrees: f64| (degrees * 1e6).round() / 1e6;
        Coordinate::new(round(lon), round(lat)).unwrap_or(a)
    }

    /// One to four themes of which there are places about; whoever is far from all places may wish for anything.
    fn themes(&self, start: Coordinate, within_m: f64, dice: &mut Dice) -> Vec<ThemeId> {
        let near = self.pois.iter().filter(|poi| poi.location.distance_m(start) <= within_m);
        let there: BTreeSet<ThemeId> = near.flat_map(|poi| poi.themes.iter().copied()).collect();
        let mut themes: Vec<ThemeId> = there.into_iter().collect();
        if themes.is_empty() {
            themes = ThemeCatalogue::bundled().themes().iter().map(|theme| theme.id).collect();
        }
        let count = (1 + dice.below(4)).min(themes.len());
        (0..count).map(|_| themes.swap_remove(dice.below(themes.len()))).collect()
    }
}

/// The request as the engine takes it.
pub(crate) fn parse(wish: &Value) -> anyhow::Result<RouteRequest> {
    RouteRequest::try_from(wish.clone()).map_err(anyhow::Error::msg)
}

fn point(at: Coordinate) -> Value {
    json!({"type": "Point", "coordinates": at})
}

/// Numbers that look random and are the same in every run.
struct Dice(Xoshiro256PlusPlus);

impl Dice {
    fn new(seed: u64, number: u32) -> Self {
        let mut dice = Xoshiro256PlusPlus::seed_from_u64(seed);
        Self(Xoshiro256PlusPlus::seed_from_u64(dice.next_u64() ^ u64::from(number)))
    }

    fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.0.next_u64()) * limit as u128) >> 64) as usize
    }

    fn share(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
