use crate::town::{Town, point, request, theme};
use domain::Poi;
use proptest::prelude::*;
use serde_json::json;
use wildside_engine::{Effort, generate_route};

prop_compose! {
    fn poi()(number in 1..60_i64, x in -1.0..10.0_f64, y in -1.0..10.0_f64, kind in 0..4_u8,
             dwell_s in 0..2000_u32, fame in 0.0..1.0_f32) -> Poi {
        let mut poi = Town::new(1).poi(number, x, y);
        poi.kind = format!("kind={kind}");
        poi.dwell_s = dwell_s;
        poi.popularity_score = fame;
        poi
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_walk_is_longer_than_its_budget_or_contradicts_itself(
        pois in prop::collection::vec(poi(), 0..40),
        start in (-2.0..11.0_f64, -2.0..11.0_f64),
        end in prop::option::of((-2.0..11.0_f64, -2.0..11.0_f64)),
        minutes in 5..=480_u16,
        bias in 0.0..=1.0_f64,
        stairs in any::<bool>(),
        lit in any::<bool>(),
        seed in any::<u32>(),
        cut in 2..6_usize,
    ) {
        let street = |east: bool, number: usize| match (east, number % cut) {
            (true, 1) => "highway=steps",
            (false, 1) => "highway=footway lit=yes",
            (_, 2) => "highway=footway oneway:foot=yes",
            (_, 3) => "highway=motorway",
            _ => "highway=residential",
        };
        let town = Town::with(9, |east, number| street(east, number).to_owned());
        let mut change = json!({
            "popularity_bias": bias,
            "accessibility": {"avoid_stairs": stairs, "prefer_well_lit": lit},
            "seed": seed,
        });
        if let Some((x, y)) = end {
            change["end_location"] = point(town.at(x, y));
        }
        let request = request(town.at(start.0, start.1), minutes, change);
        let effort = Effort { iterations: 60, ..Effort::default() };
        if let Ok(route) = generate_route(&town.network(), &pois, &request, &effort) {
            prop_assert!(route.duration_s <= request.budget_s());
            let dwell: u32 = route.stops.iter().map(|stop| stop.dwell_s).sum();
            prop_assert_eq!(route.duration_s, route.walking_s + dwell);
            prop_assert_eq!(route.walking_s, route.legs.iter().map(|leg| leg.duration_s).sum::<u32>());
            prop_assert!((route.distance_m - route.path.length_m()).abs() <= 0.001 * route.distance_m + 0.01);
            prop_assert!(route.distance_m / 1.33 <= f64::from(route.walking_s) * 1.001 + 1.0);
            prop_assert!(route.path.coordinates.len() >= 2);
            prop_assert_eq!(route.legs.len(), route.stops.len() + 1);
            for (stop, leg) in route.stops.iter().zip(&route.legs) {
                let passed = route.path.coordinates[leg.geometry.end as usize];
                prop_assert!(passed.distance_m(stop.location.coordinates) <= 30.0);
                prop_assert!(stop.themes.iter().any(|theme| request.themes().contains(theme)));
            }
            let shares = [route.quality.repeated_share, route.quality.well_lit_share, route.quality.lit_known_share];
            prop_assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
            prop_assert!(!request.themes().contains(&theme(0)));
        }
    }
}
