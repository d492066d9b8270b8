//! What a walker lets go of is gone from every store, and stays gone.

use std::time::Duration;

use serde_json::json;
use testbed::{Method, Options, Receiver, Role, StatusCode};

use crate::{town::Town, wrongs};

const ME: &str = "/api/v1/users/me";

/// Everything that PostgreSQL and Redis hold, as text.
async fn everything(town: &Town) -> String {
    let tables = town
        .sql(
            "SELECT table_name FROM information_schema.tables
             WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
               AND table_name NOT IN ('spatial_ref_sys', 'session_revocations', 'street_cells', 'street_networks', 'pois',
                                      'poi_interest_themes', 'datasets', 'ingests')",
        )
        .await;
    let mut all = String::new();
    for table in tables.lines() {
        all += &town.sql(&format!("SELECT '{table}', t::text FROM {table} AS t")).await;
    }
    all + &town.redis_keys().await.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_walker_is_gone_from_every_store_queue_cache_and_socket() {
    let posthog = Receiver::start().await.unwrap();
    let env = [Role::Gateway, Role::Worker].into_iter().flat_map(|role| {
        [(role, "POSTHOG_API_KEY", "key".to_owned()), (role, "POSTHOG_HOST", posthog.url())]
    });
    let town = Town::start(Options { env: env.collect(), ..Options::default() }).await;
    let (walker, other) = (town.walker().await, town.walker().await);
    let id = walker.get(ME).await.unwrap().json()["id"].as_str().unwrap().to_owned();
    let others = town.walk(&other, 7).await;
    let interests = json!({"interest_theme_ids": town.themes[..2]});
    walker
        .send(Method::PUT, "/api/v1/users/me/interests", Some(&interests))
        .await
        .unwrap()
        .success()
        .unwrap();
    let walk = town.walk(&walker, 1).await;
    let saved = format!("/api/v1/routes/{}/saved", walk["route_id"].as_str().unwrap());
    walker.send(Method::PUT, &saved, None).await.unwrap().success().unwrap();
    // One that waits, and one that is in a worker's hands.
    town.system.worker(0).unwrap().pause();
    let (_, pending) = walker.post_route(&town.wish(2)).await.unwrap();
    let keys = town.sql(&format!("SELECT cache_key FROM route_requests WHERE user_id = '{id}'")).await;
    let mut socket = walker.websocket().await.unwrap();

    let erased = walker.send(Method::DELETE, ME, None).await.unwrap();
    assert_eq!((erased.status, erased.body.len()), (StatusCode::NO_CONTENT, 0), "{}", erased.text());
    assert!(erased.header("set-cookie").starts_with("wildside=;"), "{}", erased.header("set-cookie"));
    let sent = posthog.received().len();
    assert_eq!(socket.closed(Duration::from_secs(10)).await.unwrap(), Some(1008));
    assert!(walker.websocket().await.is_err());
    // The worker wakes up to a request that is gone.
    town.system.worker(0).unwrap().resume();
    let again = town.walk(&other, 3).await;
    let held = everything(&town).await;
    let mut traces =
        vec![id.as_str(), walk["route_id"].as_str().unwrap(), pending["route_id"].as_str().unwrap()];
    traces.extend(keys.lines());
    for trace in traces {
        assert!(!held.contains(trace), "{trace} is still there: {held}");
    }
    for theirs in [&others, &again] {
        assert!(held.contains(theirs["route_id"].as_str().unwrap()));
    }
    for (method, path) in [(Method::GET, ME), (Method::DELETE, ME), (Method::GET, "/api/v1/users/me/export")]
    {
        wrongs::assert_problem(&walker.send(method, path, None).await.unwrap(), 401);
    }
    // Nothing of them is sent afterwards.
    tokio::time::sleep(Duration::from_secs(4)).await;
    for (_, batch) in &posthog.received()[sent..] {
        assert!(!batch.to_string().contains(&id), "{batch}");
    }
    town.assert_everything_in_redis_expires().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_generating_writes_nothing_for_who_has_left() {
    let town = Town::start(Options::default()).await;
    for erases in [true, false] {
        let walker = town.walker().await;
        let mut socket = walker.websocket().await.unwrap();
        // Long enough to be in the middle of it.
        let mut wish = town.wish(if erases { 11 } else { 12 });
        wish["duration_minutes"] = json!(240);
        let (_, accepted) = walker.post_route(&wish).await.unwrap();
        let key = town.sql("SELECT cache_key FROM route_requests").await;
        while socket.next_of("route_generation_status", Duration::from_secs(30)).await.unwrap()["status"]
            != "in_progress"
        {}
        let route = format!("/api/v1/routes/{}", accepted["route_id"].as_str().unwrap());
        let path = if erases { ME } else { route.as_str() };
        let gone = walker.send(Method::DELETE, path, None).await.unwrap();
        assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text());
        if !erases {
            // Whoever waits on another page hears of it.
            let end = loop {
                let event = socket.next_of("route_generation_status", Duration::from_secs(30)).await.unwrap();
                if event["status"] != "in_progress" {
                    break event;
                }
            };
            assert_eq!((&end["status"], &end["error"]), (&json!("failed"), &json!("The walk was deleted.")));
            wrongs::assert_problem(&walker.get(&route).await.unwrap(), 404);
        }
        // The next walk is complete after the worker is done with the other one.
        let other = town.walker().await;
        town.walk(&other, 1).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(town.redis(&format!("EXISTS {key}")).await, ":0");
        other.send(Method::DELETE, ME, None).await.unwrap().success().unwrap();
        assert_eq!(
            town.sql("SELECT (SELECT count(*) FROM route_requests), (SELECT count(*) FROM routes)").await,
            "0|0"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_route_is_gone_from_the_list_and_the_cache() {
    let town = Town::start(Options::default()).await;
    let walker = town.walker().await;
    let walk = town.walk(&walker, 1).await;
    let path = format!("/api/v1/routes/{}", walk["route_id"].as_str().unwrap());
    let key = town.sql("SELECT cache_key FROM route_requests").await;
    let deleted = walker.send(Method::DELETE, &path, None).await.unwrap();
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    for method in [Method::GET, Method::DELETE] {
        wrongs::assert_problem(&walker.send(method, &path, None).await.unwrap(), 404);
    }
    assert_eq!(walker.get("/api/v1/users/me/routes").await.unwrap().json()["routes"], json!([]));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(town.redis(&format!("EXISTS {key}")).await, ":0");
    town.assert_everything_in_redis_expires().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_a_private_file_with_everything_of_the_walker() {
    let town = Town::start(Options::default()).await;
    let (walker, other) = (town.walker().await, town.walker().await);
    // One who has written nothing has an export, too.
    let empty = walker.get("/api/v1/users/me/export").await.unwrap().success().unwrap().json();
    assert_eq!((&empty["user"]["created_at"], &empty["route_requests"]), (&json!(null), &json!([])));
    let walk = town.walk(&walker, 1).await;
    town.walk(&other, 2).await;
    let answer = walker.get("/api/v1/users/me/export").await.unwrap().success().unwrap();
    assert_eq!(answer.header("cache-control"), "private, no-store");
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(answer.header("content-disposition").starts_with("attachment; filename="));
    let export = answer.json();
    let requests = export["route_requests"].as_array().unwrap();
    assert_eq!(requests.len(), 1);
    for field in ["route_id", "request_id", "params"] {
        assert_eq!(requests[0][field], walk[field], "{field}");
    }
    for field in ["path", "stops", "legs", "distance_m"] {
        let route = &requests[0]["route"];
        assert!(!route[field].is_null(), "{field}: {route}");
    }
    assert_eq!(requests[0]["route"]["path"], walk["path"]);
    assert_eq!(export["user"]["id"], walker.get(ME).await.unwrap().json()["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walker_may_save_so_many_routes() {
    let env = vec![(Role::Gateway, "SAVED_ROUTES_PER_USER", "1".to_owned())];
    let town = Town::start(Options { env, ..Options::default() }).await;
    let walker = town.walker().await;
    let saved = async |method: Method, seed: u32| {
        let walk = town.walk(&walker, seed).await;
        let path = format!("/api/v1/routes/{}/saved", walk["route_id"].as_str().unwrap());
        (walker.send(method, &path, None).await.unwrap(), path)
    };
    let (first, path) = saved(Method::PUT, 1).await;
    assert_eq!(first.status, StatusCode::NO_CONTENT);
    let (second, _) = saved(Method::PUT, 2).await;
    wrongs::assert_problem(&second, 409);
    assert_eq!(second.json()["type"], "urn:wildside:problem:too-many-saved-routes");
    walker.send(Method::DELETE, &path, None).await.unwrap().success().unwrap();
    assert_eq!(saved(Method::PUT, 3).await.0.status, StatusCode::NO_CONTENT);
    town.assert_everything_in_redis_expires().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_brings_so_many_new_walkers_and_known_ones_are_let_in() {
    let env = vec![(Role::Gateway, "NEW_USERS_PER_ADDRESS_PER_HOUR", "60".to_owned())];
    let town = Town::start(Options { workers: 0, env, ..Options::default() }).await;
    let mut known = None;
    let (started, mut begun) = (std::time::Instant::now(), 0);
    let refused = loop {
        let stranger = town.stranger();
        let answer = stranger.send(Method::POST, "/api/v1/users", None).await.unwrap();
        if answer.status != StatusCode::CREATED {
            break answer;
        }
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        known = Some(stranger.with_cookie(Some(cookie)));
        begun += 1;
        assert!(begun <= 600, "nobody is turned away");
    };
    // One more is earned every minute.
    let earned = started.elapsed().as_secs() / 60 + 1;
    assert!((60..=60 + earned).contains(&begun), "{begun} in {:?}", started.elapsed());
    wrongs::assert_problem(&refused, 429);
    assert_eq!(refused.json()["type"], "urn:wildside:problem:too-many-new-users");
    let again = known.unwrap().send(Method::POST, "/api/v1/users", None).await.unwrap();
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(town.stranger().get("/api/v1/interest-themes").await.unwrap().status, StatusCode::OK);
    assert_eq!(town.sql("SELECT count(*) FROM users").await, "0");
}
