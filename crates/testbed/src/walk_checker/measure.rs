use domain::{PoiId, Stop};
use std::collections::{BTreeMap, HashMap};

use super::{
    clock,
    extract::Place,
    places,
    plane::Plane,
    report::Numbers,
    streets::{ON_IT_M, Streets},
    walk::{Piece, Walk, light_known, lit},
};

/// A stretch there and back of this depth needs a reason.
const SPUR_M: f64 = 30.0;
/// Here private ways are the walker's own.
const AT_HOME_M: f64 = 50.0;
/// The same name within this distance is the same place.
const SAME_PLACE_M: f64 = 50.0;

/// What can be measured on a walk.
pub(super) fn measure(
    walk: &Walk,
    streets: &Streets,
    places: &HashMap<PoiId, Place>,
    plane: Plane,
) -> Numbers {
    let (route, request, length) = (&walk.route, &walk.request, walk.length_m());
    let ends: Vec<usize> = (0..route.stops.len()).map(|stop| walk.leg_end(stop)).collect();
    let spurs = walk.trace.spurs(&ends);
    let snap_m = walk.spots.first().map_or(f64::INFINITY, |first| first.distance(walk.start));
    let stepless = request.accessibility().avoid_stairs;
    let near = streets.nearest_good(walk.start, snap_m.min(250.0) + 1.0, stepless).unwrap_or(snap_m);
    let known: Vec<(usize, &Place)> =
        route.stops.iter().enumerate().filter_map(|(n, stop)| Some((n, places.get(&stop.poi_id)?))).collect();
    let distances: Vec<(f64, f64)> =
        known.iter().map(|(n, place)| places::distances(walk, *n, &route.stops[*n], place, plane)).collect();
    let wanted = known.iter().filter(|(_, place)| place.has_any(request.themes())).count();
    let inner = |piece: &Piece| piece.at_m > AT_HOME_M && piece.at_m < length - AT_HOME_M;
    let popularity = route.stops.iter().map(|stop| f64::from(stop.popularity_score));
    let stops = route.stops.len() as f64;
    Numbers {
        minutes: request.duration_minutes().into(),
        popularity_bias: request.popularity_bias(),
        prefer_well_lit: request.accessibility().prefer_well_lit,
        avoid_stairs: request.accessibility().avoid_stairs,
        distance_m: length,
        pace: length / f64::from(route.walking_s.max(1)),
        duration_error: clock::error(walk, places),
        distance_error: (route.distance_m - length).abs() / length.max(1.0),
        unused_share: 1.0 - f64::from(route.duration_s) / f64::from(request.budget_s()),
        repeated_share: walk.trace.repeated_m() / length.max(1.0),
        forced_share: 0.0,
        timed_stops: 0.0,
        idle_spurs: spurs.iter().filter(|spur| spur.idle_m > SPUR_M).count() as f64,
        stop_spurs_m: spurs.iter().filter(|spur| spur.has_stop).map(|spur| spur.depth_m).collect(),
        steps_m: walk.sum(Piece::is_steps),
        lit_share: walk.share(|piece| piece.possibly(lit)),
        unlit_share: walk.share(|piece| piece.possibly(light_known) && !piece.possibly(lit)),
        walking_s: route.walking_s.into(),
        private_m: walk.sum(|piece| inner(piece) && piece.surely(|footing| footing.private)),
        snap_m,
        snap_excess_m: (snap_m - near).max(0.0),
        stop_point_m: distances.iter().map(|(point, _)| *point).collect(),
        stop_edge_m: distances.iter().map(|(_, edge)| *edge).collect(),
        stops,
        twice: twice(&route.stops) as f64,
        wanted_share: if known.is_empty() { 1.0 } else { wanted as f64 / stops },
        theme_coverage: places::coverage(walk, places),
        commonest_kind_share: commonest(&known),
        mean_popularity: (stops > 0.0).then(|| popularity.sum::<f64>() / stops),
        crossings_per_km: walk.trace.crossings() as f64 / (length / 1000.0).max(1.0),
        detours: detours(walk, streets),
    }
}

fn twice(stops: &[Stop]) -> usize {
    let same = |one: &Stop, other: &Stop| {
        let near = || one.location.coordinates.distance_m(other.location.coordinates) <= SAME_PLACE_M;
        one.poi_id == other.poi_id || (one.name.is_some() && one.name == other.name && near())
    };
    (1..stops.len()).filter(|&later| stops[..later].iter().any(|stop| same(stop, &stops[later]))).count()
}

fn commonest(stops: &[(usize, &Place)]) -> Option<f64> {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, place) in stops {
        *kinds.entry(&place.kind).or_default() += 1;
    }
    let most = kinds.values().max().copied()?;
    (stops.len() >= 5).then(|| most as f64 / stops.len() as f64)
}

fn detours(walk: &Walk, streets: &Streets) -> Vec<f64> {
    let stepless = walk.request.accessibility().avoid_stairs;
    let legs = walk.route.legs.iter().filter_map(|leg| {
        let [from, to] = [leg.geometry.start, leg.geometry.end].map(|point| point as usize);
        let metres = walk.metres.get(to)? - walk.metres.get(from)?;
        let shortest = streets.shortest_m(*walk.spots.get(from)?, *walk.spots.get(to)?, ON_IT_M, stepless)?;
        // A leg that comes back to where it began has no shortest way.
        (metres > 100.0 && shortest > 100.0).then(|| metres / shortest)
    });
    legs.collect()
}
