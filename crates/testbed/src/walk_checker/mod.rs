//! Looks at a walk as an inspector would: from the request, the answer of the public API and the extract alone.
//!
//! Nothing here is shared with the search but the words of `domain`. The checker reads the `.osm.pbf` itself, has its
//! own simple idea of what is walkable, and measures everything again; where the two disagree, one of them is wrong,
//! and somebody has to find out which. A promise is kept or broken by each walk ([`Promise`]); what makes a walk better
//! or worse without being right or wrong is a number ([`Numbers`]), and many walks make a [`Summary`].

mod clock;
mod dead_ends;
mod extract;
mod footing;
mod hours;
mod light;
mod measure;
mod places;
mod plane;
mod refusal;
mod report;
mod routing;
mod streets;
mod summary;
mod supply;
#[cfg(test)]
mod tests;
mod trace;
mod walk;
mod way;
mod worth;

use domain::{Coordinate, ThemeCatalogue};
use serde_json::Value;
use std::{path::Path, sync::OnceLock};

use dead_ends::Rounds;
use extract::Extract;
use streets::Streets;
use supply::Doors;
use walk::Walk;

pub use light::Brighter;
pub use report::{Numbers, Promise, Report, Violation};
pub use summary::{Spread, Summary};
pub use supply::Supply;

/// One who knows the city and checks walks in it.
pub struct WalkChecker {
    extract: Extract,
    streets: Streets,
    doors: OnceLock<Doors>,
    /// For all, and for those who take no steps.
    rounds: [OnceLock<Rounds>; 2],
}

impl WalkChecker {
    /// Reads an extract. Themes are those of this build.
    pub fn read(extract: &Path) -> anyhow::Result<Self> {
        let extract = Extract::read(extract, &ThemeCatalogue::bundled())?;
        let streets = Streets::of(&extract);
        Ok(Self { extract, streets, doors: OnceLock::new(), rounds: Default::default() })
    }

    /// The straight pieces of all ways that are open to everybody, have no steps and lead somewhere: where one may well
    /// ask for a walk.
    pub fn street_pieces(&self) -> impl Iterator<Item = [Coordinate; 2]> {
        let degrees = |spot| Coordinate::try_from(self.extract.plane.degrees(spot)).ok();
        self.streets.good().filter_map(move |stretch| Some([degrees(stretch.a)?, degrees(stretch.b)?]))
    }

    /// Checks a complete route. Both are JSON as the public API speaks it: the body of `POST /api/v1/routes` and the
    /// answer of `GET /api/v1/routes/{route_id}`.
    pub fn check(&self, request: &Value, route: &Value) -> Report {
        let mut report = Report::default();
        let walk = match Walk::read(request, route, self.extract.plane, &self.streets) {
            Ok(walk) => walk,
            Err(error) => {
                report.broken(Promise::Form, format!("{error:#}"));
                return report;
            }
        };
        let (places, plane) = (&self.extract.places, self.extract.plane);
        way::shape(&walk, &mut report);
        way::on_streets(&walk, &self.streets, &mut report);
        way::length(&walk, &mut report);
        clock::time(&walk, &mut report);
        places::stops(&walk, places, plane, &mut report);
        way::stairs(&walk, &self.streets, &mut report);
        way::honesty(&walk, &mut report);
        let timed_stops = hours::kept(&walk, places, &mut report);
        let mut numbers = measure::measure(&walk, &self.streets, places, plane);
        numbers.timed_stops = timed_stops as f64;
        numbers.forced_share = self.forced_m(&walk).min(walk.trace.repeated_m()) / walk.length_m().max(1.0);
        report.numbers = Some(numbers);
        report
    }

    /// What one must walk twice who comes back to a start in a dead end.
    fn forced_m(&self, walk: &Walk) -> f64 {
        let Some(start) = walk.spots.first().filter(|_| walk.request.is_loop()) else { return 0.0 };
        let stepless = walk.request.accessibility().avoid_stairs;
        let rounds = self.rounds[usize::from(stepless)].get_or_init(|| self.streets.rounds(stepless));
        self.streets.dead_end_m(*start, streets::ON_IT_M, stepless, rounds)
    }
}
