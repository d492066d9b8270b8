use domain::{Poi, RouteRequest, ThemeCatalogue};
use serde_json::{Value, json};
use std::path::Path;
use testbed::walk_checker::Spread;

use super::ours::City;
use crate::{
    clock::timed,
    console::say,
    streets::Streets,
    wishes::{Wishes, parse},
};

/// So many places are handed to the engine.
const PLACES: usize = 100;
const REQUESTS: u32 = 100;
/// Minutes of a walk that has the time for a choice among so many.
const MINUTES: std::ops::RangeInclusive<u16> = 70..=180;
const P50_MS: f64 = 30.0;
const P95_MS: f64 = 60.0;

/// Whole requests with a hundred places: CPU milliseconds of the engine.
pub(crate) struct Requests {
    ms: Vec<f64>,
}

impl Requests {
    pub fn measure(file: &Path, streets: &Streets, seed: u64) -> anyhow::Result<Self> {
        let city = City::read(file)?;
        let wishes = Wishes::new(streets, &city.pois, MINUTES);
        let themes: Vec<_> = ThemeCatalogue::bundled().themes().iter().map(|theme| theme.id).collect();
        let mut ms = Vec::new();
        for number in 0..REQUESTS {
            let mut wish = wishes.wish(seed, number);
            wish["interest_theme_ids"] = json!(themes[..themes.len().min(RouteRequest::MOST_THEMES)]);
            let request = parse(&wish)?;
            let mut ground = city.ground(&request)?;
            if ground.pois.len() < PLACES {
                continue;
            }
            let far_m =
                |poi: &Poi| poi.location.distance_m(request.start()) + poi.location.distance_m(request.end());
            ground.pois.sort_by(|a, b| far_m(a).total_cmp(&far_m(b)));
            ground.pois.truncate(PLACES);
            let (walk, cpu) = timed(|| ground.walk(&request, 1));
            if walk.is_ok() {
                ms.push(cpu.as_secs_f64() * 1000.0);
            }
        }
        Ok(Self { ms })
    }

    pub fn table(&self) {
        let Spread { count, median, p95, .. } = Spread::of(self.ms.iter().copied());
        if count == 0 {
            return say(&format!("whole request, {PLACES} places: not one start has so many within reach"));
        }
        let verdict = |met: bool| if met { "met" } else { "MISSED" };
        say(&format!("\nwhole request, {PLACES} places, CPU ms, of {count}:"));
        say(&format!("  p50 {median:.1} (<= {P50_MS}) {}", verdict(median <= P50_MS)));
        say(&format!("  p95 {p95:.1} (<= {P95_MS}) {}", verdict(p95 <= P95_MS)));
    }

    pub fn json(&self) -> Value {
        let Spread { count, median, p95, most } = Spread::of(self.ms.iter().copied());
        json!({"places": PLACES, "count": count, "p50_ms": median, "p95_ms": p95, "most_ms": most,
            "at_most": {"p50_ms": P50_MS, "p95_ms": P95_MS}})
    }
}
