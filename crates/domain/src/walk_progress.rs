use crate::{Coordinate, Route};

/// Where a walker is on a route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WalkProgress {
    /// `order` of the stop that comes next; `None` when only the way to the end is left.
    pub next_stop: Option<u32>,
    /// Metres along the path to that stop, or to the end.
    pub distance_to_next_m: f64,
    /// Metres between the walker and the path.
    pub off_route_m: f64,
}

impl WalkProgress {
    /// Finds the walker's place on the path. Where the path passes twice, the earlier passage counts: a walker who
    /// stands at the start of a loop has the walk before them.
    pub fn on(route: &Route, walker: Coordinate) -> Self {
        let path = &route.path.coordinates;
        let mut best = (f64::INFINITY, 0.0);
        let mut walked = 0.0;
        for pair in path.windows(2) {
            let (off, along) = nearest_on_segment(pair[0], pair[1], walker);
            // A passage counts as another one only where it is clearly nearer: GPS fixes are good to a few metres.
            if off + 2.0 < best.0 || (off < best.0 && walked + along - best.1 < 30.0) {
                best = (off, walked + along);
            }
            walked += pair[0].distance_m(pair[1]);
        }
        let (off_route_m, along) = best;
        let mut reached = 0.0;
        for leg in &route.legs {
            reached += leg.distance_m;
            // Within 15 m of a stop one is there, and the next one counts.
            if reached > along + 15.0 {
                let is_stop = route.stops.iter().any(|stop| stop.order == leg.to);
                return Self {
                    next_stop: is_stop.then_some(leg.to),
                    distance_to_next_m: reached - along,
                    off_route_m,
                };
            }
        }
        Self { next_stop: None, distance_to_next_m: (reached - along).max(0.0), off_route_m }
    }
}

/// Distance from `point` to the segment and metres from `a` to the nearest place on it, on a plane that touches the
/// Earth there: exact to a millimetre for the few hundred metres of a street.
fn nearest_on_segment(a: Coordinate, b: Coordinate, point: Coordinate) -> (f64, f64) {
    let metres = |to: Coordinate| {
        let per_degree = 6_371_008.8_f64.to_radians();
        ((to.lon() - a.lon()) * per_degree * a.lat().to_radians().cos(), (to.lat() - a.lat()) * per_degree)
    };
    let ((bx, by), (px, py)) = (metres(b), metres(point));
    let length_squared = bx * bx + by * by;
    let share =
        if length_squared > 0.0 { ((px * bx + py * by) / length_squared).clamp(0.0, 1.0) } else { 0.0 };
    ((px - share * bx).hypot(py - share * by), share * length_squared.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Leg, LineString, OffsetRange, PoiId, Quality, Stop};

    fn at(lon: f64, lat: f64) -> Coordinate {
        Coordinate::new(lon, lat).unwrap()
    }

    /// Straight north along the equator's meridian: a stop after 111 m, the end after 222 m.
    fn straight() -> Route {
        let path = LineString { coordinates: vec![at(0.0, 0.0), at(0.0, 0.001), at(0.0, 0.002)] };
        let leg = |from, to, start| Leg {
            from,
            to,
            distance_m: 111.2,
            duration_s: 80,
            geometry: OffsetRange { start, end: start + 1 },
        };
        Route {
            distance_m: path.length_m(),
            path,
            duration_s: 200,
            walking_s: 160,
            ascent_m: None,
            stops: vec![Stop {
                order: 1,
                poi_id: PoiId(4),
                name: None,
                location: at(0.0, 0.001).into(),
                arrival_s: 80,
                dwell_s: 40,
                themes: vec![],
                popularity_score: 0.5,
                narrative: None,
                why: String::new(),
            }],
            legs: vec![leg(0, 1, 0), leg(1, 2, 1)],
            quality: Quality {
                repeated_share: 0.0,
                well_lit_share: 0.0,
                lit_known_share: 0.0,
                steps_used: false,
                theme_coverage: 1.0,
            },
            sparse_themes: vec![],
        }
    }

    #[test]
    fn the_next_stop_and_the_way_to_it_are_told() {
        let progress = WalkProgress::on(&straight(), at(0.0001, 0.0005));
        assert_eq!(progress.next_stop, Some(1));
        assert!((progress.distance_to_next_m - 55.6).abs() < 0.2, "{progress:?}");
        assert!((progress.off_route_m - 11.1).abs() < 0.1, "{progress:?}");
    }

    #[test]
    fn after_the_last_stop_the_end_is_next() {
        let progress = WalkProgress::on(&straight(), at(0.0, 0.0015));
        assert_eq!(progress.next_stop, None);
        assert!((progress.distance_to_next_m - 55.6).abs() < 0.2, "{progress:?}");
    }
}
