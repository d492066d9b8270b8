//! How often somebody may knock. Held in Redis, so that all replicas count together; while Redis is away each replica
//! counts on its own.
//!
//! The generic cell rate algorithm (ITU-T I.371): each knock moves the caller's theoretical arrival time on by one
//! interval, and a caller who is ahead of now by more than the burst has to wait. One number a caller, no windows whose
//! edges could be gamed.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use deadpool_redis::redis::Script;

use crate::Redis;

/// So many knocks a minute; the whole minute's worth may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Knocks a minute.
    pub per_minute: u32,
}

/// The answer to a knock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The knock is let in.
    pub allowed: bool,
    /// Knocks that would be let in right now.
    pub remaining: u32,
    /// Time until the next knock is let in; zero where `remaining` is not.
    pub retry_after: Duration,
    /// Time until the whole allowance is there again.
    pub reset_after: Duration,
}

impl RateLimit {
    fn interval_us(self) -> i64 {
        60_000_000 / i64::from(self.per_minute.max(1))
    }

    /// Decides a knock at `now` from the arrival time that the caller had earned before, both in microseconds.
    /// Returns the answer and the new arrival time. The script in `rate_limits.lua` does the same in Redis.
    fn decide(self, earned_us: i64, now_us: i64) -> (Allowance, i64) {
        let next = earned_us.max(now_us) + self.interval_us();
        let allowed = next - now_us <= 60_000_000;
        let held = if allowed { next } else { earned_us };
        (self.allowance(allowed, held - now_us), held)
    }

    fn allowance(self, allowed: bool, ahead_us: i64) -> Allowance {
        let room = 60_000_000 - ahead_us;
        let wait = (self.interval_us() - room).max(0);
        Allowance {
            allowed,
            remaining: (room / self.interval_us()).max(0) as u32,
            retry_after: Duration::from_micros(wait as u64),
            reset_after: Duration::from_micros(ahead_us.max(0) as u64),
        }
    }
}

/// Counts knocks.
#[derive(Clone, Debug)]
pub struct RateLimiter {
    redis: Redis,
    local: Arc<Mutex<HashMap<String, i64>>>,
}

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("rate_limits.lua")));

/// So many callers are counted locally before those without a debt are forgotten.
const LOCAL_CALLERS: usize = 10_000;

impl RateLimiter {
    /// A limiter that counts in this Redis.
    pub fn new(redis: Redis) -> Self {
        Self { redis, local: Arc::default() }
    }

    /// Counts one knock of `caller`.
    pub async fn knock(&self, caller: &str, limit: RateLimit) -> Allowance {
        let script = async |mut connection: deadpool_redis::Connection| {
            SCRIPT
                .key(format!("rate:{caller}"))
                .arg(limit.interval_us())
                .invoke_async::<(bool, i64)>(&mut connection)
                .await
        };
        match self.redis.call(script).await {
            Ok((allowed, ahead_us)) => limit.allowance(allowed, ahead_us),
            Err(_) => self.knock_locally(caller, limit),
        }
    }

    fn knock_locally(&self, caller: &str, limit: RateLimit) -> Allowance {
        let now_us = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as i64;
        let mut callers = self.local.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if callers.len() >= LOCAL_CALLERS {
            callers.retain(|_, earned| *earned > now_us);
        }
        let earned = callers.get(caller).copied().unwrap_or(0);
        let (allowance, held) = limit.decide(earned, now_us);
        callers.insert(caller.to_owned(), held);
        allowance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minutes_worth_may_come_at_once_and_then_one_an_interval() {
        let limit = RateLimit { per_minute: 3 };
        let (mut earned, now) = (0, 1_000_000_000);
        for remaining in [2, 1, 0] {
            let (answer, held) = limit.decide(earned, now);
            assert!(answer.allowed);
            assert_eq!(answer.remaining, remaining);
            earned = held;
        }
        let (answer, held) = limit.decide(earned, now);
        assert_eq!((answer.allowed, answer.retry_after), (false, Duration::from_secs(20)));
        let (answer, _) = limit.decide(held, now + 20_000_000);
        assert!(answer.allowed);
    }
}
