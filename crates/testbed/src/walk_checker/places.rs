//! What is promised about the stops.

use domain::{PoiId, Stop};
use std::collections::{BTreeSet, HashMap};

use super::{
    extract::Place,
    plane::Plane,
    report::{Promise, Report},
    walk::Walk,
};

/// How near the path comes to a stop, in metres.
const AT_THE_STOP_M: f64 = 30.0;
/// How far a stop's point may be from what it stands for.
const ON_THE_PLACE_M: f64 = 3.0;

pub(super) fn stops(walk: &Walk, places: &HashMap<PoiId, Place>, plane: Plane, report: &mut Report) {
    let mut seen = BTreeSet::new();
    for (index, stop) in walk.route.stops.iter().enumerate() {
        let name =
            format!("stop {} ({}, {})", index + 1, stop.name.as_deref().unwrap_or("nameless"), stop.poi_id);
        let mut expect = |kept: bool, what: &dyn Fn() -> String| {
            report.expect(kept, Promise::Stops, || format!("{name} {}", what()));
        };
        expect(stop.order as usize == index + 1, &|| format!("has the order {}", stop.order));
        expect(seen.insert(stop.poi_id), &|| "comes twice".into());
        let place = places.get(&stop.poi_id);
        expect(place.is_some(), &|| "is no place of the extract with a theme".into());
        let Some(place) = place else { continue };
        expect(place.has_any(walk.request.themes()), &|| "has no wanted theme".into());
        let told: BTreeSet<_> = stop.themes.iter().collect();
        let (own, most): (BTreeSet<_>, BTreeSet<_>) =
            (place.own_themes.iter().collect(), place.themes.iter().collect());
        expect(told.is_superset(&own) && told.is_subset(&most), &|| {
            "does not have the themes it says".into()
        });
        let off = place.distance(plane.spot(stop.location.coordinates));
        expect(off <= ON_THE_PLACE_M, &|| format!("is shown {off:.0} m from where it is"));
        let (point, edge) = distances(walk, index, stop, place, plane);
        expect(point.min(edge) <= AT_THE_STOP_M, &|| {
            format!("is {point:.0} m, and at its nearest edge {edge:.0} m, from where its leg ends")
        });
    }
    let wanted = walk.request.themes();
    let own = coverage(walk, places);
    let said = walk.route.quality.theme_coverage;
    report.expect(wanted.is_empty() || (said - own).abs() <= 0.05, Promise::Honesty, || {
        format!("theme_coverage is {said:.2}, measured was {own:.2}")
    });
}

/// Metres from where a stop's leg ends to its point and to its nearest edge.
pub(super) fn distances(walk: &Walk, index: usize, stop: &Stop, place: &Place, plane: Plane) -> (f64, f64) {
    let Some(end) = walk.spots.get(walk.leg_end(index)) else { return (f64::INFINITY, f64::INFINITY) };
    (end.distance(plane.spot(stop.location.coordinates)), place.distance(*end))
}

/// The share of the wanted themes that some stop has.
pub(super) fn coverage(walk: &Walk, places: &HashMap<PoiId, Place>) -> f64 {
    let stops: Vec<&Place> = walk.route.stops.iter().filter_map(|stop| places.get(&stop.poi_id)).collect();
    let wanted = walk.request.themes();
    let met = wanted.iter().filter(|theme| stops.iter().any(|place| place.themes.contains(theme))).count();
    met as f64 / wanted.len().max(1) as f64
}
