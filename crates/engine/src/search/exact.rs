//! The proof that no tour is worth more, where it takes little: all partial tours are extended stop by stop. Of those
//! that visit the same stops and end at the same one the shortest is kept, and those that cannot become better than
//! what is known are not.

use super::{Travel, travel::Table};

/// Sets of stops are bits of one number.
pub(crate) const MOST_STOPS: usize = 64;
/// Steps of the bound after which the proof is given up: some milliseconds.
const MOST_STEPS: usize = 4_000_000;
/// Sums of the same prizes in another order may differ by this share.
const ROUNDING: f64 = 1e-9;

/// A partial tour.
struct Label {
    visited: u64,
    last: u16,
    time: i64,
    prize: f64,
    /// Its number among the labels of one stop less.
    parent: usize,
}

/// Prizes that can be had in the time that is left: each stop for the shortest way that leads to it, and one of them in
/// part.
pub(crate) struct Bound {
    /// By prize for time, the best first: stop, prize, time.
    offers: Vec<(usize, f64, i64)>,
    last_way: i64,
}

impl Bound {
    pub fn new(travel: &Travel, prizes: &[f64]) -> Self {
        let offer = |stop: usize| (stop, prizes[stop], shortest_to(&travel.time, stop as u16));
        let mut offers: Vec<_> = (0..prizes.len()).map(offer).filter(|offer| offer.1 > 0.0).collect();
        offers.sort_by(|a, b| (b.1 * a.2 as f64).total_cmp(&(a.1 * b.2 as f64)));
        Self { offers, last_way: shortest_to(&travel.time, travel.end()) }
    }

    /// Most prize that a tour can still collect; `None` where it cannot even come to the end.
    pub fn most(&self, time_left: i64, is_visited: impl Fn(usize) -> bool) -> Option<f64> {
        let mut left = time_left - self.last_way;
        let mut most = 0.0;
        for &(_, prize, time) in self.offers.iter().filter(|offer| !is_visited(offer.0)) {
            if time > left {
                return (left >= 0).then(|| most + prize * left as f64 / time as f64);
            }
            left -= time;
            most += prize;
        }
        (left >= 0).then_some(most)
    }
}

fn shortest_to(table: &Table, place: u16) -> i64 {
    let ways = table.to(place).iter().enumerate().filter(|&(from, _)| from != usize::from(place));
    ways.map(|(_, &way)| i64::from(way)).min().unwrap_or(0)
}

/// Looks for a tour that is worth more than `known`. `Ok(None)` is the proof that there is none; `Err` means given up.
pub(crate) fn better_than(
    known: f64,
    travel: &Travel,
    prizes: &[f64],
    should_stop: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Vec<u16>>, GivenUp> {
    if prizes.len() > MOST_STOPS {
        return Err(GivenUp);
    }
    let bound = Bound::new(travel, prizes);
    let mut layers = vec![vec![Label { visited: 0, last: travel.start(), time: 0, prize: 0.0, parent: 0 }]];
    let mut best: Option<(usize, usize)> = None;
    let (mut highest, mut steps) = (known, 0);
    while let Some(layer) = layers.last().filter(|layer| !layer.is_empty()) {
        let depth = layers.len() - 1;
        let mut next = Vec::new();
        for (number, label) in layer.iter().enumerate() {
            let all = label.time + i64::from(travel.time.between(label.last, travel.end()));
            if all <= travel.budget && label.prize > highest * (1.0 + ROUNDING) {
                (best, highest) = (Some((depth, number)), label.prize);
            }
            steps += prizes.len() * prizes.len();
            if steps > MOST_STEPS || should_stop() {
                return Err(GivenUp);
            }
            for stop in (0..prizes.len()).filter(|stop| label.visited >> stop & 1 == 0) {
                let time = label.time + i64::from(travel.time.between(label.last, stop as u16));
                let visited = label.visited | 1 << stop;
                let prize = label.prize + prizes[stop];
                let most = bound.most(travel.budget - time, |stop| visited >> stop & 1 == 1);
                let is_open = travel.windows.as_ref().is_none_or(|hours| hours.is_open(stop as u16, time));
                if is_open && most.is_some_and(|most| prize + most > highest * (1.0 + ROUNDING)) {
                    next.push(Label { visited, last: stop as u16, time, prize, parent: number });
                }
            }
        }
        next.sort_by_key(|label| (label.visited, label.last, label.time));
        // With hours it may be good to come later, so only what is the same is left out.
        let has_hours = travel.windows.is_some();
        next.dedup_by(|later, kept| {
            (later.visited, later.last) == (kept.visited, kept.last)
                && (!has_hours || later.time == kept.time)
        });
        layers.push(next);
    }
    Ok(best.map(|(depth, mut number)| {
        let mut order: Vec<u16> = (1..=depth)
            .rev()
            .map(|depth| {
                let label = &layers[depth][number];
                number = label.parent;
                label.last
            })
            .collect();
        order.reverse();
        order
    }))
}

/// The proof would take too long.
#[derive(Debug)]
pub(crate) struct GivenUp;
