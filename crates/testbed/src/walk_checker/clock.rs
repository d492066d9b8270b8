//! What is promised about time.

use domain::PoiId;
use std::collections::HashMap;

use super::{
    extract::Place,
    footing::Footing,
    report::{Promise, Report},
    walk::Walk,
};

/// Metres a second that a walker may be thought to make, steps and crossings included.
const PACE: std::ops::RangeInclusive<f64> = 0.4..=1.45;
/// Metres a second on the level, and on steps: the pace that is promised.
pub(super) const LEVEL: f64 = 1.33;
const ON_STEPS: f64 = 0.6;
/// On shorter ways the rounding to seconds tells more than the pace does.
const LONG_ENOUGH_M: f64 = 50.0;

pub(super) fn time(walk: &Walk, report: &mut Report) {
    let (route, budget) = (&walk.route, walk.request.budget_s());
    report.expect(route.duration_s <= budget, Promise::Budget, || {
        format!("it takes {} s of the {budget} s there are", route.duration_s)
    });
    let dwelling: u32 = route.stops.iter().map(|stop| stop.dwell_s).sum();
    report.expect(route.duration_s == route.walking_s + dwelling, Promise::Time, || {
        format!("duration_s is {}, walking {} and dwelling {dwelling}", route.duration_s, route.walking_s)
    });
    let slowest_s = walk.length_m() / PACE.end();
    report.expect(slowest_s + f64::from(dwelling) <= f64::from(budget) + 1.0, Promise::Budget, || {
        format!("{:.0} m and {dwelling} s of dwelling do not fit into {budget} s", walk.length_m())
    });
    let legs: u32 = route.legs.iter().map(|leg| leg.duration_s).sum();
    report.expect(legs.abs_diff(route.walking_s) <= route.legs.len() as u32, Promise::Time, || {
        format!("the legs take {legs} s, walking_s is {}", route.walking_s)
    });
    pace("the walk", walk.length_m(), route.walking_s, report);
    let mut clock = 0;
    for (number, leg) in route.legs.iter().enumerate() {
        let part =
            walk.metres.get(leg.geometry.end as usize).zip(walk.metres.get(leg.geometry.start as usize));
        pace(&format!("leg {number}"), part.map_or(0.0, |(end, start)| end - start), leg.duration_s, report);
        clock += leg.duration_s;
        let Some(stop) = route.stops.get(number) else { continue };
        report.expect(stop.arrival_s.abs_diff(clock) <= 2 * (number as u32 + 1), Promise::Time, || {
            format!("stop {} is reached after {} s, by the legs after {clock} s", stop.order, stop.arrival_s)
        });
        clock += stop.dwell_s;
    }
}

fn pace(what: &str, metres: f64, seconds: u32, report: &mut Report) {
    let pace = metres / f64::from(seconds.max(1));
    report.expect(metres < LONG_ENOUGH_M || PACE.contains(&pace), Promise::Time, || {
        format!("{what} is {metres:.0} m in {seconds} s, which is {pace:.2} m/s")
    });
}

/// Metres a second: slower on steps, uphill and steeply downhill (Tobler's hiking function).
fn speed(footing: &Footing) -> f64 {
    let slope = (-3.5 * ((footing.rise + 0.05).abs() - 0.05)).exp().min(1.0);
    if footing.steps { ON_STEPS } else { LEVEL * slope }
}

/// How far the reported duration is from the one that the geometry and the stops make, as a share.
pub(super) fn error(walk: &Walk, places: &HashMap<PoiId, Place>) -> f64 {
    let dwell = |stop: &domain::Stop| places.get(&stop.poi_id).map_or(stop.dwell_s, |place| place.dwell_s);
    let dwelling: u32 = walk.route.stops.iter().map(dwell).sum();
    // Where ways lie on one another, it cannot be seen which of them is walked.
    let (mut least, mut most) = (f64::from(dwelling), f64::from(dwelling));
    for piece in &walk.pieces {
        let paces = || piece.under.iter().map(speed);
        least += piece.metres / paces().reduce(f64::max).unwrap_or(LEVEL);
        most += piece.metres / paces().reduce(f64::min).unwrap_or(LEVEL);
    }
    let said = f64::from(walk.route.duration_s);
    (said - said.clamp(least, most)).abs() / least.max(1.0)
}
