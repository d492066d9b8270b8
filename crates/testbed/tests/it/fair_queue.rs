//! Walkers wait for each other in a fair order, and only as long as they were told.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testbed::{Options, Role, StatusCode, System, Walker};
use tokio::time::sleep;

const TIMEOUT: Duration = Duration::from_secs(120);

/// One worker with one hand, behind one proxy that tells where walkers come from.
async fn one_hand(env: &[(Role, &'static str, &str)]) -> System {
    let mut all = vec![
        (Role::Worker, "CONCURRENCY", "1".to_owned()),
        (Role::Gateway, "TRUSTED_PROXIES", "1".to_owned()),
    ];
    all.extend(env.iter().map(|(role, name, value)| (*role, *name, (*value).to_owned())));
    System::start(Options { env: all, ..Options::default() }).await.unwrap()
}

async fn walker_at(system: &System, address: &str) -> Walker {
    let stranger = Walker::stranger(&system.gateway_url().unwrap(), &system.notifier_url().unwrap()).unwrap();
    let mut walker = stranger.from_address(address);
    walker.register().await.unwrap();
    walker
}

fn wish(minutes: u32, seed: usize) -> Value {
    json!({
        "start_location": {"type": "Point", "coordinates": [24.9414, 60.1699]},
        "duration_minutes": minutes,
        "interest_theme_ids": [domain::InterestTheme::id_of("history"), domain::InterestTheme::id_of("cafes")],
        "seed": seed
    })
}

async fn count(system: &System, of: &str) -> i64 {
    system.database().sql(&format!("SELECT count(*) FROM {of}")).await.unwrap().trim().parse().unwrap()
}

async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !happened().await {
        assert!(Instant::now() < deadline, "{what}: not within {TIMEOUT:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_walk_is_made_before_the_long_ones_of_a_source_that_floods() {
    let system = one_hand(&[(Role::Gateway, "OPEN_COST_PER_ADDRESS", "1000")]).await;
    let worker = system.worker(0).unwrap();
    worker.pause();
    for account in 0..5 {
        // IPv6 gives every customer addresses without end; they are one source all the same.
        let flood = walker_at(&system, &format!("2001:db8:1:{account}::1")).await;
        for long in 0..3 {
            let (status, answer) = flood.post_route(&wish(480, account * 3 + long)).await.unwrap();
            assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        }
    }
    let bystander = walker_at(&system, "203.0.113.7").await;
    let (status, accepted) = bystander.post_route(&wish(30, 99)).await.unwrap();
    assert_eq!(status, StatusCode::ACCEPTED, "{accepted}");
    worker.resume();
    let id = accepted["route_id"].as_str().unwrap();
    until("the short walk", async || bystander.get_route(id).await.unwrap().1["status"] == "complete").await;
    // One may have been in hand already, and one may have been taken up since.
    let done = count(&system, "route_requests WHERE status = 'complete'").await;
    assert!(done <= 3, "{done} walks were made before and with it");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_would_wait_too_long_is_told_when_to_come_again_and_who_waits_how_long_it_takes() {
    let system = one_hand(&[(Role::Gateway, "MAX_WAIT_SECONDS", "3")]).await;
    // A worker that is known to be slow, and does nothing.
    let worker = system.worker(0).unwrap();
    worker.pause();
    let slow = "UPDATE route_workers SET seconds_per_cost = 1, seen_at = now() + interval '10 minutes'";
    system.database().sql(slow).await.unwrap();
    let walkers = [walker_at(&system, "192.0.2.1").await, walker_at(&system, "192.0.2.1").await];
    let mut socket = walkers[0].websocket().await.unwrap();
    let mut estimates = Vec::new();
    for seed in 0..3 {
        let (status, answer) = walkers[0].post_route(&wish(60, seed)).await.unwrap();
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        estimates.push(answer["estimated_wait_s"].as_u64().unwrap());
        let pending = walkers[0].get_route(answer["route_id"].as_str().unwrap()).await.unwrap().1;
        assert_eq!((&pending["status"], &pending["estimated_wait_s"]), (&json!("pending"), &json!(seed)));
        let heard = socket.next_of("route_generation_status", TIMEOUT).await.unwrap();
        assert_eq!((&heard["status"], &heard["estimated_wait_s"]), (&json!("pending"), &json!(seed)));
    }
    assert_eq!(estimates, [0, 1, 2]);
    let (status, _) = walkers[1].post_route(&wish(60, 3)).await.unwrap();
    assert_eq!(status, StatusCode::ACCEPTED);
    let refused = walkers[1].send(testbed::Method::POST, "/api/v1/routes", Some(&wish(60, 4))).await.unwrap();
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{}", refused.text());
    assert!(refused.json()["type"].as_str().unwrap().ends_with("busy"), "{}", refused.text());
    assert_eq!(refused.header("retry-after"), "1");
    // It is not the whole queue that is too long, but what is before this one.
    let other = walker_at(&system, "192.0.2.2").await;
    assert_eq!(other.post_route(&wish(60, 5)).await.unwrap().0, StatusCode::ACCEPTED);
    assert_eq!(count(&system, "route_requests").await, 5, "a request that is turned away leaves nothing");
    let metrics = system.gateway(0).unwrap().metrics().await.unwrap();
    assert!(metrics.contains("route_requests_rejected_total{reason=\"busy\"} 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_may_have_so_much_work_open_and_no_more() {
    let system = one_hand(&[(Role::Gateway, "OPEN_COST_PER_ADDRESS", "5")]).await;
    system.worker(0).unwrap().pause();
    let mut statuses = Vec::new();
    for seed in 0..7 {
        let walker = walker_at(&system, "192.0.2.1").await;
        statuses.push(walker.post_route(&wish(60, seed)).await.unwrap().0);
    }
    let (accepted, turned_away) = statuses.split_at(5);
    assert!(accepted.iter().all(|status| *status == StatusCode::ACCEPTED), "{statuses:?}");
    assert!(turned_away.iter().all(|status| *status == StatusCode::TOO_MANY_REQUESTS), "{statuses:?}");
    let other = walker_at(&system, "192.0.2.2").await;
    assert_eq!(other.post_route(&wish(60, 7)).await.unwrap().0, StatusCode::ACCEPTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_only_waits_is_not_published_again() {
    let system = one_hand(&[]).await;
    system.worker(0).unwrap().pause();
    let walker = walker_at(&system, "192.0.2.1").await;
    for seed in 0..3 {
        walker.post_route(&wish(60, seed)).await.unwrap();
    }
    // Longer ago than the sweeper waits for a job that was lost; these are all at the broker.
    let old = "UPDATE route_requests SET published_at = now() - interval '1 minute'";
    system.database().sql(old).await.unwrap();
    sleep(Duration::from_secs(12)).await;
    assert_eq!(count(&system, "route_requests WHERE publications = 1").await, 3);
    system.nats().wipe().await.unwrap();
    until("what is lost is published again", async || {
        count(&system, "route_requests WHERE publications > 1").await == 3
    })
    .await;
}
