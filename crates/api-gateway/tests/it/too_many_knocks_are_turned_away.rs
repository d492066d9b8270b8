use std::time::{Duration, Instant};
use testbed::{Answer, Options, Role, StatusCode, Walker};

use crate::{raw::Raw, town::Town, wrongs};

/// Knocks until one is turned away; how many were let in, and the one that was not.
async fn until_refused(walkers: &[&Walker]) -> (usize, Answer) {
    for knock in 0..200 {
        // A public answer does not tell the allowance: a cache may keep it for others.
        let answer = walkers[knock % walkers.len()].get("/api/v1/users/me").await.unwrap();
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            return (knock, answer);
        }
        let left = answer.header("ratelimit");
        assert!(left.starts_with('"') && left.contains(";r=") && left.contains(";t="), "{left:?}");
    }
    panic!("nobody was turned away");
}

fn assert_refused(answer: &Answer, policy: &str, per_minute: u32) {
    wrongs::assert_problem(answer, 429);
    assert_eq!(answer.json()["type"], "urn:wildside:problem:rate-limited");
    assert_eq!(answer.header("ratelimit-policy"), format!("\"{policy}\";q={per_minute};w=60"));
    assert!(
        answer.header("ratelimit").starts_with(&format!("\"{policy}\";r=0;t=")),
        "{}",
        answer.header("ratelimit")
    );
}

fn limits(session: u32, address: u32) -> Options {
    let setting = |name, limit: u32| (Role::Gateway, name, limit.to_string());
    let env = vec![
        setting("RATE_LIMIT_SESSION_PER_MINUTE", session),
        setting("RATE_LIMIT_ADDRESS_PER_MINUTE", address),
    ];
    Options { gateways: 2, workers: 0, notifiers: 1, env, ..Options::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_may_knock_so_often_at_all_gateways_together_and_is_told_when_to_come_again() {
    let town = Town::start(limits(20, 1_000_000)).await;
    let (walker, other) = (town.walker().await, town.walker().await);
    let elsewhere = walker.clone().at(&town.system.gateway(1).unwrap().base_url().unwrap(), "");
    let started = Instant::now();
    let (knocks, refused) = until_refused(&[&walker, &elsewhere]).await;
    // One more is earned every three seconds.
    let earned = started.elapsed().as_secs() as usize / 3 + 1;
    assert!((20..=20 + earned).contains(&knocks), "{knocks} knocks were let in");
    assert_refused(&refused, "session", 20);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=3).contains(&wait), "{wait}");

    // Nothing gets through on the other side, whatever it is, and nobody else has to wait.
    let wish = elsewhere.send(testbed::Method::POST, "/api/v1/routes", Some(&town.wish(1))).await.unwrap();
    assert_refused(&wish, "session", 20);
    assert_eq!(town.sql("SELECT count(*) FROM route_requests").await, "0");
    assert_eq!(other.get("/api/v1/users/me").await.unwrap().status, StatusCode::OK);
    // The promise holds.
    tokio::time::sleep(Duration::from_secs(wait)).await;
    assert_eq!(walker.get("/api/v1/users/me").await.unwrap().status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_may_knock_so_often_whoever_it_says_it_is() {
    let town = Town::start(limits(1_000_000, 30)).await;
    let stranger = town.stranger();
    let (knocks, refused) = until_refused(&[&stranger]).await;
    // One was spent when the town was looked at.
    assert!(knocks >= 28, "{knocks}");
    assert_refused(&refused, "address", 30);
    // Nobody believes what a caller writes into the header by themselves.
    let raw = Raw::get("/api/v1/interest-themes").header("X-Forwarded-For", "203.0.113.7");
    assert_refused(&raw.send(&town.gateway).await.unwrap(), "address", 30);
    // Neither a page that is not there nor a new session is a way around.
    wrongs::assert_problem(&stranger.get("/nothing").await.unwrap(), 429);
    let new = stranger.send(testbed::Method::POST, "/api/v1/users", None).await.unwrap();
    wrongs::assert_problem(&new, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_each_gateway_counts_for_itself() {
    let town = Town::start(limits(20, 1_000_000)).await;
    let walker = town.walker().await;
    let elsewhere = walker.clone().at(&town.system.gateway(1).unwrap().base_url().unwrap(), "");
    town.system.redis().kill_9();
    let (here, refused) = until_refused(&[&walker]).await;
    assert!((20..=25).contains(&here), "{here}");
    assert_refused(&refused, "session", 20);
    let (there, refused) = until_refused(&[&elsewhere]).await;
    assert!((20..=25).contains(&there), "{there}");
    assert_refused(&refused, "session", 20);
}
