//! A checker that cannot fail is worthless: each test spoils an honest walk in one way.

use domain::{Coordinate, PoiId};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::LazyLock};

use super::{Promise, WalkChecker, extract::Place, footing::Footing, plane::Spot};
use crate::workspace;

pub(super) static CITY: LazyLock<WalkChecker> =
    LazyLock::new(|| WalkChecker::read(&workspace::bundled_city()).unwrap());

/// There and back along one way, with stops on the way out.
struct Stroll {
    spots: Vec<Spot>,
    stops: Vec<(usize, PoiId, &'static Place)>,
    footing: Footing,
}

fn stroll(stops: usize, like: impl Fn(&Footing) -> bool) -> Stroll {
    stroll_past(stops, |_| true, like)
}

/// With stops at some places only.
fn stroll_past(stops: usize, is_stop: impl Fn(&Place) -> bool, like: impl Fn(&Footing) -> bool) -> Stroll {
    let ways = CITY.extract.ways.iter().filter(|(footing, _)| like(footing));
    let strolls = ways.map(|(footing, nodes)| {
        let out: Vec<Spot> = nodes.iter().map(|node| CITY.extract.nodes[*node as usize]).collect();
        let (mut found, mut taken) = (Vec::new(), BTreeSet::new());
        for (index, spot) in out.iter().enumerate().skip(1) {
            let near = CITY.extract.places.iter().filter(|(id, place)| {
                is_stop(place)
                    && place.outline.len() == 1
                    && place.outline[0].len() == 1
                    && place.distance(*spot) < 25.0
                    && !taken.contains(*id)
            });
            if let Some((id, place)) = near.min_by_key(|(id, _)| **id) {
                taken.insert(*id);
                found.push((index, *id, place));
            }
        }
        let last = found.get(stops.max(1) - 1).map_or(out.len() - 1, |(index, ..)| *index);
        found.truncate(stops);
        let spots = out[..=last].iter().chain(out[..last].iter().rev()).copied().collect();
        Stroll { spots, stops: found, footing: *footing }
    });
    let long =
        |stroll: &Stroll| stroll.stops.len() == stops && stroll.length(0, stroll.spots.len() - 1) > 60.0;
    strolls.into_iter().find(long).unwrap()
}

impl Stroll {
    fn at(&self, index: usize) -> Coordinate {
        CITY.extract.plane.degrees(self.spots[index]).try_into().unwrap()
    }

    fn length(&self, from: usize, to: usize) -> f64 {
        (from..to).map(|index| self.at(index).distance_m(self.at(index + 1))).sum()
    }

    fn request(&self, minutes: u32, avoid_stairs: bool) -> Value {
        let themes: BTreeSet<_> = self.stops.iter().map(|(.., place)| place.themes[0]).collect();
        let any = domain::InterestTheme::id_of("street_art");
        json!({
            "start_location": {"type": "Point", "coordinates": self.at(0)},
            "duration_minutes": minutes,
            "interest_theme_ids": if themes.is_empty() { vec![any] } else { themes.into_iter().collect() },
            "accessibility": {"avoid_stairs": avoid_stairs},
        })
    }

    fn route(&self) -> Value {
        let mut ends: Vec<usize> = self.stops.iter().map(|(index, ..)| *index).collect();
        ends.push(self.spots.len() - 1);
        let (mut legs, mut stops, mut begin, mut clock) = (Vec::new(), Vec::new(), 0, 0);
        for (number, end) in ends.into_iter().enumerate() {
            let metres = self.length(begin, end);
            let seconds = (metres / 1.2).round() as u32;
            legs.push(json!({"from": number, "to": number + 1, "distance_m": metres, "duration_s": seconds,
                "geometry": {"start": begin, "end": end}}));
            (begin, clock) = (end, clock + seconds);
            if let Some((_, id, place)) = self.stops.get(number) {
                let location = CITY.extract.plane.degrees(place.outline[0][0]);
                stops.push(json!({"order": number + 1, "poi_id": id, "name": null, "arrival_s": clock,
                    "location": {"type": "Point", "coordinates": location}, "dwell_s": 60,
                    "themes": place.themes, "popularity_score": 0.5, "narrative": null, "why": "It is near."}));
                clock += 60;
            }
        }
        let walking_s: u64 = legs.iter().filter_map(|leg| leg["duration_s"].as_u64()).sum();
        let known = f64::from(u8::from(super::walk::light_known(&self.footing)));
        let lit = f64::from(u8::from(super::walk::lit(&self.footing)));
        let points: Vec<Coordinate> = (0..self.spots.len()).map(|index| self.at(index)).collect();
        json!({
            "path": {"type": "LineString", "coordinates": points},
            "distance_m": self.length(0, self.spots.len() - 1), "walking_s": walking_s, "duration_s": clock,
            "stops": stops, "legs": legs,
            "quality": {"repeated_share": 0.5, "well_lit_share": lit, "lit_known_share": known,
                "steps_used": self.footing.steps, "theme_coverage": if self.stops.is_empty() { 0.0 } else { 1.0 }},
        })
    }
}

fn street(footing: &Footing) -> bool {
    !footing.steps && !footing.area && !footing.private
}

fn broken(request: &Value, route: &Value) -> BTreeSet<Promise> {
    CITY.check(request, route).violations.into_iter().map(|violation| violation.promise).collect()
}

/// What is broken once an honest walk with two stops was spoiled.
fn spoiled(spoil: impl FnOnce(&mut Value)) -> BTreeSet<Promise> {
    let stroll = stroll(2, street);
    let mut route = stroll.route();
    spoil(&mut route);
    broken(&stroll.request(60, false), &route)
}

#[test]
fn an_honest_walk_breaks_no_promise() {
    let stroll = stroll(2, street);
    let report = CITY.check(&stroll.request(60, true), &stroll.route());
    assert_eq!(report.violations, []);
    let numbers = report.numbers.unwrap();
    assert!((numbers.repeated_share - 0.5).abs() < 0.01, "{numbers:?}");
    assert_eq!((numbers.idle_spurs, numbers.stops), (0.0, 2.0), "{numbers:?}");
}

#[test]
fn a_path_through_houses_is_seen() {
    let found = spoiled(|route| {
        for point in route["path"]["coordinates"].as_array_mut().unwrap() {
            point[1] = json!(point[1].as_f64().unwrap() + 0.000_15);
            point[0] = json!(point[0].as_f64().unwrap() + 0.000_3);
        }
    });
    assert!(found.contains(&Promise::OnStreets), "{found:?}");
}

#[test]
fn a_short_cut_between_two_streets_is_seen() {
    let found = spoiled(|route| {
        let points = route["path"]["coordinates"].as_array_mut().unwrap();
        let aside = [points[1][0].as_f64().unwrap() + 0.002, points[1][1].as_f64().unwrap() + 0.002];
        points[1] = json!(aside);
    });
    assert!(found.contains(&Promise::OnStreets) && found.contains(&Promise::Length), "{found:?}");
}

#[test]
fn a_walk_over_its_budget_is_seen() {
    let stroll = stroll(2, street);
    let mut route = stroll.route();
    route["duration_s"] = json!(3601);
    route["walking_s"] = json!(3481);
    assert!(broken(&stroll.request(60, false), &route).contains(&Promise::Budget));
}

#[test]
fn a_walk_that_only_a_runner_makes_in_time_is_seen() {
    let found = spoiled(|route| {
        for leg in route["legs"].as_array_mut().unwrap() {
            leg["duration_s"] = json!(leg["distance_m"].as_f64().unwrap() as u32 / 3);
        }
    });
    assert!(found.contains(&Promise::Time), "{found:?}");
}

#[test]
fn steps_that_could_be_avoided_are_seen() {
    let stairs = stroll(0, |footing| footing.steps);
    let mut route = stairs.route();
    assert_eq!(broken(&stairs.request(60, false), &route), BTreeSet::new());
    assert_eq!(broken(&stairs.request(60, true), &route), BTreeSet::from([Promise::Stairs]));
    route["quality"]["steps_used"] = json!(false);
    assert_eq!(broken(&stairs.request(60, false), &route), BTreeSet::from([Promise::Honesty]));
}

#[test]
fn a_stop_while_it_is_closed_is_seen() {
    let daily = |place: &Place| {
        let hours = place.opening_hours.as_deref();
        hours.is_some_and(|hours| hours.starts_with("Mo-Su") && !hours.contains(';') && !hours.contains(','))
    };
    let stroll = stroll_past(1, daily, street);
    let at = |hour: u32| {
        let mut request = stroll.request(60, false);
        request["start_time"] = json!(format!("2026-05-20T{hour:02}:00"));
        let report = CITY.check(&request, &stroll.route());
        assert_eq!(report.numbers.unwrap().timed_stops, 1.0);
        report.violations.into_iter().map(|violation| violation.promise).collect::<BTreeSet<_>>()
    };
    assert_eq!(at(4), BTreeSet::from([Promise::Hours]));
    assert_eq!(at(14), BTreeSet::new());
    assert_eq!(broken(&stroll.request(60, false), &stroll.route()), BTreeSet::new());
}

#[test]
fn stops_out_of_order_are_seen() {
    let found = spoiled(|route| route["stops"].as_array_mut().unwrap().swap(0, 1));
    assert!(found.contains(&Promise::Stops) && found.contains(&Promise::Time), "{found:?}");
}

#[test]
fn a_stop_far_from_the_path_is_seen() {
    let found = spoiled(|route| {
        let leg = &mut route["legs"][0];
        leg["geometry"]["end"] = json!(0);
        leg["distance_m"] = json!(0.0);
    });
    assert!(found.contains(&Promise::Length), "{found:?}");
    let far = CITY.extract.places.iter().find(|(_, place)| place.outline[0][0].length() > 2000.0);
    let (id, place) = far.or(CITY.extract.places.iter().next()).unwrap();
    let found = spoiled(|route| {
        route["stops"][0]["poi_id"] = json!(id);
        route["stops"][0]["themes"] = json!(place.themes);
    });
    assert!(found.contains(&Promise::Stops), "{found:?}");
}

#[test]
fn a_stop_that_does_not_exist_or_comes_twice_is_seen() {
    assert_eq!(
        spoiled(|route| route["stops"][0]["poi_id"] = json!(7)),
        BTreeSet::from([Promise::Stops, Promise::Honesty])
    );
    let twice = spoiled(|route| route["stops"][1]["poi_id"] = route["stops"][0]["poi_id"].clone());
    assert!(twice.contains(&Promise::Stops), "{twice:?}");
}

#[test]
fn a_wrong_distance_is_seen() {
    let found = spoiled(|route| route["distance_m"] = json!(route["distance_m"].as_f64().unwrap() * 1.05));
    assert_eq!(found, BTreeSet::from([Promise::Length]));
}

#[test]
fn a_loop_that_does_not_close_is_seen() {
    let found = spoiled(|route| {
        route["path"]["coordinates"].as_array_mut().unwrap().pop();
    });
    assert!(found.contains(&Promise::Shape) && found.contains(&Promise::Length), "{found:?}");
}

#[test]
fn a_walk_that_praises_itself_is_seen() {
    assert_eq!(
        spoiled(|route| route["quality"]["repeated_share"] = json!(0.0)),
        BTreeSet::from([Promise::Honesty])
    );
    assert_eq!(
        spoiled(|route| route["quality"]["theme_coverage"] = json!(0.5)),
        BTreeSet::from([Promise::Honesty])
    );
}

#[test]
fn a_wrong_duration_is_seen() {
    let stroll = stroll(2, street);
    let mut route = stroll.route();
    let error = |route: &Value| CITY.check(&stroll.request(60, false), route).numbers.unwrap().duration_error;
    let dwelling: u32 = stroll.stops.iter().map(|(.., place)| place.dwell_s).sum();
    let metres = stroll.length(0, stroll.spots.len() - 1);
    route["duration_s"] = json!((metres / 1.33).round() as u32 + dwelling);
    assert!(error(&route) < 0.01, "{}", error(&route));
    route["duration_s"] = json!(route["duration_s"].as_u64().unwrap() * 11 / 10);
    assert!(error(&route) > 0.05, "{}", error(&route));
}

#[test]
fn a_place_that_was_mapped_twice_is_seen() {
    let stroll = stroll(2, street);
    let mut route = stroll.route();
    let twice = |route: &Value| CITY.check(&stroll.request(60, false), route).numbers.unwrap().twice;
    assert!(twice(&route) < 0.5);
    route["stops"][0]["name"] = json!("The Mill");
    route["stops"][1]["name"] = json!("The Mill");
    route["stops"][1]["location"] = route["stops"][0]["location"].clone();
    assert!(twice(&route) > 0.5);
}

#[test]
fn what_is_no_route_is_seen() {
    let request = stroll(0, street).request(60, false);
    assert_eq!(broken(&request, &json!({"status": "pending"})), BTreeSet::from([Promise::Form]));
}

#[test]
fn a_refusal_needs_a_reason() {
    let request = stroll(0, street).request(60, false);
    let refused = |reason: &str| CITY.check_refusal(&request, reason).map_err(|error| error.to_string());
    let no_street = refused(&domain::Refusal::NoStreetNearStart.to_string());
    assert!(no_street.unwrap_err().starts_with("a street is 0 m away"));
    assert!(refused("We are sorry.").unwrap_err().contains("no reason that is given to walkers"));
    let mut at_sea = request.clone();
    at_sea["start_location"]["coordinates"] = json!([24.9, 60.1]);
    assert!(CITY.check_refusal(&at_sea, &domain::Refusal::NoStreetNearStart.to_string()).is_ok());
}
