use serde_json::{Value, json};
use testbed::{Method, Options, StatusCode, Walker};

use crate::{
    town::{PATIENCE, Town},
    wrongs,
};

async fn pin(walker: &Walker, route: &Value, method: Method) {
    let path = format!("/api/v1/routes/{}/saved", route["route_id"].as_str().unwrap());
    let answer = walker.send(method, &path, None).await.unwrap();
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
}

/// Seconds that a cached walk has left.
async fn time_left(town: &Town, key: &str) -> u64 {
    match town.redis(&format!("TTL {key}")).await.as_str() {
        ":-1" => panic!("{key} has no expiry"),
        ":-2" => panic!("{key} is not cached"),
        seconds => seconds.trim_start_matches(':').parse().unwrap(),
    }
}

/// The worker caches a walk after it has told the walker.
async fn until_cached(town: &Town, key: &str) {
    for _ in 0..500 {
        if town.redis(&format!("EXISTS {key}")).await == ":1" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{key} was never cached");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_wish_is_complete_at_once_with_a_route_of_ones_own() {
    let town = Town::start(Options::default()).await;
    let (first, second) = (town.walker().await, town.walker().await);
    let walk = town.walk(&first, 1).await;
    let key = town.sql("SELECT cache_key FROM route_requests").await;
    until_cached(&town, &key).await;
    // Nobody works now: what is answered was known.
    town.system.worker(0).unwrap().pause();
    let mut wish = town.wish(1);
    // The same wish in other words: within a metre, themes in another order, defaults spelt out.
    wish["start_location"]["coordinates"] = json!([24.941_000_4, 60.168_699_9]);
    wish["interest_theme_ids"].as_array_mut().unwrap().reverse();
    wish["accessibility"] = json!({"avoid_stairs": false});
    let answer = second.send(Method::POST, "/api/v1/routes", Some(&wish)).await.unwrap();
    let accepted = answer.json();
    assert_eq!((answer.status, &accepted["status"]), (StatusCode::OK, &json!("complete")), "{accepted}");
    assert!(answer.header("retry-after").is_empty());
    let own = second.get(answer.header("location")).await.unwrap().success().unwrap().json();
    assert_eq!(own["status"], "complete");
    for field in ["route_id", "request_id"] {
        assert_eq!(own[field], accepted[field]);
        assert_ne!(own[field], walk[field]);
    }
    for field in ["path", "stops", "legs", "quality", "distance_m", "duration_s", "walking_s"] {
        assert_eq!(own[field], walk[field], "{field}");
    }
    // Each sees their own, and only that.
    wrongs::assert_problem(&first.get(answer.header("location")).await.unwrap(), 404);
    let firsts = format!("/api/v1/routes/{}", walk["route_id"].as_str().unwrap());
    wrongs::assert_problem(&second.get(&firsts).await.unwrap(), 404);
    assert_eq!(
        second.get("/api/v1/users/me/routes").await.unwrap().json()["routes"].as_array().unwrap().len(),
        1
    );
    // A known walk is no open request: the fourth, too, is answered.
    for _ in 0..4 {
        assert_eq!(second.post_route(&wish).await.unwrap().0, StatusCode::OK);
    }
    // Another seed, another wish.
    assert_eq!(second.post_route(&town.wish(2)).await.unwrap().0, StatusCode::ACCEPTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_walk_stays_longer_in_the_cache_until_the_last_one_lets_it_go() {
    let town = Town::start(Options::default()).await;
    let (first, second) = (town.walker().await, town.walker().await);
    let walk = town.walk(&first, 1).await;
    let key = town.sql("SELECT cache_key FROM route_requests").await;
    until_cached(&town, &key).await;
    let a_day = 24 * 60 * 60;
    let around_a_day = a_day * 9 / 10 - 60..=a_day * 11 / 10;
    let around_a_month = 30 * a_day - 60..=30 * a_day;
    let unsaved = time_left(&town, &key).await;
    assert!(around_a_day.contains(&unsaved), "{unsaved}");

    let (status, own) = second.post_route(&town.wish(1)).await.unwrap();
    assert_eq!(status, StatusCode::OK);
    pin(&first, &walk, Method::PUT).await;
    assert!(around_a_month.contains(&time_left(&town, &key).await));
    pin(&second, &own, Method::PUT).await;
    // Twice is as once.
    pin(&second, &own, Method::PUT).await;
    pin(&first, &walk, Method::DELETE).await;
    let still_saved = time_left(&town, &key).await;
    assert!(around_a_month.contains(&still_saved), "the second walker still has it saved: {still_saved}");
    pin(&second, &own, Method::DELETE).await;
    let let_go = time_left(&town, &key).await;
    assert!(around_a_day.contains(&let_go), "{let_go}");
    pin(&second, &own, Method::DELETE).await;

    // The route's own page tells, too, and its ETag with it.
    let path = format!("/api/v1/routes/{}", walk["route_id"].as_str().unwrap());
    let before = first.get(&path).await.unwrap();
    pin(&first, &walk, Method::PUT).await;
    let after = first.get(&path).await.unwrap();
    assert_eq!((&before.json()["saved"], &after.json()["saved"]), (&json!(false), &json!(true)));
    assert_ne!(before.header("etag"), after.header("etag"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_a_walk_takes_longer_and_is_never_wrong() {
    let town = Town::start(Options::default()).await;
    let walker = town.walker().await;
    let walk = town.walk(&walker, 1).await;
    for away in [false, true] {
        // Dead, or, worse, there and silent.
        if away {
            town.system.redis().kill_9();
        } else {
            town.system.redis().pause();
        }
        let mut socket = walker.websocket().await.unwrap();
        let mut seen = Vec::new();
        let again = walker
            .follow(&mut socket, &town.wish(1), PATIENCE, |event| seen.push(event.clone()))
            .await
            .unwrap();
        socket.close().await;
        assert_eq!(seen[0]["status"], "pending", "it cannot have been known");
        // The same wish on the same data is the same walk.
        assert_eq!((&again["path"], &again["stops"]), (&walk["path"], &walk["stops"]));
        pin(&walker, &again, Method::PUT).await;
        town.system.redis().resume();
    }
}
