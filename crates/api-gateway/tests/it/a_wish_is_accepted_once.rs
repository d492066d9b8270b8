use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testbed::{Answer, Method, Options, Role, StatusCode, Walker};

use crate::{
    town::{PATIENCE, Town},
    wrongs,
};

async fn post(walker: &Walker, key: &str, wish: &Value) -> Answer {
    let request = walker.request(Method::POST, "/api/v1/routes").header("idempotency-key", key);
    Walker::answer(request.json(wish)).await.unwrap()
}

/// What an answer says that stays true; the estimate of a wait does not.
fn ids(answer: &testbed::Answer) -> serde_json::Value {
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("estimated_wait_s");
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_wish_under_the_same_key_gets_the_same_answer() {
    let town = Town::start(Options::default()).await;
    let walker = town.walker().await;
    let wish = town.wish(1);
    let mut socket = walker.websocket().await.unwrap();
    let first = post(&walker, "walk 1", &wish).await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    assert_eq!(first.header("retry-after"), "1");
    let route = first.json()["route_id"].as_str().unwrap().to_owned();
    assert_eq!(first.header("location"), format!("/api/v1/routes/{route}"));
    assert_eq!(first.json()["request_id"], first.header("x-request-id"));
    while socket.next_of("route_generation_status", PATIENCE).await.unwrap()["status"] != "complete" {}

    // Also after the request has ended, and however the same wish is written.
    let mut spelt = wish.clone();
    spelt["interest_theme_ids"].as_array_mut().unwrap().reverse();
    spelt["popularity_bias"] = json!(0.5);
    for wish in [&wish, &spelt] {
        let again = post(&walker, "walk 1", wish).await;
        assert_eq!((again.status, ids(&again)), (first.status, ids(&first)));
        assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
    }
    assert_eq!(town.sql("SELECT count(*) FROM route_requests").await, "1");

    // Another wish needs another key.
    let before = town.rows().await;
    let reused = post(&walker, "walk 1", &town.wish(2)).await;
    wrongs::assert_problem(&reused, 422);
    assert_eq!(reused.json()["type"], "urn:wildside:problem:idempotency-key-reused");
    assert_eq!(town.rows().await, before);

    // A walk that was known is replayed as such, and under a key of theirs anybody may wish anything.
    let other = town.walker().await;
    let known = post(&other, "walk 1", &wish).await;
    let replayed = post(&other, "walk 1", &wish).await;
    assert_eq!((known.status, replayed.status), (StatusCode::OK, StatusCode::OK));
    assert_eq!(known.json(), replayed.json());
    assert_ne!(known.json()["route_id"], first.json()["route_id"]);
    assert_eq!(town.sql("SELECT count(*) FROM route_requests").await, "2");
    // The longest key that there may be.
    assert_eq!(post(&other, &"k".repeat(255), &wish).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_at_once_under_one_key_are_one_request() {
    let town = Town::start(Options { gateways: 2, workers: 0, ..Options::default() }).await;
    let walker = town.walker().await;
    let elsewhere = walker.clone().at(&town.system.gateway(1).unwrap().base_url().unwrap(), "");
    let wish = town.wish(1);
    let answers =
        join_all((0..10).map(|n| post(if n % 2 == 0 { &walker } else { &elsewhere }, "once", &wish))).await;
    let different: BTreeSet<String> =
        answers.iter().map(|answer| format!("{} {}", answer.status, answer.text())).collect();
    assert_eq!(different.len(), 1, "{different:?}");
    assert_eq!(answers[0].status, StatusCode::ACCEPTED);
    assert_eq!(town.sql("SELECT count(*) FROM route_requests").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walker_has_three_requests_open_and_no_more() {
    let town = Town::start(Options { gateways: 2, ..Options::default() }).await;
    let walker = town.walker().await;
    let elsewhere = walker.clone().at(&town.system.gateway(1).unwrap().base_url().unwrap(), "");
    town.system.worker(0).unwrap().pause();
    // Eight at once, at two gateways: the walker's row is the lock.
    let wishes: Vec<Value> = (0..8).map(|seed| town.wish(seed)).collect();
    let posts = wishes.iter().enumerate().map(|(n, wish)| {
        let key = format!("key {n}");
        let walker = if n % 2 == 0 { &walker } else { &elsewhere };
        async move { (n, post(walker, &key, wish).await) }
    });
    let (accepted, refused): (Vec<_>, Vec<_>) =
        join_all(posts).await.into_iter().partition(|(_, answer)| answer.status == StatusCode::ACCEPTED);
    assert_eq!((accepted.len(), refused.len()), (3, 5));
    for (_, answer) in &refused {
        wrongs::assert_problem(answer, 429);
        assert_eq!(answer.json()["type"], "urn:wildside:problem:too-many-open-requests");
    }
    assert_eq!(town.sql("SELECT count(*) FROM route_requests").await, "3");

    // A repetition of an open one opens nothing, and others have their own three.
    let (n, first) = &accepted[0];
    assert_eq!(ids(&post(&walker, &format!("key {n}"), &wishes[*n]).await), ids(first));
    assert_eq!(town.walker().await.post_route(&town.wish(9)).await.unwrap().0, StatusCode::ACCEPTED);

    // When they have ended there is room again.
    town.system.worker(0).unwrap().resume();
    let mut socket = walker.websocket().await.unwrap();
    let mut complete = BTreeSet::new();
    while complete.len() < 3 {
        let event = socket.next_of("route_generation_status", PATIENCE).await.unwrap();
        if event["status"] == "complete" {
            complete.insert(event["request_id"].to_string());
        }
    }
    assert_eq!(walker.post_route(&town.wish(10)).await.unwrap().0, StatusCode::ACCEPTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_open_requests_is_a_setting() {
    let options = Options {
        workers: 0,
        env: vec![(Role::Gateway, "OPEN_REQUESTS_PER_USER", "1".into())],
        ..Options::default()
    };
    let town = Town::start(options).await;
    let walker = town.walker().await;
    assert_eq!(walker.post_route(&town.wish(1)).await.unwrap().0, StatusCode::ACCEPTED);
    let second = walker.send(Method::POST, "/api/v1/routes", Some(&town.wish(2))).await.unwrap();
    wrongs::assert_problem(&second, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_cannot_be_served_fails_with_a_reason() {
    let town = Town::start(Options::default()).await;
    let walker = town.walker().await;
    // Both ends are in the city, and there are more than five minutes of streets between them.
    let mut wish = town.wish(1);
    wish["duration_minutes"] = json!(5);
    wish["start_location"]["coordinates"] = json!([24.9370, 60.1655]);
    wish["end_location"] = json!({"type": "Point", "coordinates": [24.9515, 60.1775]});
    let failed = walker.walk_until_complete(&wish, PATIENCE, |_| ()).await.unwrap_err().to_string();
    let reason = "The end is too far away to be reached on foot in the time given.";
    assert!(failed.contains(reason), "{failed}");
    let id = town.sql("SELECT route_id FROM route_requests").await;
    let route = walker.get(&format!("/api/v1/routes/{id}")).await.unwrap();
    assert_eq!((route.status, &route.json()["status"]), (StatusCode::OK, &json!("failed")));
    assert!(route.json()["error"].as_str().unwrap().contains(reason), "{}", route.text());
    assert!(route.header("retry-after").is_empty());
    for (method, end, accept) in [
        (Method::GET, "", "application/gpx+xml"),
        (Method::PUT, "/saved", "*/*"),
        (Method::DELETE, "/saved", "*/*"),
    ] {
        let request = walker.request(method, &format!("/api/v1/routes/{id}{end}")).header("accept", accept);
        let answer = Walker::answer(request).await.unwrap();
        wrongs::assert_problem(&answer, 409);
        assert_eq!(answer.json()["type"], "urn:wildside:problem:failed");
    }
    assert_eq!(walker.get("/api/v1/users/me/routes").await.unwrap().json()["routes"], json!([]));
}
