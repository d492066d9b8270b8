use deadpool_redis::redis::{self, Client, FromRedisValue};
use domain::PoiId;
use store::Redis;

use crate::{
    soon,
    stage::{at, route},
};

const DAY_S: i64 = 24 * 60 * 60;
const KEY: &str = "route:2:abc";
const BOUND: u64 = 64 * 1024 * 1024;

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
    let server = testbed::Redis::start_open().await.unwrap();
    let redis = Redis::new(&server.url()).unwrap();
    assert_eq!(redis.cached_route(KEY).await, None);
    let mut walk = route(&[PoiId(4), PoiId(9)]);
    walk.path
        .coordinates
        .extend((1..2_000).map(|n| at((f64::from(n)).sin() * 180.0, f64::from(n).cos() * 90.0)));
    redis.cache_route(KEY, &walk, BOUND).await;
    assert_eq!(redis.cached_route(KEY).await, Some(walk));
    assert_eq!(redis.cached_route("route:2:other").await, None);
}

#[tokio::test]
async fn a_cached_route_stays_for_a_day_and_not_all_expire_at_once() {
    let server = testbed::Redis::start_open().await.unwrap();
    let redis = Redis::new(&server.url()).unwrap();
    let mut expiries = Vec::new();
    for n in 0..20 {
        let key = format!("route:2:{n}");
        redis.cache_route(&key, &route(&[]), BOUND).await;
        expiries.push(ask::<i64>(&server, &["TTL", &key]));
    }
    assert!(expiries.iter().all(|seconds| is_about_a_day(*seconds)), "{expiries:?}");
    assert!(expiries.iter().max().unwrap() - expiries.iter().min().unwrap() > DAY_S / 20, "{expiries:?}");
}

#[tokio::test]
async fn a_saved_route_stays_for_a_month_and_another_one_for_a_day() {
    let server = testbed::Redis::start_open().await.unwrap();
    let redis = Redis::new(&server.url()).unwrap();
    redis.cache_route(KEY, &route(&[]), BOUND).await;
    redis.keep_route(KEY, true).await;
    let ttl: i64 = ask(&server, &["TTL", KEY]);
    assert!((30 * DAY_S - 5..=30 * DAY_S).contains(&ttl), "{ttl}");
    assert_everything_expires(&server);
    redis.keep_route(KEY, false).await;
    assert!(is_about_a_day(ask(&server, &["TTL", KEY])));
    // Keeping what is not cached makes nothing.
    let before: i64 = ask(&server, &["DBSIZE"]);
    redis.keep_route("route:2:other", true).await;
    assert_eq!((ask::<i64>(&server, &["DBSIZE"]), account(&server)), (before, (1, bytes_of(&server))));
}

/// Every key has an expiry.
fn assert_everything_expires(server: &testbed::Redis) {
    let keys: Vec<String> = ask(server, &["KEYS", "*"]);
    assert!(!keys.is_empty());
    for key in keys {
        let ttl: i64 = ask(server, &["TTL", &key]);
        assert!(ttl > 0, "{key} has a TTL of {ttl}");
    }
}

/// Routes and bytes, as the cache's own account has them.
fn account(server: &testbed::Redis) -> (i64, i64) {
    let total: Option<i64> = ask(server, &["HGET", "route:2:sizes", "total"]);
    (ask(server, &["ZCARD", "route:2:expiries"]), total.unwrap_or(0))
}

/// Bytes of the routes that are there, counted one by one.
fn bytes_of(server: &testbed::Redis) -> i64 {
    let keys: Vec<String> = ask(server, &["KEYS", "route:2:*"]);
    let routes = keys.iter().filter(|key| ask::<String>(server, &["TYPE", key]) == "string");
    routes.map(|key| ask::<i64>(server, &["STRLEN", key]) + key.len() as i64 + 800).sum()
}

#[tokio::test]
async fn all_routes_together_stay_within_their_bound_and_the_account_is_exact() {
    let server = testbed::Redis::start_open().await.unwrap();
    let redis = Redis::new(&server.url()).unwrap();
    let mut walk = route(&[PoiId(4), PoiId(9)]);
    let bound = 20_000;
    for n in 0..200_u32 {
        // Walks of different lengths; each twice, as two workers would write it.
        walk.path
            .coordinates
            .extend((0..n % 7).map(|step| at(f64::from(n * 7 + step).sin(), f64::from(step).cos())));
        for _ in 0..2 {
            redis.cache_route(&format!("route:2:{n}"), &walk, bound).await;
        }
        let (routes, bytes) = account(&server);
        assert!(routes > 0 && bytes <= bound as i64, "{routes} routes, {bytes} bytes");
        assert_eq!(bytes, bytes_of(&server));
    }
    assert!(account(&server).0 < 100);
    assert_everything_expires(&server);
    // What expires by itself, or is deleted, is taken off the account.
    let last: Vec<String> = ask(&server, &["ZRANGE", "route:2:expiries", "0", "-1"]);
    let (expiring, deleted) = (&last[..last.len() / 2], &last[last.len() / 2..]);
    for key in expiring {
        ask::<()>(&server, &["PEXPIRE", key, "1"]);
        ask::<()>(&server, &["ZADD", "route:2:expiries", "1", key]);
    }
    redis.forget_routes(&deleted[1..]).await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    redis.cache_route(KEY, &route(&[]), bound).await;
    assert_eq!(account(&server), (2, bytes_of(&server)));
    // One that is larger than all of the cache does no harm.
    walk.path
        .coordinates
        .extend((0..9_000).map(|n| at(f64::from(n).sin() * 180.0, f64::from(n).cos() * 90.0)));
    redis.cache_route("route:2:large", &walk, bound).await;
    assert_eq!((redis.cached_route("route:2:large").await, account(&server).0), (None, 2));
    // Half of an account is none: what it does not know of is still bounded by its expiry.
    ask::<()>(&server, &["DEL", "route:2:sizes"]);
    redis.cache_route("route:2:new", &route(&[]), bound).await;
    assert_eq!(account(&server).0, 1);
    assert!(redis.cached_route(KEY).await.is_some());
    assert_everything_expires(&server);
}

#[tokio::test]
async fn what_an_earlier_release_kept_for_ever_gets_an_expiry() {
    let server = testbed::Redis::start_open().await.unwrap();
    let redis = Redis::new(&server.url()).unwrap();
    for n in 0..1_200 {
        ask::<()>(&server, &["SET", &format!("route:1:{n}"), "{}"]);
    }
    ask::<()>(&server, &["SET", "somebody:elses", "{}"]);
    redis.cache_route(KEY, &route(&[]), BOUND).await;
    let ttl: i64 = ask(&server, &["TTL", KEY]);
    assert_eq!(redis.expire_leftover_routes().await, 1_200);
    assert_eq!(redis.expire_leftover_routes().await, 0);
    assert!(is_about_a_day(ask(&server, &["TTL", "route:1:77"])));
    assert!((ttl - 5..=ttl).contains(&ask(&server, &["TTL", KEY])));
    assert_eq!(ask::<i64>(&server, &["TTL", "somebody:elses"]), -1);
    // What is written under a name of that release would not be understood there.
    redis.cache_route("route:1:new", &route(&[]), BOUND).await;
    assert_eq!(ask::<i64>(&server, &["EXISTS", "route:1:new"]), 0);
}

#[tokio::test]
async fn garbage_in_the_cache_is_a_miss_and_is_written_over() {
    let server = testbed::Redis::start_open().await.unwrap();
    let redis = Redis::new(&server.url()).unwrap();
    for garbage in ["", "{", "null", "[]", "{\"path\":{}}", "\u{0}\u{1}"] {
        ask::<()>(&server, &["SET", KEY, garbage]);
        assert_eq!(redis.cached_route(KEY).await, None, "{garbage:?}");
    }
    // The neighbours are not made to pay for it.
    redis.cache_route(KEY, &route(&[]), BOUND).await;
    assert_eq!(redis.cached_route(KEY).await, Some(route(&[])));
}

#[tokio::test]
async fn a_value_of_another_kind_is_a_miss() {
    let server = testbed::Redis::start_open().await.unwrap();
    let redis = Redis::new(&server.url()).unwrap();
    ask::<()>(&server, &["RPUSH", KEY, "walk"]);
    assert_eq!(redis.cached_route(KEY).await, None);
    let written = async || {
        redis.cache_route(KEY, &route(&[]), BOUND).await;
        redis.cached_route(KEY).await.is_some()
    };
    soon("writing over it", written).await;
}
