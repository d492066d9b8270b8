use std::time::Duration;

use domain::{Allowance, RateLimit};
use store::{RateLimiter, Redis};
use tokio::task::JoinSet;

use crate::soon;

/// So few that a test is over before the next one is earned.
const LIMIT: RateLimit = RateLimit::per_minute(5);
const INTERVAL: Duration = Duration::from_secs(12);

/// Two replicas on one Redis.
fn two_limiters(url: &str) -> [RateLimiter; 2] {
    [(), ()].map(|()| RateLimiter::new(Redis::new(url).unwrap()))
}

fn tells_to_wait(answer: Allowance) -> bool {
    let waits = answer.retry_after > INTERVAL / 2 && answer.retry_after <= INTERVAL;
    !answer.allowed && answer.remaining == 0 && waits && answer.reset_after > INTERVAL * 4
}

#[tokio::test]
async fn two_replicas_count_together() {
    let server = testbed::Redis::start_open().await.unwrap();
    let limiters = two_limiters(&server.url());
    for (n, remaining) in [4, 3, 2, 1, 0].into_iter().enumerate() {
        let answer = limiters[n % 2].knock("ann", LIMIT).await;
        assert_eq!((answer.allowed, answer.remaining), (true, remaining));
    }
    for limiter in &limiters {
        let answer = limiter.knock("ann", LIMIT).await;
        assert!(tells_to_wait(answer), "{answer:?}");
        assert!(limiter.knock("bob", LIMIT).await.allowed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_is_exact_however_many_knock_at_once() {
    let server = testbed::Redis::start_open().await.unwrap();
    let limiters = two_limiters(&server.url());
    // Numbers that do not divide a minute evenly are among them.
    for per_minute in [1, 5, 7] {
        let mut knocks = JoinSet::new();
        for n in 0..60 {
            let limiter = limiters[n % 2].clone();
            let caller = format!("caller {per_minute}");
            knocks.spawn(
                async move { limiter.knock(&caller, RateLimit::per_minute(per_minute)).await.allowed },
            );
        }
        let allowed = knocks.join_all().await.into_iter().filter(|allowed| *allowed).count();
        assert_eq!(allowed, per_minute as usize);
    }
}

#[tokio::test]
async fn what_was_refused_does_not_count() {
    let server = testbed::Redis::start_open().await.unwrap();
    let limiter = RateLimiter::new(Redis::new(&server.url()).unwrap());
    // One every tenth of a second.
    let limit = RateLimit::per_minute(600);
    let mut knocks = 0;
    while limiter.knock("ann", limit).await.allowed {
        knocks += 1;
    }
    assert!(knocks >= 600);
    // Knocking on and on does not put off the moment of the next one.
    soon("the next one is let in", async || limiter.knock("ann", limit).await.allowed).await;
}

#[tokio::test]
async fn without_redis_each_replica_counts_on_its_own_and_exactly() {
    let nowhere = format!("redis://127.0.0.1:{}", testbed::free_port().unwrap());
    for limiter in two_limiters(&nowhere) {
        for remaining in [4, 3, 2, 1, 0] {
            let answer = limiter.knock("ann", LIMIT).await;
            assert_eq!((answer.allowed, answer.remaining), (true, remaining));
        }
        let answer = limiter.knock("ann", LIMIT).await;
        assert!(tells_to_wait(answer), "{answer:?}");
        assert!(limiter.knock("bob", LIMIT).await.allowed);
    }
}

#[tokio::test]
async fn when_redis_is_back_replicas_count_together_again() {
    let server = testbed::Redis::start_open().await.unwrap();
    let limiters = two_limiters(&server.url());
    server.kill_9();
    for limiter in &limiters {
        assert!(limiter.knock("ann", LIMIT).await.allowed);
    }
    server.start_again().await.unwrap();
    // A caller that one replica has seen at the limit is refused by the other one.
    let mut rounds = 0;
    let together = async || {
        rounds += 1;
        let caller = format!("caller {rounds}");
        for _ in 0..5 {
            limiters[0].knock(&caller, LIMIT).await;
        }
        !limiters[1].knock(&caller, LIMIT).await.allowed
    };
    soon("counting together", together).await;
}

#[tokio::test]
async fn a_debt_in_redis_goes_away_by_itself() {
    let server = testbed::Redis::start_open().await.unwrap();
    let limiter = RateLimiter::new(Redis::new(&server.url()).unwrap());
    // Held for as long as it matters: one interval of a tenth of a second.
    assert!(limiter.knock("ann", RateLimit::per_minute(600)).await.allowed);
    let mut connection = deadpool_redis::redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let mut held = || deadpool_redis::redis::cmd("DBSIZE").query::<i64>(&mut connection).unwrap();
    soon("it is forgotten", async || held() == 0).await;
}
