//! The orienteering problem by itself: stops with prizes, a matrix of travel times and a budget. The search is the one
//! that plans the walks.

use std::ops::RangeInclusive;

use crate::{
    Effort,
    search::{Bound, LONGEST_BUDGET, MOST_STOPS, Prizes, Travel, Windows, better_than, search},
};

/// Rounds that find what the proof is to start from.
const FIRST_ROUNDS: u32 = 500;
/// More stops than this are no tour that the search is made for.
const MOST_INSTANCE_STOPS: usize = 10_000;

/// A problem. Times are in any unit, the same for all.
#[derive(Clone, Debug)]
pub struct Instance {
    prizes: Vec<f64>,
    time: Vec<u32>,
    budget: u32,
    service: Vec<u32>,
    hours: Vec<Option<Vec<(u32, u32)>>>,
}

/// Why an instance cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InstanceError {
    /// The matrix has another size.
    #[error("the matrix has {found} entries; {stops} stops, start and end need {expected}")]
    Matrix {
        /// Stops of the instance.
        stops: usize,
        /// Entries that they need.
        expected: usize,
        /// Entries that there are.
        found: usize,
    },
    /// A list is not as long as there are stops.
    #[error("{stops} stops need as many entries; there are {found}")]
    Length {
        /// Stops of the instance.
        stops: usize,
        /// Entries that there are.
        found: usize,
    },
    /// A prize is negative or no number.
    #[error("the prize of stop {stop} is not a number from 0 on")]
    Prize {
        /// Which one.
        stop: usize,
    },
    /// The search counts in 32 bits.
    #[error("the budget {0} is more than {LONGEST_BUDGET}: choose a larger unit")]
    Budget(u32),
    /// The matrix would not fit into memory.
    #[error("{0} stops are more than {MOST_INSTANCE_STOPS}")]
    Stops(usize),
}

impl Instance {
    /// `time` is square, row by row (from, to): first the stops, then the start, then the end. For a round, start and
    /// end are the same place, listed twice. It may be asymmetric; what is longer than the budget means unreachable.
    pub fn new(prizes: Vec<f64>, time: Vec<u32>, budget: u32) -> Result<Self, InstanceError> {
        let stops = prizes.len();
        if stops > MOST_INSTANCE_STOPS {
            return Err(InstanceError::Stops(stops));
        }
        let expected = (stops + 2) * (stops + 2);
        if time.len() != expected {
            return Err(InstanceError::Matrix { stops, expected, found: time.len() });
        }
        if let Some(stop) = prizes.iter().position(|prize| !prize.is_finite() || *prize < 0.0) {
            return Err(InstanceError::Prize { stop });
        }
        if budget > LONGEST_BUDGET {
            return Err(InstanceError::Budget(budget));
        }
        Ok(Self { prizes, time, budget, service: vec![0; stops], hours: vec![None; stops] })
    }

    /// How long the visit of each stop takes.
    pub fn with_service(self, service: Vec<u32>) -> Result<Self, InstanceError> {
        self.check_length(service.len())?;
        Ok(Self { service, ..self })
    }

    /// When each stop is open, in times from the start of the tour; `None` is always, an empty list never. A visit
    /// lies within one of the ranges from arrival to departure, and nobody waits.
    pub fn with_windows(self, windows: &[Option<Vec<RangeInclusive<u32>>>]) -> Result<Self, InstanceError> {
        self.check_length(windows.len())?;
        let pairs =
            |ranges: &Vec<RangeInclusive<u32>>| ranges.iter().map(|r| (*r.start(), *r.end())).collect();
        let hours = windows.iter().map(|ranges| ranges.as_ref().map(pairs)).collect();
        Ok(Self { hours, ..self })
    }

    fn check_length(&self, found: usize) -> Result<(), InstanceError> {
        let stops = self.prizes.len();
        if found == stops { Ok(()) } else { Err(InstanceError::Length { stops, found }) }
    }
}

/// A tour, and what is known of how good it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// Numbers of stops, from the start to the end.
    pub order: Vec<usize>,
    /// The sum of their prizes.
    pub prize: f64,
    /// All travel and service times.
    pub length: u64,
    /// No tour collects more than this. It is the prize itself where `proved_best`, else often far above it.
    pub bound: f64,
    /// Whether it is proven that no tour collects more.
    pub proved_best: bool,
}

/// Finds the tour with the highest prizes that keeps the budget, by iterated local search; `None` where not even a tour
/// without stops is found to fit. With the same iterations and a `should_stop` that never fires the same seed gives the
/// same tour. Where a proof takes little, it ends early.
pub fn solve(instance: &Instance, effort: &Effort<'_>, seed: u64) -> Option<Solution> {
    (effort.on_progress)(0.0);
    let mut travel = Travel::new(&instance.time, None, instance.service.clone(), instance.budget);
    travel.windows = Windows::new(&instance.hours, &instance.service);
    let prizes = &instance.prizes;
    let run = |first: &[u16], rounds: u32| {
        search(&travel, &Prizes(prizes), first, rounds, seed, effort.should_stop)
    };
    let mut order = None;
    let mut proved_best = false;
    if prizes.len() <= MOST_STOPS {
        order = run(&[], effort.iterations.min(FIRST_ROUNDS));
        let known = order.as_ref().map_or(-1.0, |order| prize(prizes, order));
        if let Ok(better) = better_than(known, &travel, prizes, effort.should_stop) {
            order = better.or(order);
            proved_best = true;
        }
    }
    if !proved_best {
        order = run(order.as_deref().unwrap_or_default(), effort.iterations);
    }
    (effort.on_progress)(1.0);
    let order = order?;
    let prize = prize(prizes, &order);
    let most = Bound::new(&travel, prizes).most(travel.budget, |_| false).unwrap_or(0.0);
    let bound = if proved_best { prize } else { most.max(prize) };
    Some(Solution {
        length: length(instance, &order),
        order: order.into_iter().map(usize::from).collect(),
        prize,
        bound,
        proved_best: proved_best || prize >= most,
    })
}

fn prize(prizes: &[f64], order: &[u16]) -> f64 {
    order.iter().map(|&stop| prizes[usize::from(stop)]).sum()
}

fn length(instance: &Instance, order: &[u16]) -> u64 {
    let (start, size) = (instance.prizes.len(), instance.prizes.len() + 2);
    let places = || order.iter().map(|&stop| usize::from(stop));
    let ways = std::iter::once(start).chain(places()).zip(places().chain([start + 1]));
    let travel: u64 = ways.map(|(from, to)| u64::from(instance.time[from * size + to])).sum();
    travel + places().map(|stop| u64::from(instance.service[stop])).sum::<u64>()
}
