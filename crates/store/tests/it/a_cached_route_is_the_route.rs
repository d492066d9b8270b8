use deadpool_redis::redis::{self, Client, FromRedisValue};
use domain::PoiId;
use store::Redis;

use crate::{
    soon,
    stage::{at, route},
};

const DAY_S: i64 = 24 * 60 * 60;
const KEY: &str = "route:1:abc";

/// A word with Redis behind the store's back.
fn ask<T: FromRedisValue>(server: &testbed::Redis, words: &[&str]) -> T {
    let mut connection = Client::open(server.url()).unwrap().get_connection().unwrap();
    let mut command = redis::cmd(words[0]);
    for word in &words[1..] {
        command.arg(word);
    }
    command.query(&mut connection).unwrap()
}

fn is_about_a_day(seconds: i64) -> bool {
    // A few seconds may pass between writing and asking.
    (DAY_S * 9 / 10 - 5..=DAY_S * 11 / 10).contains(&seconds)
}

#[tokio::test]
async fn a_route_comes_back_from_the_cache_as_it_was() {
    let server = testbed::Redis::start().await.unwrap();
    let redis = Redis::new(&server.url()).unwrap();
    assert_eq!(redis.cached_route(KEY).await, None);
    let mut walk = route(&[PoiId(4), PoiId(9)]);
    walk.path
        .coordinates
        .extend((1..2_000).map(|n| at((f64::from(n)).sin() * 180.0, f64::from(n).cos() * 90.0)));
    redis.cache_route(KEY, &walk).await;
    assert_eq!(redis.cached_route(KEY).await, Some(walk));
    assert_eq!(redis.cached_route("route:1:other").await, None);
}

#[tokio::test]
async fn a_cached_route_stays_for_a_day_and_not_all_expire_at_once() {
    let server = testbed::Redis::start().await.unwrap();
    let redis = Redis::new(&server.url()).unwrap();
    let mut expiries = Vec::new();
    for n in 0..20 {
        let key = format!("route:1:{n}");
        redis.cache_route(&key, &route(&[])).await;
        expiries.push(ask::<i64>(&server, &["TTL", &key]));
    }
    assert!(expiries.iter().all(|seconds| is_about_a_day(*seconds)), "{expiries:?}");
    assert!(expiries.iter().max().unwrap() - expiries.iter().min().unwrap() > DAY_S / 20, "{expiries:?}");
}

#[tokio::test]
async fn a_pinned_route_stays_for_ever_and_an_unpinned_one_for_a_day() {
    let server = testbed::Redis::start().await.unwrap();
    let redis = Redis::new(&server.url()).unwrap();
    redis.cache_route(KEY, &route(&[])).await;
    redis.pin_route(KEY, true).await;
    assert_eq!(ask::<i64>(&server, &["TTL", KEY]), -1);
    redis.pin_route(KEY, false).await;
    assert!(is_about_a_day(ask(&server, &["TTL", KEY])));
    // Pinning what is not cached makes nothing.
    redis.pin_route("route:1:other", true).await;
    redis.pin_route("route:1:other", false).await;
    assert_eq!(ask::<i64>(&server, &["DBSIZE"]), 1);
}

#[tokio::test]
async fn garbage_in_the_cache_is_a_miss_and_is_written_over() {
    let server = testbed::Redis::start().await.unwrap();
    let redis = Redis::new(&server.url()).unwrap();
    for garbage in ["", "{", "null", "[]", "{\"path\":{}}", "\u{0}\u{1}"] {
        ask::<()>(&server, &["SET", KEY, garbage]);
        assert_eq!(redis.cached_route(KEY).await, None, "{garbage:?}");
    }
    // The neighbours are not made to pay for it.
    redis.cache_route(KEY, &route(&[])).await;
    assert_eq!(redis.cached_route(KEY).await, Some(route(&[])));
}

#[tokio::test]
async fn a_value_of_another_kind_is_a_miss() {
    let server = testbed::Redis::start().await.unwrap();
    let redis = Redis::new(&server.url()).unwrap();
    ask::<()>(&server, &["RPUSH", KEY, "walk"]);
    assert_eq!(redis.cached_route(KEY).await, None);
    let written = async || {
        redis.cache_route(KEY, &route(&[])).await;
        redis.cached_route(KEY).await.is_some()
    };
    soon("writing over it", written).await;
}
