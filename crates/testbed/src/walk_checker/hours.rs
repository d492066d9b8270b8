//! What is promised about opening hours.

use chrono::{NaiveDateTime, TimeDelta};
use domain::PoiId;
use opening_hours::OpeningHours;
use std::collections::HashMap;

use super::{
    extract::Place,
    report::{Promise, Report},
    walk::Walk,
};

/// Looks are so many seconds apart: hours change at full minutes.
const A_LOOK_EVERY_S: i64 = 20;

/// No stop is made while it is closed, if the walker has said when the walk begins. Returns at how many stops there were
/// hours to keep.
pub(super) fn kept(walk: &Walk, places: &HashMap<PoiId, Place>, report: &mut Report) -> usize {
    let Some(start) = walk.request.start_time() else { return 0 };
    let mut known = 0;
    for stop in &walk.route.stops {
        let stated = places.get(&stop.poi_id).and_then(|place| place.opening_hours.as_deref());
        let Some(hours) = stated.and_then(|stated| stated.parse::<OpeningHours>().ok()) else { continue };
        known += 1;
        let arrives = start + TimeDelta::seconds(stop.arrival_s.into());
        let closed = first_closed(&hours, arrives, stop.dwell_s.into());
        report.expect(closed.is_none(), Promise::Hours, || {
            format!(
                "stop {} ({}), open {}, is visited from {arrives} on for {} s",
                stop.order,
                stop.poi_id,
                stated.unwrap_or_default(),
                stop.dwell_s
            )
        });
    }
    known
}

/// The first look in so many seconds at which a place is not open.
fn first_closed(hours: &OpeningHours, arrives: NaiveDateTime, seconds: i64) -> Option<NaiveDateTime> {
    let last = (seconds - 1).max(0);
    let looks = (0..last).step_by(A_LOOK_EVERY_S as usize).chain([last]);
    looks.map(|second| arrives + TimeDelta::seconds(second)).find(|at| !hours.is_open(*at))
}
