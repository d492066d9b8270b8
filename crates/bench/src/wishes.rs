use domain::{Coordinate, Poi, RouteRequest, ThemeCatalogue, ThemeId};
use serde_json::{Value, json};
use std::{collections::BTreeSet, ops::RangeInclusive};

use crate::{dice::Dice, streets::Streets};

/// An end is so far away at most, of what one could walk in a straight line in the time given.
const FAR: f64 = 0.5;
const PACE: f64 = 1.33;

/// Requests of every kind in a city, the same for the same seed.
pub(crate) struct Wishes<'a> {
    pois: &'a [Poi],
    streets: &'a Streets,
    minutes: RangeInclusive<u16>,
}

impl<'a> Wishes<'a> {
    /// Of walks that start and end on these streets.
    pub fn new(streets: &'a Streets, pois: &'a [Poi], minutes: RangeInclusive<u16>) -> Self {
        Self { pois, streets, minutes }
    }

    /// The request of this number, in the form of the public API.
    pub fn wish(&self, seed: u64, number: u32) -> Value {
        let mut dice = Dice::new(seed, number);
        let minutes = self.minutes.start()
            + dice.below(usize::from(self.minutes.end() - self.minutes.start()) + 1) as u16;
        let start = self.streets.spot(&mut dice);
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
            let ends = std::iter::repeat_with(|| self.streets.spot(&mut dice)).take(1000);
            let near = |end: &Coordinate| end.distance_m(start) <= FAR * reach_m;
            wish["end_location"] = ends.into_iter().find(near).map_or_else(|| point(start), point);
        }
        wish
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

/// When the walk of this number may start: any minute of a summer.
pub(crate) fn start_time(seed: u64, number: u32) -> Value {
    // Of its own, so that the request itself is the same with and without.
    let mut dice = Dice::new(!seed, number);
    let mut below = |limit| dice.below(limit);
    json!(format!("2026-{:02}-{:02}T{:02}:{:02}", 6 + below(3), 1 + below(30), below(24), below(60)))
}

/// The request as the engine takes it.
pub(crate) fn parse(wish: &Value) -> anyhow::Result<RouteRequest> {
    RouteRequest::try_from(wish.clone()).map_err(anyhow::Error::msg)
}

fn point(at: Coordinate) -> Value {
    json!({"type": "Point", "coordinates": at})
}
