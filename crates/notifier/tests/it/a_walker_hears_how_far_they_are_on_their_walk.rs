use serde_json::{Value, json};
use std::time::Duration;
use testbed::{Options, Socket};

use crate::town::Town;

const EARTH_RADIUS_M: f64 = 6_371_008.8;

type Place = [f64; 2];

fn place(value: &Value) -> Place {
    [value[0].as_f64().unwrap(), value[1].as_f64().unwrap()]
}

/// Haversine.
fn metres(a: Place, b: Place) -> f64 {
    let ([lon_a, lat_a], [lon_b, lat_b]) = (a.map(f64::to_radians), b.map(f64::to_radians));
    let h = ((lat_b - lat_a) / 2.0).sin().powi(2)
        + lat_a.cos() * lat_b.cos() * ((lon_b - lon_a) / 2.0).sin().powi(2);
    2.0 * EARTH_RADIUS_M * h.sqrt().asin()
}

/// Distance to the path, by trying a place every metre of it.
fn off_path(path: &[Place], from: Place) -> f64 {
    let along = path.windows(2).flat_map(|pair| {
        let [a, b] = [pair[0], pair[1]];
        let steps = metres(a, b).ceil().max(1.0) as usize;
        (0..=steps).map(move |step| {
            let share = step as f64 / steps as f64;
            [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share]
        })
    });
    along.map(|at| metres(at, from)).fold(f64::INFINITY, f64::min)
}

/// Tells a location and returns the progress; waits until the next one may be told.
async fn progress(socket: &mut Socket, route: &Value, at: Place) -> Value {
    let location = json!({"type": "Point", "coordinates": at});
    let message = json!({"type": "update_location", "payload": {"route_id": route, "location": location}});
    socket.send(&message).await.unwrap();
    let progress = socket.next_of("walk_progress", Duration::from_secs(10)).await.unwrap();
    assert_eq!(&progress["route_id"], route);
    tokio::time::sleep(Duration::from_secs(1)).await;
    progress
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_stop_and_the_way_to_it_follow_the_walker_along_a_real_route() {
    let town = Town::start(Options::default()).await;
    let walker = town.walker().await;
    let length = |leg: &Value| leg["distance_m"].as_f64().unwrap();
    // A walk with two stops or more, the first ones clearly apart.
    let mut seed = 0;
    let walk = loop {
        seed += 1;
        let walk = town.walk(&walker, seed).await;
        let legs = walk["legs"].as_array().unwrap();
        if legs.len() >= 3 && legs[..2].iter().all(|leg| length(leg) > 20.0) {
            break walk;
        }
        assert!(seed < 50, "no seed gives such a walk");
    };
    let (route, legs) = (&walk["route_id"], walk["legs"].as_array().unwrap());
    let path: Vec<Place> = walk["path"]["coordinates"].as_array().unwrap().iter().map(place).collect();
    let mut socket = walker.websocket().await.unwrap();
    let number = |value: &Value| value.as_f64().unwrap();

    // At the start, the whole first leg lies ahead. Within 15 m of a stop the next one counts.
    let at_start = progress(&mut socket, route, path[0]).await;
    assert_eq!(at_start["next_stop"], 1);
    assert!(number(&at_start["off_route_m"]) < 0.1, "{at_start}");
    let ahead = number(&at_start["distance_to_next_m"]);
    assert!((ahead - length(&legs[0])).abs() < 1.0, "{ahead} {}", legs[0]);

    // Half-way along the first leg it is nearer.
    let end = legs[0]["geometry"]["end"].as_u64().unwrap() as usize;
    let middle = progress(&mut socket, route, path[end / 2]).await;
    assert_eq!(middle["next_stop"], 1);
    assert!(number(&middle["distance_to_next_m"]) <= ahead, "{middle}");

    // At the first stop the second one is next.
    let at_stop = progress(&mut socket, route, path[end]).await;
    let next = 1 + legs[1..].iter().position(|leg| length(leg) > 15.0).unwrap();
    assert_eq!(at_stop["next_stop"], legs[next]["to"]);
    let ahead: f64 = legs[1..=next].iter().map(length).sum();
    assert!((number(&at_stop["distance_to_next_m"]) - ahead).abs() < 1.0, "{at_stop}, not {ahead}");

    // Off the route it says how far.
    for [east, north] in [[0.0003, 0.0], [0.0, -0.002], [-0.02, 0.02]] {
        let at = [path[end][0] + east, path[end][1] + north];
        let told = number(&progress(&mut socket, route, at).await["off_route_m"]);
        let wanted = off_path(&path, at);
        // The nearer of two passages may be passed over for one that is up to two metres farther.
        assert!((told - wanted).abs() < 2.5 + wanted * 0.005, "{at:?}: {told}, not {wanted}");
    }

    // Another walk of theirs can be walked on the same socket.
    let other = town.walk(&walker, 2).await;
    let start = place(&other["path"]["coordinates"][0]);
    assert_eq!(progress(&mut socket, &other["route_id"], start).await["next_stop"], 1);
}
