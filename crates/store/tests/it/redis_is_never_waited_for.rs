use std::{
    future::Future,
    time::{Duration, Instant},
};

use domain::RateLimit;
use store::{RateLimiter, Redis};

use crate::{soon, stage::route};

const KEY: &str = "route:1:abc";
/// What a caller waits at most: a quarter of a second, and something for a busy machine, but less than two tries take.
const PATIENCE: Duration = Duration::from_millis(490);
/// What calls cost that do not even try: less than one that does.
const NOTHING: Duration = Duration::from_millis(150);

async fn timed<T>(call: impl Future<Output = T>) -> (T, Duration) {
    let started = Instant::now();
    (call.await, started.elapsed())
}

/// Redis has just gone: the first call finds out within its patience, the next ones do not even try.
async fn is_not_waited_for(redis: &Redis) {
    let (found, took) = timed(redis.cached_route(KEY)).await;
    assert!(found.is_none() && took < PATIENCE, "{took:?}");
    let ((), took) = timed(async {
        for _ in 0..50 {
            assert_eq!(redis.cached_route(KEY).await, None);
            redis.cache_route(KEY, &route(&[])).await;
            redis.pin_route(KEY, true).await;
        }
    })
    .await;
    assert!(took < NOTHING, "{took:?}");
    let (ready, took) = timed(redis.ready()).await;
    assert!(ready.unwrap_err().starts_with("Redis: ") && took < PATIENCE, "{took:?}");
}

#[tokio::test]
async fn a_redis_that_was_never_there_costs_next_to_nothing() {
    let nowhere = format!("redis://127.0.0.1:{}", testbed::free_port().unwrap());
    is_not_waited_for(&Redis::new(&nowhere).unwrap()).await;
}

#[tokio::test]
async fn a_paused_redis_is_given_up_and_comes_back_by_itself() {
    let server = testbed::Redis::start().await.unwrap();
    let redis = Redis::new(&server.url()).unwrap();
    redis.cache_route(KEY, &route(&[])).await;
    assert!(redis.cached_route(KEY).await.is_some());
    server.pause();
    is_not_waited_for(&redis).await;
    server.resume();
    soon("the cached route is found again", async || redis.cached_route(KEY).await.is_some()).await;
    assert_eq!(redis.ready().await, Ok(()));
}

#[tokio::test]
async fn a_killed_redis_is_given_up_and_comes_back_by_itself() {
    let server = testbed::Redis::start().await.unwrap();
    let redis = Redis::new(&server.url()).unwrap();
    redis.cache_route(KEY, &route(&[])).await;
    assert!(redis.cached_route(KEY).await.is_some());
    server.kill_9();
    is_not_waited_for(&redis).await;
    server.start_again().await.unwrap();
    let works = async || {
        redis.cache_route(KEY, &route(&[])).await;
        redis.cached_route(KEY).await.is_some()
    };
    soon("routes are cached again", works).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_at_once_wait_no_longer_than_one() {
    let server = testbed::Redis::start().await.unwrap();
    let redis = Redis::new(&server.url()).unwrap();
    redis.cache_route(KEY, &route(&[])).await;
    server.pause();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let redis = redis.clone();
        callers.spawn(async move { timed(redis.cached_route(KEY)).await.1 });
    }
    let longest = callers.join_all().await.into_iter().max().unwrap();
    assert!(longest < PATIENCE, "{longest:?}");
}

#[tokio::test]
async fn knocks_are_answered_while_redis_is_paused() {
    let server = testbed::Redis::start().await.unwrap();
    let limiter = RateLimiter::new(Redis::new(&server.url()).unwrap());
    let limit = RateLimit::per_minute(5);
    assert!(limiter.knock("ann", limit).await.allowed);
    server.pause();
    let (answer, took) = timed(limiter.knock("ann", limit)).await;
    assert!(answer.allowed && took < PATIENCE, "{took:?}");
    let (answer, took) = timed(limiter.knock("ann", limit)).await;
    assert!(answer.allowed && took < NOTHING, "{took:?}");
}
