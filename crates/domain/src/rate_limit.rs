//! How often somebody may do something: the generic cell rate algorithm (ITU-T I.371).
//!
//! Each request moves its caller's theoretical arrival time on by one interval, and a caller who is further ahead of now
//! than the burst has to wait. One number a caller, and no windows whose edges could be gamed. The arithmetic is here and
//! nowhere else, but for the script that does the same inside Redis (`store/src/rate_limits.lua`).

use std::{
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

const MINUTE_US: i64 = 60_000_000;

/// So many requests a minute, and so many of them at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests a minute.
    pub per_minute: u32,
    /// Requests that may come at once.
    pub burst: u32,
}

/// The answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The request is let in.
    pub allowed: bool,
    /// Requests that would be let in right now.
    pub remaining: u32,
    /// Time until the next request is let in; zero where `remaining` is not.
    pub retry_after: Duration,
    /// Time until the whole allowance is there again.
    pub reset_after: Duration,
}

impl RateLimit {
    /// So many requests a minute; the whole minute's worth may come at once.
    pub const fn per_minute(count: u32) -> Self {
        Self { per_minute: count, burst: count }
    }

    /// Microseconds that one request costs.
    pub fn interval_us(self) -> i64 {
        MINUTE_US / i64::from(self.per_minute.max(1))
    }

    /// Microseconds that a caller may be ahead of now.
    pub fn window_us(self) -> i64 {
        // A minute is not a multiple of every interval.
        if self.burst == self.per_minute { MINUTE_US } else { self.interval_us() * i64::from(self.burst) }
    }

    /// Decides a request at `now` from the arrival time that the caller had earned before, both in microseconds since
    /// the same moment. Returns the answer and the new arrival time.
    pub fn decide(self, earned_us: i64, now_us: i64) -> (Allowance, i64) {
        self.decide_many(1, earned_us, now_us)
    }

    /// Decides so many requests at once: all or none.
    fn decide_many(self, count: u32, earned_us: i64, now_us: i64) -> (Allowance, i64) {
        let next = earned_us.max(now_us) + self.interval_us() * i64::from(count);
        let allowed = next - now_us <= self.window_us();
        let held = if allowed { next } else { earned_us };
        (self.allowance(allowed, held - now_us), held)
    }

    /// The answer to a caller who is so many microseconds ahead of now.
    pub fn allowance(self, allowed: bool, ahead_us: i64) -> Allowance {
        let room = self.window_us() - ahead_us.max(0);
        let wait = (self.interval_us() - room).max(0);
        Allowance {
            allowed,
            remaining: (room / self.interval_us()).max(0) as u32,
            retry_after: Duration::from_micros(wait as u64),
            reset_after: Duration::from_micros(ahead_us.max(0) as u64),
        }
    }
}

/// Counts the requests of one caller.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    limit: RateLimit,
    start: Instant,
    earned_us: i64,
}

impl Meter {
    /// A caller who has asked for nothing yet.
    pub fn new(limit: RateLimit, now: Instant) -> Self {
        Self { limit, start: now, earned_us: 0 }
    }

    /// Counts one request.
    pub fn take(&mut self, now: Instant) -> Allowance {
        self.take_many(1, now)
    }

    /// Counts so many requests at once: all or none.
    pub fn take_many(&mut self, count: u32, now: Instant) -> Allowance {
        let (allowance, held) = self.limit.decide_many(count, self.earned_us, micros(self.start, now));
        self.earned_us = held;
        allowance
    }
}

/// Counts the requests of many callers, in bounded memory.
#[derive(Clone, Debug)]
pub struct Meters<K> {
    start: Instant,
    capacity: usize,
    /// Arrival times in microseconds after `start`.
    earned: HashMap<K, i64>,
}

impl<K: Eq + Hash + Clone> Meters<K> {
    /// Counts at most `capacity` callers.
    pub fn new(capacity: usize, now: Instant) -> Self {
        Self { start: now, capacity: capacity.max(2), earned: HashMap::new() }
    }

    /// Counts one request of `caller`.
    pub fn take(&mut self, caller: &K, limit: RateLimit, now: Instant) -> Allowance {
        let now_us = micros(self.start, now);
        let earned = self.earned.get(caller).copied();
        if earned.is_none() && self.earned.len() >= self.capacity {
            self.forget(now_us);
        }
        let (allowance, held) = limit.decide(earned.unwrap_or(0), now_us);
        self.earned.insert(caller.clone(), held);
        allowance
    }

    /// Forgets those without a debt; where that is not half of all, the half that owes least, which gains little by it.
    fn forget(&mut self, now_us: i64) {
        let mut debts: Vec<i64> = self.earned.values().copied().collect();
        let middle = debts.len() / 2;
        let (_, median, _) = debts.select_nth_unstable(middle);
        let enough = now_us.max(*median);
        self.earned.retain(|_, earned| *earned > enough);
    }
}

fn micros(start: Instant, now: Instant) -> i64 {
    i64::try_from(now.saturating_duration_since(start).as_micros()).unwrap_or(i64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minutes_worth_may_come_at_once_and_then_one_an_interval() {
        let limit = RateLimit::per_minute(3);
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

    #[test]
    fn a_burst_may_be_less_than_a_minutes_worth() {
        let start = Instant::now();
        let mut meter = Meter::new(RateLimit { per_minute: 600, burst: 5 }, start);
        let taken = (0..20).filter(|_| meter.take(start).allowed).count();
        assert_eq!(taken, 5);
        // A tenth of a second earns one more, a minute no more than the burst.
        let later = start + Duration::from_millis(100);
        assert!(meter.take(later).allowed && !meter.take(later).allowed);
        let later = start + Duration::from_secs(60);
        assert_eq!((0..20).filter(|_| meter.take(later).allowed).count(), 5);
    }

    #[test]
    fn callers_are_counted_apart() {
        let (start, limit) = (Instant::now(), RateLimit::per_minute(2));
        let mut meters = Meters::new(10, start);
        assert!(meters.take(&"ann", limit, start).allowed && meters.take(&"ann", limit, start).allowed);
        assert!(!meters.take(&"ann", limit, start).allowed);
        assert!(meters.take(&"bob", limit, start).allowed);
    }

    #[test]
    fn memory_is_bounded_and_whoever_owes_most_is_remembered() {
        let (start, limit) = (Instant::now(), RateLimit::per_minute(5));
        let mut meters = Meters::new(100, start);
        while meters.take(&u32::MAX, limit, start).allowed {}
        for stranger in 0..10_000 {
            assert!(meters.take(&stranger, limit, start).allowed);
            assert!(meters.earned.len() <= 100);
        }
        assert!(!meters.take(&u32::MAX, limit, start).allowed);
    }
}
