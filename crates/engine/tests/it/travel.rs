use crate::town::{Town, network, tags};
use domain::{Accessibility, Coordinate};
use proptest::prelude::*;
use wildside_engine::{Network, Place, Travel};

/// Dijkstra's algorithm is the judge: what the hierarchy says of every pair must be what it says.
fn agrees_with_dijkstra(network: &Network, wishes: Accessibility, points: &[Coordinate]) -> usize {
    let mut travel: Travel<'_> = network.travel(wishes);
    let places: Vec<Place> = points.iter().filter_map(|&at| travel.snap(at, 500.0)).collect();
    let times = travel.matrix(&places, &places);
    let mut ways = 0;
    for (row, from) in places.iter().enumerate() {
        let judged = travel.times_by_dijkstra(from, &places);
        for (column, to) in places.iter().enumerate() {
            let here = format!("{row} to {column}");
            assert_eq!(times.get(row, column), judged[column], "{here}");
            let path = travel.route(from, to);
            assert_eq!(path.as_ref().map(|path| path.time_ms), judged[column], "{here}");
            let Some(path) = path else { continue };
            ways += 1;
            let line = &path.line.coordinates;
            assert!(
                line[0].distance_m(from.coordinate()) < 0.1
                    && line[line.len() - 1].distance_m(to.coordinate()) < 0.1
            );
            assert!((path.line.length_m() - path.distance_m).abs() < 0.05 + path.distance_m * 1e-3, "{here}");
        }
    }
    ways
}

fn wishes(avoid_stairs: bool, prefer_well_lit: bool) -> Accessibility {
    Accessibility { avoid_stairs, prefer_well_lit }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_matrix_and_route_of_a_random_town_is_that_of_dijkstra(
        streets in prop::collection::vec((0..9_usize, 0..9_usize, 0..9_usize, 0..9_usize, 0..8_usize), 1..60),
        points in prop::collection::vec((-1.0..10.0_f64, -1.0..10.0_f64), 2..14),
        stairs in any::<bool>(),
        lit in any::<bool>(),
    ) {
        const KINDS: [&str; 8] = [
            "highway=residential", "highway=footway lit=yes", "highway=steps", "highway=path oneway:foot=yes",
            "highway=primary lit=no", "highway=service access=private", "highway=path incline=12%",
            "highway=pedestrian area=yes",
        ];
        let mut town = Town::with(1, |_, _| String::new());
        for (id, &(x0, y0, x1, y1, kind)) in streets.iter().enumerate() {
            // By way of a corner, so that streets meet; and back, so that there are loops.
            let corners = match id % 3 {
                0 => vec![(x0, y0), (x1, y1)],
                1 => vec![(x0, y0), (x0, y1), (x1, y1)],
                _ => vec![(x0, y0), (x1, y0), (x1, y1), (x0, y0)],
            };
            town.way(id as i64 + 1, KINDS[kind], &corners);
        }
        let points: Vec<Coordinate> = points.iter().map(|&(x, y)| town.at(x, y)).collect();
        agrees_with_dijkstra(&town.network(), wishes(stairs, lit), &points);
    }
}

#[test]
fn every_matrix_and_route_of_a_large_town_is_that_of_dijkstra() {
    let street = |east: bool, number: usize| match (east, number % 7) {
        (true, 3) => "highway=steps".to_owned(),
        (_, 5) => "highway=primary lit=no".to_owned(),
        (false, 2) => "highway=footway lit=yes oneway:foot=yes".to_owned(),
        _ => "highway=residential".to_owned(),
    };
    let town = Town::with(40, street);
    let points: Vec<Coordinate> =
        (0..45).map(|i| town.at(f64::from(i * 17 % 40) + 0.3, f64::from(i * 29 % 40) + 0.1)).collect();
    let network = town.network();
    for (stairs, lit) in [(false, false), (true, false), (false, true)] {
        assert!(agrees_with_dijkstra(&network, wishes(stairs, lit), &points) > 1500);
    }
}

#[test]
fn a_network_in_a_file_is_the_network_in_memory() {
    let town = Town::new(12);
    let (from, to) = (town.at(0.4, 3.0), town.at(9.0, 7.7));
    let cells = town.cells();
    let bytes = Network::prepare(cells.iter().map(|cell| &cell.bytes[..])).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("town.network");
    std::fs::write(&file, &bytes).unwrap();
    let route = |network: &Network| {
        let mut travel = network.travel(wishes(false, false));
        let (from, to) = (travel.snap(from, 50.0).unwrap(), travel.snap(to, 50.0).unwrap());
        travel.route(&from, &to).unwrap()
    };
    let held = Network::from_bytes(&bytes).unwrap();
    assert_eq!(route(&Network::open(&file).unwrap()), route(&held));
    assert_eq!(route(&network(&cells)), route(&held));
    assert!(Network::open(&folder.path().join("none")).is_err());
}

#[test]
fn a_place_is_snapped_to_a_street_that_its_walker_may_use() {
    let mut town = Town::new(3);
    town.way(100, "highway=steps", &[(0, 2), (2, 0)]);
    town.builder.add_way(
        101,
        &tags("highway=service access=private"),
        &[(9001, Some(town.at(0.5, 0.5))), (9002, Some(town.at(0.6, 0.6)))],
    );
    let at = town.at(0.9, 1.05);
    let private = town.at(0.55, 0.56);
    let network = town.network();
    let off_m = |stairs: bool, at| {
        network.travel(wishes(stairs, false)).snap(at, 80.0).map(|place| place.distance_m())
    };
    assert!(off_m(false, at).unwrap() < 4.0);
    assert!((4.0..6.0).contains(&off_m(true, at).unwrap()));
    assert!(off_m(true, private).unwrap() > 30.0);
}
