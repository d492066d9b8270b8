//! Routes that were generated before, in Redis. A miss, a value of another version and an absent Redis look alike.
//!
//! Every route expires, also one that a walker has saved: what is saved is kept in PostgreSQL, and a cache without expiry
//! only fills. All routes together have a bound of their own, which the scripts keep exactly; those that would expire
//! first go first.

mod value;

use std::{sync::LazyLock, time::Duration};

use deadpool_redis::{
    Connection,
    redis::{self, AsyncCommands, RedisError, Script, ScriptInvocation},
};
use domain::{Route, RouteRequest};
use sha2::{Digest, Sha256};

use crate::Redis;

/// How long a route stays, before jitter.
const TTL: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a route stays that was made with too few places: more of them are being looked for.
const SPARSE_TTL: Duration = Duration::from_secs(60 * 60);
/// How long a route stays that somebody has saved, counted from the last time it was saved or made.
const SAVED_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The digit counts the versions of the stored form.
const PREFIX: &str = "route:2:";
/// The account of all routes: see `index.lua`.
const ACCOUNT: [&str; 2] = ["route:2:expiries", "route:2:sizes"];
/// What Redis needs for a route beside its key and value: its own entry and those in the account.
const OVERHEAD_BYTES: usize = 800;
/// Keys in one call.
const BATCH: usize = 500;

static PUT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(include_str!("route_cache/index.lua"), include_str!("route_cache/put.lua")))
});
static EXPIRE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(include_str!("route_cache/index.lua"), include_str!("route_cache/expire.lua")))
});
static DELETE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(include_str!("route_cache/index.lua"), include_str!("route_cache/delete.lua")))
});

/// The name of a request's route in the cache: requests that mean the same, on the same data, share it.
pub fn cache_key(request: &RouteRequest, data_version: i64) -> String {
    let digest = Sha256::digest(format!("{};data={data_version}", request.canonical()));
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{PREFIX}{hex}")
}

/// 24 hours, give or take a tenth, so that what was made in one busy hour does not expire in one. The key decides, for
/// it is as good as random.
fn ttl_of(key: &str) -> Duration {
    let share = u32::from(Sha256::digest(key)[0]);
    TTL * 9 / 10 + TTL / 5 * share / 255
}

/// A script with the account as its first keys.
fn with_account(script: &'static Script) -> ScriptInvocation<'static> {
    let mut invocation = script.prepare_invoke();
    for key in ACCOUNT {
        invocation.key(key);
    }
    invocation
}

impl Redis {
    /// The route under a key, if it is known.
    pub async fn cached_route(&self, key: &str) -> Option<Route> {
        let bytes: Option<Vec<u8>> =
            self.call(async |mut connection| connection.get(key).await).await.ok()?;
        value::read(&bytes?).inspect_err(|error| tracing::warn!(%error, key, "unreadable cached route")).ok()
    }

    /// Remembers a route for a day, one with sparse themes for an hour. All routes together take at most `bound_bytes`.
    /// What has happened to its request meanwhile has to be asked afterwards: see `cached_for`.
    pub async fn cache_route(&self, key: &str, route: &Route, bound_bytes: u64) {
        if !key.starts_with(PREFIX) {
            return;
        }
        let ttl = if route.sparse_themes.is_empty() { ttl_of(key) } else { SPARSE_TTL };
        let Ok(value) = value::written(route) else { return };
        let mut put = with_account(&PUT);
        put.key(key).arg(value).arg(ttl.as_millis() as u64).arg(bound_bytes).arg(OVERHEAD_BYTES);
        // Without the cache the next walker waits a moment longer; the failure is logged where it happened.
        self.call(async |mut connection: Connection| put.invoke_async::<()>(&mut connection).await)
            .await
            .ok();
    }

    /// Lets a cached route stay longer because somebody has saved it, or no longer than others.
    pub async fn keep_route(&self, key: &str, saved: bool) {
        let ttl = if saved { SAVED_TTL } else { ttl_of(key) };
        let mut expire = with_account(&EXPIRE);
        expire.key(key).arg(ttl.as_millis() as u64);
        self.call(async |mut connection: Connection| expire.invoke_async::<()>(&mut connection).await)
            .await
            .ok();
    }

    /// Removes cached routes.
    pub async fn forget_routes(&self, keys: &[String]) {
        for keys in keys.chunks(BATCH) {
            let mut delete = with_account(&DELETE);
            for key in keys {
                delete.key(key);
            }
            self.call(async |mut connection: Connection| delete.invoke_async::<()>(&mut connection).await)
                .await
                .ok();
        }
    }

    /// Gives an expiry to routes of an earlier release, which kept those of saved routes for ever. Looks through all
    /// keys, some at a time. Returns how many were without expiry.
    pub async fn expire_leftover_routes(&self) -> u64 {
        let (mut cursor, mut changed) = (0, 0);
        loop {
            let step = self.call(async |connection: Connection| expire_step(connection, cursor).await).await;
            let Ok((next, found)) = step else { return changed };
            (cursor, changed) = (next, changed + found);
            if cursor == 0 {
                return changed;
            }
        }
    }
}

/// One step through all keys, in three round trips: where the next one begins, and how many had no expiry.
async fn expire_step(mut connection: Connection, cursor: u64) -> Result<(u64, u64), RedisError> {
    let mut scan = redis::cmd("SCAN");
    scan.arg(cursor).arg("MATCH").arg("route:*").arg("COUNT").arg(BATCH);
    let (next, keys): (u64, Vec<String>) = scan.query_async(&mut connection).await?;
    if keys.is_empty() {
        return Ok((next, 0));
    }
    let mut ask = redis::pipe();
    for key in &keys {
        ask.ttl(key);
    }
    let ttls: Vec<i64> = ask.query_async(&mut connection).await?;
    let mut expire = redis::pipe();
    let mut found = 0;
    for (key, _) in keys.iter().zip(ttls).filter(|(_, ttl)| *ttl == -1) {
        expire.expire(key, ttl_of(key).as_secs() as i64);
        found += 1;
    }
    if found > 0 {
        expire.query_async::<()>(&mut connection).await?;
    }
    Ok((next, found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_key_follows_the_wish_and_the_data() {
        let wish = |minutes: u16| {
            RouteRequest::parse(&json!({
                "start_location": {"type": "Point", "coordinates": [24.94, 60.17]},
                "duration_minutes": minutes,
                "interest_theme_ids": ["f47ac10b-58cc-4372-a567-0e02b2c3d479"]
            }))
            .unwrap()
        };
        assert_eq!(cache_key(&wish(60), 1), cache_key(&wish(60), 1));
        assert_ne!(cache_key(&wish(60), 1), cache_key(&wish(61), 1));
        assert_ne!(cache_key(&wish(60), 1), cache_key(&wish(60), 2));
    }

    #[test]
    fn expiry_is_a_day_with_jitter() {
        let expiries: Vec<Duration> = (0..200).map(|n| ttl_of(&format!("route:2:{n}"))).collect();
        assert!(expiries.iter().all(|ttl| (TTL * 9 / 10..=TTL * 11 / 10).contains(ttl)));
        assert!(expiries.iter().max() > expiries.iter().min());
    }
}
