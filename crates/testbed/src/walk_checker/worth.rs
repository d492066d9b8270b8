use domain::{Route, RouteRequest};
use serde_json::Value;
use std::collections::BTreeMap;

use super::{Supply, WalkChecker};

/// What the stops of one theme count beside those of one kind.
const THEME: f64 = 0.6;
/// How much a place without a name counts.
const NAMELESS: f64 = 0.7;
/// From 1/5 to 5 between the least and the best known place, for one who wants the best known only.
const TILT: f64 = 3.2;

impl WalkChecker {
    /// What the stops of a route are worth to the walker: each about 1, more where it suits the wish for gems or
    /// hotspots, and the next of a kind or theme always a little less than the one before.
    pub fn worth(&self, request: &Value, route: &Route, supply: &Supply) -> anyhow::Result<f64> {
        let request: RouteRequest = serde_json::from_value(request.clone())?;
        let mut kinds: BTreeMap<&str, f64> = BTreeMap::new();
        let mut themes: BTreeMap<_, f64> = BTreeMap::new();
        for stop in &route.stops {
            let Some(place) = self.extract.places.get(&stop.poi_id) else { continue };
            let rank = supply.rank(place.popularity);
            let tilt = (TILT * (2.0 * request.popularity_bias() - 1.0) * (rank - 0.5)).exp();
            let value = tilt * if stop.name.is_some() { 1.0 } else { NAMELESS };
            *kinds.entry(&place.kind).or_default() += value;
            for theme in request.themes().iter().filter(|theme| place.themes.contains(theme)) {
                *themes.entry(*theme).or_default() += value;
            }
        }
        let kinds: f64 = kinds.into_values().map(falling).sum();
        let themes: f64 = themes.into_values().map(falling).sum();
        Ok(kinds + THEME * themes)
    }
}

/// Falling returns: the first one counts in full, the tenth hardly half.
fn falling(sum: f64) -> f64 {
    sum / (1.0 + sum / 6.0)
}
