use crate::town::{Town, network, node, point, request, tags, theme};
use domain::{Coordinate, Poi, Refusal, Route};
use serde_json::json;
use wildside_engine::{Effort, Network, generate_route};

fn walk(network: &Network, pois: &[Poi], request: &domain::RouteRequest) -> Route {
    generate_route(network, pois, request, &Effort::default()).unwrap()
}

/// Twenty places along the streets of a town of ten by ten.
fn places(town: &Town) -> Vec<Poi> {
    (0..20).map(|i| town.poi(i, (i * 7 % 9) as f64 + 0.5, (i * 4 % 10) as f64 + 0.1)).collect()
}

#[test]
fn a_walk_is_consistent_in_itself() {
    let town = Town::new(10);
    let (pois, start) = (places(&town), town.at(4.3, 5.1));
    let route = walk(&town.network(), &pois, &request(start, 60, json!({})));
    assert!(route.stops.len() >= 5, "{}", route.stops.len());
    assert_eq!(route.legs.len(), route.stops.len() + 1);
    assert_eq!(route.path.coordinates.first(), route.path.coordinates.last());
    assert!(route.path.coordinates[0].distance_m(start) < 11.0);
    assert!((3240..=3600).contains(&route.duration_s), "{}", route.duration_s);
    assert_eq!(route.duration_s, route.walking_s + route.stops.iter().map(|stop| stop.dwell_s).sum::<u32>());
    assert!((route.distance_m - route.path.length_m()).abs() < 0.001 * route.distance_m);
    assert!((f64::from(route.walking_s) - route.distance_m / 1.33).abs() < 2.0);
    let mut clock = 0;
    for (number, (stop, leg)) in route.stops.iter().zip(&route.legs).enumerate() {
        clock += leg.duration_s;
        assert_eq!((stop.order, stop.arrival_s), (number as u32 + 1, clock));
        assert_eq!((leg.from, leg.to), (stop.order - 1, stop.order));
        clock += stop.dwell_s;
        let passed = route.path.coordinates[leg.geometry.end as usize];
        assert!(passed.distance_m(stop.location.coordinates) <= 30.0);
    }
    for legs in route.legs.windows(2) {
        assert_eq!(legs[0].geometry.end, legs[1].geometry.start);
    }
    let ids: std::collections::HashSet<_> = route.stops.iter().map(|stop| stop.poi_id).collect();
    assert_eq!(ids.len(), route.stops.len());
    assert!(route.quality.repeated_share < 0.15, "{:?}", route.quality);
    assert!((route.quality.theme_coverage - 1.0).abs() < 1e-9);
}

#[test]
fn the_same_wish_gives_the_same_walk_and_another_seed_another_one() {
    let town = Town::new(10);
    let (pois, start) = (places(&town), town.at(4.3, 5.1));
    let network = town.network();
    let first = walk(&network, &pois, &request(start, 45, json!({})));
    assert_eq!(first, walk(&network, &pois, &request(start, 45, json!({}))));
    let others = (1..6).map(|seed| walk(&network, &pois, &request(start, 45, json!({ "seed": seed }))));
    assert!(others.into_iter().any(|other| other.stops != first.stops));
}

#[test]
fn the_order_of_the_places_does_not_matter() {
    let town = Town::new(10);
    let (mut pois, start) = (places(&town), town.at(4.3, 5.1));
    let network = town.network();
    let first = walk(&network, &pois, &request(start, 45, json!({})));
    pois.reverse();
    assert_eq!(first, walk(&network, &pois, &request(start, 45, json!({}))));
}

#[test]
fn without_places_the_walk_is_a_stroll_that_comes_back() {
    let town = Town::new(12);
    let start = town.at(5.0, 5.5);
    let network = town.network();
    for minutes in [6, 15, 45, 90] {
        let route = walk(&network, &[], &request(start, minutes, json!({})));
        assert!(route.stops.is_empty() && route.legs.len() == 1);
        assert_eq!(route.path.coordinates.first(), route.path.coordinates.last());
        // A stroll without an aim takes an hour at most.
        let used = f64::from(route.duration_s) / f64::from(minutes.min(60)) / 60.0;
        assert!((0.6..=1.0).contains(&used), "{minutes}: {used}");
        assert!(route.quality.repeated_share <= 0.2, "{minutes}: {:?}", route.quality);
        assert_eq!(route.sparse_themes, [theme(1), theme(2), theme(3)]);
    }
}

#[test]
fn nobody_is_sent_round_the_blocks_for_hours() {
    let town = Town::new(12);
    let start = town.at(5.0, 5.5);
    let pois = [town.poi(1, 6.5, 5.0)];
    let network = town.network();
    let round = walk(&network, &[], &request(start, 480, json!({})));
    assert!((2700..=3600).contains(&round.duration_s), "one round of an hour at most: {}", round.duration_s);
    for minutes in [120, 480] {
        let route = walk(&network, &pois, &request(start, minutes, json!({})));
        assert_eq!(route.stops.len(), 1);
        // There, the stay, back, and a stroll of three quarters of an hour.
        assert!((2000..=2 * 150 + 180 + 2700).contains(&route.duration_s), "{minutes}: {}", route.duration_s);
        assert!(route.quality.repeated_share <= 0.1, "{minutes}: {:?}", route.quality);
        let short = route.legs.iter().filter(|leg| leg.distance_m <= 1.3 * 200.0).count();
        assert_eq!(short, 1, "one leg is the stroll, the other one is short: {:?}", route.legs);
    }
}

#[test]
fn a_walk_that_goes_nowhere_is_still_a_line() {
    let mut town = Town::with(1, |_, _| String::new());
    town.way(1, "highway=footway", &[(0, 0), (1, 0)]);
    let effort = Effort { should_stop: &|| true, ..Effort::default() };
    let wish = request(town.at(0.0, 0.0), 5, json!({}));
    let route = generate_route(&town.network(), &[], &wish, &effort).unwrap();
    assert_eq!((route.path.coordinates.len(), route.legs[0].geometry.end), (2, 1));
}

#[test]
fn steps_are_avoided_where_there_is_a_way_round() {
    // Every second street that runs north is a flight of steps.
    let street = |east: bool, number: usize| {
        if !east && number % 2 == 1 { "highway=steps" } else { "highway=footway" }
    };
    let town = Town::with(10, |east, number| street(east, number).to_owned());
    let (pois, start, end) = (places(&town), town.at(1.0, 4.0), town.at(1.0, 5.0));
    let network = town.network();
    let straight = |avoid: bool| {
        let wish = json!({"accessibility": {"avoid_stairs": avoid}, "end_location": point(end)});
        let effort = Effort { should_stop: &|| true, ..Effort::default() };
        generate_route(&network, &[], &request(start, 5, wish), &effort).unwrap()
    };
    assert!(straight(false).quality.steps_used && straight(false).distance_m < 101.0);
    assert!(!straight(true).quality.steps_used && straight(true).distance_m > 299.0);
    let round = json!({"accessibility": {"avoid_stairs": true}});
    assert!(!walk(&network, &pois, &request(start, 60, round)).quality.steps_used);
}

#[test]
fn steps_that_nothing_leads_round_are_taken_after_all() {
    let mut town = Town::new(3);
    town.way(100, "highway=steps", &[(2, 2), (4, 4)]);
    town.way(101, "highway=footway", &[(4, 4), (8, 4), (8, 8)]);
    let (start, end) = (town.at(0.0, 0.0), town.at(8.0, 8.0));
    let wish = json!({"accessibility": {"avoid_stairs": true}, "end_location": point(end)});
    let route = walk(&town.network(), &[], &request(start, 60, wish));
    assert!(route.quality.steps_used);
}

#[test]
fn a_walk_that_prefers_light_goes_where_the_lamps_are() {
    let street = |_: bool, number: usize| {
        if number.is_multiple_of(3) { "highway=footway lit=yes" } else { "highway=footway lit=no" }
    };
    let town = Town::with(10, |east, number| street(east, number).to_owned());
    let (pois, start) = (places(&town), town.at(4.3, 5.1));
    let network = town.network();
    let plain = walk(&network, &pois, &request(start, 60, json!({})));
    let lit = walk(&network, &pois, &request(start, 60, json!({"accessibility": {"prefer_well_lit": true}})));
    assert!(
        lit.quality.well_lit_share > plain.quality.well_lit_share + 0.1,
        "{:?} {:?}",
        plain.quality,
        lit.quality
    );
    assert!((lit.quality.lit_known_share - 1.0).abs() < 1e-9);
}

#[test]
fn who_asks_for_gems_gets_gems_and_who_asks_for_sights_gets_sights() {
    let town = Town::new(10);
    let mut pois = places(&town);
    for (number, poi) in pois.iter_mut().enumerate() {
        poi.popularity_score = number as f32 * 7.0 % 20.0 / 20.0;
    }
    let start = town.at(4.3, 5.1);
    let network = town.network();
    let fame = [0.0, 0.5, 1.0].map(|bias| {
        let route = walk(&network, &pois, &request(start, 45, json!({ "popularity_bias": bias })));
        route.stops.iter().map(|stop| stop.popularity_score).sum::<f32>() / route.stops.len() as f32
    });
    assert!(fame[0] + 0.1 < fame[1] && fame[1] + 0.1 < fame[2], "{fame:?}");
}

#[test]
fn places_are_visited_while_they_are_open() {
    let town = Town::new(12);
    let start = town.at(2.0, 4.0);
    let corners = [(1, 4.0, 2.0), (2, 8.0, 2.5), (3, 8.0, 6.0), (4, 4.0, 6.5)];
    let mut pois = corners.map(|(number, x, y)| town.poi(number, x, y));
    // The nearest one opens last, and one not at all today, which is a Wednesday.
    pois[0].opening_hours = Some("We 10:25-10:45".into());
    pois[2].opening_hours = Some("Mo-Tu 09:00-18:00".into());
    pois[3].opening_hours = Some("09:00-10:25; PH off".into());
    let network = town.network();
    let timeless = walk(&network, &pois, &request(start, 60, json!({})));
    let names = |route: &Route| -> Vec<String> {
        let mut names: Vec<String> = route.stops.iter().filter_map(|stop| stop.name.clone()).collect();
        names.sort();
        names
    };
    assert_eq!(timeless.stops.len(), 4);
    let timed = walk(&network, &pois, &request(start, 60, json!({"start_time": "2026-05-20T10:00"})));
    assert_eq!(names(&timed), ["Place 1", "Place 2", "Place 4"]);
    let stop = |name: &str| timed.stops.iter().find(|stop| stop.name.as_deref() == Some(name)).unwrap();
    assert!(stop("Place 4").arrival_s + 180 <= 25 * 60);
    let first = stop("Place 1");
    assert!(first.arrival_s >= 25 * 60 && first.arrival_s + 180 <= 45 * 60, "{first:?}");
    // What is closed is still known.
    assert_eq!(timed.sparse_themes, timeless.sparse_themes);
    let night = walk(&network, &pois, &request(start, 60, json!({"start_time": "2026-05-20T02:00"})));
    assert_eq!(names(&night), ["Place 2"]);
}

#[test]
fn only_places_of_wanted_themes_are_stops() {
    let town = Town::new(10);
    let (pois, start) = (places(&town), town.at(4.3, 5.1));
    let route = walk(&town.network(), &pois, &request(start, 45, json!({"interest_theme_ids": [theme(2)]})));
    assert!(!route.stops.is_empty() && route.stops.iter().all(|stop| stop.themes.contains(&theme(2))));
}

#[test]
fn no_kind_takes_more_than_two_fifths_of_the_stops() {
    let town = Town::new(10);
    let (mut pois, start) = (places(&town), town.at(4.3, 5.1));
    for poi in &mut pois[..12] {
        poi.kind = "kind=common".into();
    }
    let route = walk(&town.network(), &pois, &request(start, 60, json!({})));
    let common =
        |stop: &&domain::Stop| pois.iter().any(|poi| poi.id == stop.poi_id && poi.kind == "kind=common");
    assert!(route.stops.iter().filter(common).count() * 5 <= route.stops.len() * 2);
}

#[test]
fn a_place_that_is_mapped_twice_is_visited_once() {
    let town = Town::new(10);
    let mut pois = vec![town.poi(1, 4.5, 5.0), town.poi(1, 4.5, 5.0), town.poi(2, 4.6, 5.1)];
    pois[2].name = pois[0].name.clone();
    let start = town.at(4.3, 5.1);
    let route = walk(&town.network(), &pois, &request(start, 30, json!({})));
    assert_eq!(route.stops.len(), 1);
}

#[test]
fn a_stop_off_the_streets_is_none() {
    let town = Town::new(10);
    let (pois, start) = ([town.poi(1, 4.5, 5.5)], town.at(4.3, 5.1));
    let route = walk(&town.network(), &pois, &request(start, 30, json!({})));
    assert!(route.stops.is_empty());
}

#[test]
fn refusals_say_what_is_wrong() {
    let town = Town::new(10);
    let (start, far, end) = (town.at(4.3, 5.1), town.at(20.0, 5.0), town.at(9.0, 9.0));
    let mut island = Town::new(10);
    island.way(200, "highway=footway", &[(30, 30), (31, 30)]);
    let network = town.network();
    let refused = |network: &Network, start: Coordinate, end: Coordinate, minutes| {
        let wish = request(start, minutes, json!({"end_location": point(end)}));
        generate_route(network, &[], &wish, &Effort::default()).unwrap_err()
    };
    assert_eq!(refused(&network, far, start, 60), Refusal::NoStreetNearStart);
    assert_eq!(refused(&network, start, far, 60), Refusal::NoStreetNearEnd);
    assert_eq!(refused(&network, start, far, 5), Refusal::EndOutOfReach);
    assert_eq!(refused(&network, start, end, 5), Refusal::EndOutOfReach);
    let islet = island.at(30.5, 30.0);
    assert_eq!(refused(&island.network(), start, islet, 60), Refusal::EndNotConnected);
    let nowhere = Network::from_cells([]).unwrap();
    assert!(nowhere.is_empty());
    assert_eq!(refused(&nowhere, start, end, 60), Refusal::NoStreetNearStart);
}

#[test]
fn a_start_beside_a_scrap_of_street_begins_on_the_streets_of_the_town() {
    let mut town = Town::new(10);
    let scrap = |town: &Town, x: f64| Some(town.at(x, 4.4));
    let nodes = [(1, scrap(&town, 4.4)), (2, scrap(&town, 4.5))];
    town.builder.add_way(300, &tags("highway=footway"), &nodes);
    let start = town.at(4.45, 4.41);
    let route = walk(&town.network(), &[], &request(start, 30, json!({})));
    assert!(route.distance_m > 1000.0, "{}", route.distance_m);
}

#[test]
fn nobody_walks_through_a_locked_gate_or_on_a_private_way() {
    let locked = |gate: bool, way: &str| {
        let mut town = Town::new(3);
        town.way(400, way, &[(2, 1), (4, 1), (8, 1)]);
        if gate {
            town.builder.add_node(node(4, 1), &tags("barrier=gate locked=yes"));
        }
        let wish = request(town.at(0.0, 1.0), 30, json!({"end_location": point(town.at(7.9, 1.0))}));
        generate_route(&town.network(), &[], &wish, &Effort::default()).map(|route| route.legs.len())
    };
    assert_eq!(locked(false, "highway=path"), Ok(1));
    assert_eq!(locked(true, "highway=path"), Err(Refusal::EndNotConnected));
    assert_eq!(locked(false, "highway=path access=private"), Err(Refusal::NoStreetNearEnd));
}

#[test]
fn a_square_is_walked_across() {
    let square = |area: &str| {
        let mut town = Town::with(1, |_, _| String::new());
        town.way(1, area, &[(2, 2), (6, 2), (6, 6), (2, 6), (2, 2)]);
        town.way(2, "highway=footway", &[(0, 0), (2, 2)]);
        town.way(3, "highway=footway", &[(6, 6), (8, 8)]);
        let wish = request(town.at(0.0, 0.0), 60, json!({"end_location": point(town.at(8.0, 8.0))}));
        // The stroll that fills the hour is no concern here: a stopped search takes the straight way.
        let effort = Effort { should_stop: &|| true, ..Effort::default() };
        generate_route(&network(&town.cells()), &[], &wish, &effort).unwrap().distance_m
    };
    assert!(square("highway=pedestrian area=yes") < 1140.0);
    assert!(square("highway=pedestrian") > 1350.0);
}

#[test]
fn a_square_that_is_a_relation_is_walked_across_and_along() {
    let square = |of_what: &str, ring: &[(usize, usize)]| {
        let mut town = Town::with(1, |_, _| String::new());
        let corner = |&(x, y): &(usize, usize)| (node(x, y), Some(town.at(x as f64, y as f64)));
        let ring: Vec<_> = ring.iter().map(corner).collect();
        town.builder.add_square(1, &tags(of_what), &[ring]);
        town.way(2, "highway=footway", &[(0, 0), (2, 2)]);
        town.way(3, "highway=footway", &[(6, 6), (8, 8)]);
        let wish = request(town.at(0.0, 0.0), 60, json!({"end_location": point(town.at(8.0, 8.0))}));
        let effort = Effort { should_stop: &|| true, ..Effort::default() };
        generate_route(&network(&town.cells()), &[], &wish, &effort).map(|route| route.distance_m)
    };
    let ring = [(2, 2), (6, 2), (6, 6), (2, 6), (2, 2)];
    let plaza = "type=multipolygon highway=pedestrian";
    assert!(square(plaza, &ring).unwrap() < 1140.0);
    // What is left of a square at the edge of the extract is its outline.
    assert!(square(plaza, &ring[..4]).unwrap() > 1350.0);
    assert_eq!(square("type=multipolygon highway=pedestrian foot=no", &ring), Err(Refusal::EndNotConnected));
    assert_eq!(square("type=multipolygon leisure=park", &ring), Err(Refusal::EndNotConnected));
}

#[test]
fn a_search_that_is_stopped_at_once_still_gives_a_walk() {
    let town = Town::new(10);
    let (pois, start) = (places(&town), town.at(4.3, 5.1));
    let effort = Effort { should_stop: &|| true, ..Effort::default() };
    let route = generate_route(&town.network(), &pois, &request(start, 60, json!({})), &effort).unwrap();
    assert!(route.duration_s <= 3600);
}

#[test]
fn odd_places_do_no_harm() {
    let town = Town::new(6);
    let mut pois =
        vec![town.poi(1, 2.5, 3.0), town.poi(2, 3.5, 3.0), town.poi(3, 1.5, 2.0), town.poi(4, 0.0, 0.5)];
    pois[0].popularity_score = f32::NAN;
    pois[1].popularity_score = f32::INFINITY;
    pois[2].dwell_s = u32::MAX;
    pois[3].dwell_s = 0;
    let start = town.at(2.0, 2.0);
    let route = walk(&town.network(), &pois, &request(start, 30, json!({})));
    assert!(route.stops.len() == 3 && route.duration_s <= 1800, "{}", route.stops.len());
}

#[test]
fn progress_grows_from_nothing_to_all() {
    let town = Town::new(10);
    let (pois, start) = (places(&town), town.at(4.3, 5.1));
    let told = std::sync::Mutex::new(Vec::new());
    let effort = Effort { on_progress: &|share| told.lock().unwrap().push(share), ..Effort::default() };
    generate_route(&town.network(), &pois, &request(start, 60, json!({})), &effort).unwrap();
    let told = told.into_inner().unwrap();
    assert!(told.is_sorted() && told.first() == Some(&0.0) && told.last() == Some(&1.0), "{told:?}");
}

#[test]
fn a_walk_from_a_courtyard_begins_on_its_private_way_and_uses_no_other() {
    let mut town = Town::new(10);
    let at = |town: &Town, x: f64, y: f64| Some(town.at(x, y));
    // A courtyard 40 m behind the street, and a private short cut across the block.
    let court = [(7001, at(&town, 4.5, 4.4)), (node(4, 4), at(&town, 4.0, 4.0))];
    town.builder.add_way(700, &tags("highway=service access=private"), &court);
    let near = [(7002, at(&town, 4.5, 4.4)), (7003, at(&town, 4.5, 4.0))];
    town.builder.add_way(701, &tags("highway=service access=private"), &near);
    let street = [(7004, at(&town, 4.2, 4.0)), (7003, at(&town, 4.5, 4.0)), (7005, at(&town, 4.8, 4.0))];
    town.builder.add_way(702, &tags("highway=footway"), &street);
    town.builder.add_way(703, &tags("highway=footway"), &[street[0], (node(4, 4), at(&town, 4.0, 4.0))]);
    town.way(704, "highway=service access=private", &[(2, 2), (3, 3)]);
    let (start, pois) = (town.at(4.5, 4.38), places(&town));
    let network = town.network();
    let route = walk(&network, &pois, &request(start, 45, json!({})));
    let path = &route.path.coordinates;
    assert!(path[0].distance_m(start) < 4.0 && path[path.len() - 1].distance_m(start) < 4.0);
    assert_eq!(route.duration_s, route.walking_s + route.stops.iter().map(|stop| stop.dwell_s).sum::<u32>());
    assert!(route.duration_s <= 2700 && route.stops.len() > 2);
    // The way out is 40 m, not the 64 m to the corner.
    let street = Town::new(1).at(4.5, 4.0);
    assert!(path[1].distance_m(street) < 1.0, "{:?}", path[1]);
    let short_cut = Town::new(1).at(2.5, 2.5);
    assert!(path.iter().all(|at| at.distance_m(short_cut) > 40.0));
}
