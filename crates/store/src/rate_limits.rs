//! How often somebody may ask, counted in Redis, so that all replicas count together; while Redis is away each replica
//! counts on its own. The arithmetic is `domain`'s; the script does the same in Redis.

use std::{
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Instant,
};

use deadpool_redis::redis::Script;
use domain::{Allowance, Meters, RateLimit};

use crate::Redis;

/// Counts requests.
#[derive(Clone, Debug)]
pub struct RateLimiter {
    redis: Redis,
    local: Arc<Mutex<Meters<String>>>,
}

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("rate_limits.lua")));

/// Callers that are counted locally: some MiB.
const MAX_LOCAL_CALLERS: usize = 50_000;

impl RateLimiter {
    /// A limiter that counts in this Redis.
    pub fn new(redis: Redis) -> Self {
        Self { redis, local: Arc::new(Mutex::new(Meters::new(MAX_LOCAL_CALLERS, Instant::now()))) }
    }

    /// Counts one request of `caller`.
    pub async fn knock(&self, caller: &str, limit: RateLimit) -> Allowance {
        let script = async |mut connection: deadpool_redis::Connection| {
            SCRIPT
                .key(format!("rate:{caller}"))
                .arg(limit.interval_us())
                .arg(limit.window_us())
                .invoke_async::<(bool, i64)>(&mut connection)
                .await
        };
        match self.redis.call(script).await {
            Ok((allowed, ahead_us)) => limit.allowance(allowed, ahead_us),
            Err(_) => {
                let mut local = self.local.lock().unwrap_or_else(PoisonError::into_inner);
                local.take(&caller.to_owned(), limit, Instant::now())
            }
        }
    }
}
