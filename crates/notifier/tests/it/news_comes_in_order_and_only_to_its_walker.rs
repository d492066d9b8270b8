use serde_json::{Value, json};
use std::time::Duration;
use testbed::{Options, Socket, StatusCode, Walker};

use crate::town::{PATIENCE, Town};

/// A socket of a walker who has asked for nothing yet, after its snapshot, in which else a request could be further than
/// the news of it that waits behind.
async fn quiet(walker: &Walker) -> Socket {
    walker.websocket().await.unwrap().settled(PATIENCE).await.unwrap()
}

/// What a socket hears of a request until it has ended.
async fn until_ended(socket: &mut Socket, request: &Value) -> Vec<Value> {
    let mut heard: Vec<Value> = Vec::new();
    loop {
        let event = socket.next_of("route_generation_status", PATIENCE).await.unwrap();
        assert_eq!(&event["request_id"], request, "news of something else");
        heard.push(event.clone());
        if ["complete", "failed"].iter().any(|end| event["status"] == *end) {
            return heard;
        }
    }
}

/// Pending first, then the work, then the end, and never back.
fn assert_in_order(heard: &[Value], end: &str) {
    let mut statuses: Vec<&str> = heard.iter().map(|event| event["status"].as_str().unwrap()).collect();
    statuses.dedup();
    assert_eq!(statuses, ["pending", "in_progress", end], "{heard:?}");
    for pair in heard.windows(2) {
        let [before, after] = [&pair[0], &pair[1]];
        let grows = before["rev"].as_i64() < after["rev"].as_i64();
        // Two words about the same progress are one.
        assert!(grows || (before == after && before["status"] == "in_progress"), "{before} {after}");
        assert!(before["progress"].as_f64() <= after["progress"].as_f64() || after["progress"].is_null());
    }
    for event in heard {
        let in_progress = event["status"] == "in_progress";
        let share = event["progress"].as_f64();
        assert_eq!(share.is_some_and(|share| (0.0..=1.0).contains(&share)), in_progress, "{event}");
        assert_eq!(event.get("route_id").is_some(), event["status"] == "complete", "{event}");
        assert_eq!(event.get("error").is_some(), event["status"] == "failed", "{event}");
    }
}

/// Nothing comes for a while.
async fn is_silent(socket: &mut Socket) -> bool {
    socket.next(Duration::from_millis(500)).await.is_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_socket_of_a_walker_at_every_notifier_hears_all_of_it_and_nobody_else_anything() {
    let town = Town::start(Options { notifiers: 2, ..Options::default() }).await;
    let (walker, other) = (town.walker().await, town.walker().await);
    let second = town.system.notifier(1).unwrap().base_url().unwrap();
    let elsewhere = walker.clone().at(&town.origin, &second);
    let mut sockets = [quiet(&walker).await, quiet(&walker).await, quiet(&elsewhere).await];
    let mut strangers = [quiet(&other).await, quiet(&other.clone().at(&town.origin, &second)).await];
    let (status, accepted) = walker.post_route(&town.wish(1)).await.unwrap();
    assert_eq!(status, StatusCode::ACCEPTED);
    let mut stories = Vec::new();
    for socket in &mut sockets {
        let heard = until_ended(socket, &accepted["request_id"]).await;
        assert_in_order(&heard, "complete");
        assert_eq!(heard.last().unwrap()["route_id"], accepted["route_id"]);
        stories.push(heard);
    }
    assert!(stories.iter().all(|story| story == &stories[0]), "{stories:?}");
    for socket in sockets.iter_mut().chain(&mut strangers) {
        assert!(is_silent(socket).await);
    }

    // Who comes later learns it from the snapshot, at any notifier, once.
    for late in [&walker, &elsewhere] {
        let mut socket = late.websocket().await.unwrap();
        let heard = socket.next_of("route_generation_status", PATIENCE).await.unwrap();
        assert_eq!(&heard, stories[0].last().unwrap());
        assert!(is_silent(&mut socket).await);
    }
    assert!(is_silent(&mut other.websocket().await.unwrap()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_fails_says_why_live_and_later() {
    let town = Town::start(Options::default()).await;
    let walker = town.walker().await;
    let mut socket = quiet(&walker).await;
    let (_, accepted) = walker.post_route(&town.hopeless_wish()).await.unwrap();
    let heard = until_ended(&mut socket, &accepted["request_id"]).await;
    assert_in_order(&heard, "failed");
    let last = heard.last().unwrap();
    assert!(last["error"].as_str().unwrap().contains("too far away"), "{last}");
    let mut late = walker.websocket().await.unwrap();
    assert_eq!(&late.next_of("route_generation_status", PATIENCE).await.unwrap(), last);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_hears_what_is_open_and_what_has_ended_oldest_first() {
    let town = Town::start(Options::default()).await;
    let walker = town.walker().await;
    let done = town.walk(&walker, 1).await;
    let forgotten = town.walk(&walker, 2).await;
    let sql = format!(
        "UPDATE route_requests SET updated_at = now() - interval '2 hours' WHERE route_id = '{}'",
        forgotten["route_id"].as_str().unwrap()
    );
    town.system.database().sql(&sql).await.unwrap();
    town.system.worker(0).unwrap().stop().await;
    let (_, open) = walker.post_route(&town.wish(3)).await.unwrap();
    let mut socket = walker.websocket().await.unwrap();
    let first = socket.next_of("route_generation_status", PATIENCE).await.unwrap();
    assert_eq!((&first["request_id"], &first["status"]), (&done["request_id"], &json!("complete")));
    let second = socket.next_of("route_generation_status", PATIENCE).await.unwrap();
    assert_eq!((&second["request_id"], &second["status"]), (&open["request_id"], &json!("pending")));
    // What ended long ago is no news.
    assert!(is_silent(&mut socket).await);
    // And it goes on live from there.
    town.system.worker(0).unwrap().restart().await.unwrap();
    let heard = until_ended(&mut socket, &open["request_id"]).await;
    assert_eq!(heard.last().unwrap()["status"], "complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notifier_that_stops_says_good_bye() {
    let town = Town::start(Options { workers: 0, notifiers: 2, ..Options::default() }).await;
    let walker = town.walker().await;
    let mut socket = walker.websocket().await.unwrap();
    let stopping = town.system.notifier(0).unwrap().stop();
    let (code, ()) = tokio::join!(socket.closed(PATIENCE), stopping);
    assert_eq!(code.unwrap(), Some(1001));
    // The other one takes over.
    let second = town.system.notifier(1).unwrap().base_url().unwrap();
    walker.at(&town.origin, &second).websocket().await.unwrap().close().await;
}
