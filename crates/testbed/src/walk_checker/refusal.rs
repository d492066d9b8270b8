use anyhow::{Context, ensure};
use domain::{Refusal, RouteRequest};
use serde_json::Value;

use super::{WalkChecker, footing::Footing, way::SNAP_M};

/// A street nearer than this is within reach of anybody, in metres.
const WITHIN_REACH_M: f64 = 200.0;
/// One who walks slower than this, in metres a second, does not go for a walk.
const SLOW: f64 = 1.0;

impl WalkChecker {
    /// Whether a refusal is right: an error says why a walk was possible after all, or that the reason is none that a
    /// walker is ever given.
    pub fn check_refusal(&self, request: &Value, reason: &str) -> anyhow::Result<Refusal> {
        let request: RouteRequest =
            serde_json::from_value(request.clone()).context("the request is no request")?;
        let reasons = [
            Refusal::NoStreetNearStart,
            Refusal::NoStreetNearEnd,
            Refusal::EndNotConnected,
            Refusal::EndOutOfReach,
        ];
        let known = reasons.into_iter().find(|refusal| refusal.to_string() == reason);
        let refusal = known.with_context(|| format!("no reason that is given to walkers: {reason:?}"))?;
        let [start, end] = [request.start(), request.end()].map(|at| self.extract.plane.spot(at));
        match refusal {
            Refusal::NoStreetNearStart | Refusal::NoStreetNearEnd => {
                let spot = if refusal == Refusal::NoStreetNearStart { start } else { end };
                if let Some(metres) = self.streets.nearest(spot, WITHIN_REACH_M) {
                    // A scrap of street that leads nowhere is no place to start from.
                    let parts = self.streets.all_parts(spot, WITHIN_REACH_M);
                    let longest = parts.values().copied().fold(0.0, f64::max);
                    ensure!(longest < 500.0, "a street is {metres:.0} m away, one of {longest:.0} m");
                }
            }
            Refusal::EndNotConnected => {
                let [from, to] = [start, end].map(|spot| self.streets.all_parts(spot, 25.0));
                let both = from.iter().filter(|(part, _)| to.contains_key(part));
                ensure!(both.count() == 0, "start and end are within 25 m of streets that hang together");
            }
            Refusal::EndOutOfReach => {
                let stepless = request.accessibility().avoid_stairs;
                let good = |spot| self.streets.nearest_good(spot, SNAP_M, stepless).unwrap_or(SNAP_M);
                let reach = good(start).max(good(end)) + 5.0;
                let price = |footing: &Footing| footing.is_possible(stepless).then_some(1.0);
                let way = self.streets.cheapest(start, end, reach, price).map(|way| way.metres);
                let metres = way.context("too far, it says, and there is no way to the end at all")?;
                ensure!(
                    metres / SLOW > f64::from(request.budget_s()),
                    "the end is {metres:.0} m away on foot, and there are {} s",
                    request.budget_s()
                );
            }
        }
        Ok(refusal)
    }
}
