//! Moves that make a tour better without luck: putting stops in, and walking the same stops in a shorter order.

use super::{Problem, Tour};

/// So many stops too many of their kinds are tolerated while a tour is being filled.
const MOST_EXCESS: usize = 3;

/// Buffers for insertion, used again and again.
#[derive(Default)]
pub(super) struct Scratch {
    extra_ms: Vec<u32>,
    position: Vec<u16>,
    used: Vec<bool>,
}

/// How insertion weighs: `walking` is the price of a second's walk beside a second's stay; `noise` gives each stop
/// a random factor.
pub(super) struct Taste<'a> {
    pub walking: f64,
    pub noise: &'a mut dyn FnMut() -> f64,
}

impl Scratch {
    /// For each stop, the cheapest place to put it in: extra milliseconds and position.
    pub fn cheapest(&mut self, problem: &Problem<'_>, tour: &Tour) {
        let count = problem.stops.len();
        self.extra_ms.clear();
        self.extra_ms.resize(count, u32::MAX);
        self.position.clear();
        self.position.resize(count, 0);
        for position in 0..=tour.order.len() {
            self.try_position(problem, tour, position);
        }
        self.used.clear();
        self.used.resize(count, false);
        tour.order.iter().for_each(|&stop| self.used[usize::from(stop)] = true);
    }

    /// Notes for which stops a position is the cheapest so far; of equal ones the first is.
    fn try_position(&mut self, problem: &Problem<'_>, tour: &Tour, position: usize) {
        let (before, after) = (problem.before(tour, position), problem.at(tour, position));
        let direct = problem.time(before, after);
        let (there, on) = (problem.from(before), problem.to(after));
        for stop in 0..problem.stops.len() {
            let extra = (there[stop] + on[stop]).saturating_sub(direct);
            let best = self.extra_ms[stop];
            if extra < best || (extra == best && position < usize::from(self.position[stop])) {
                self.extra_ms[stop] = extra;
                self.position[stop] = position as u16;
            }
        }
    }

    /// The same as [`cheapest`](Self::cheapest) once more, after a stop was put in at a position: only what that changed
    /// is looked at.
    fn cheapest_after(&mut self, problem: &Problem<'_>, tour: &Tour, put: usize) {
        self.used[usize::from(tour.order[put])] = true;
        for stop in 0..problem.stops.len() {
            let position = usize::from(self.position[stop]);
            if position > put {
                self.position[stop] += 1;
            } else if position == put {
                // Its place is gone: all others are tried.
                (self.extra_ms[stop], self.position[stop]) = (u32::MAX, 0);
                for position in (0..=tour.order.len()).filter(|p| !(put..=put + 1).contains(p)) {
                    let (before, after) = (problem.before(tour, position), problem.at(tour, position));
                    let way = problem.from(before)[stop] + problem.to(after)[stop];
                    let extra = way.saturating_sub(problem.time(before, after));
                    if extra < self.extra_ms[stop] {
                        (self.extra_ms[stop], self.position[stop]) = (extra, position as u16);
                    }
                }
            }
        }
        self.try_position(problem, tour, put);
        self.try_position(problem, tour, put + 1);
    }

    /// Puts in the stop that gains most for its time, again and again while one fits. The rule of variety may be
    /// broken on the way (of four stops no two are alike, of five two pairs may be) but not by the last ones.
    pub fn fill(&mut self, problem: &Problem<'_>, tour: &mut Tour, taste: &mut Taste<'_>) {
        let mut tally = problem.tally(tour);
        let mut lawful: Option<Tour> = None;
        self.cheapest(problem, tour);
        loop {
            match tally.excess() {
                0 => lawful.get_or_insert_default().clone_from(tour),
                // What is left is of one kind, and there is no way back.
                excess if excess > MOST_EXCESS && lawful.is_some() => break,
                _ => {}
            }
            let mut best: Option<(f64, usize)> = None;
            for (number, stop) in problem.stops.iter().enumerate() {
                if !self.fits(problem, tour, number) {
                    continue;
                }
                let price =
                    taste.walking * f64::from(self.extra_ms[number]) + f64::from(stop.dwell_ms) + 60_000.0;
                let ratio = tally.gain(stop) / price * (taste.noise)();
                if best.is_none_or(|(highest, _)| ratio > highest) {
                    best = Some((ratio, number));
                }
            }
            let Some((_, number)) = best else { break };
            let position = usize::from(self.position[number]);
            self.put(problem, tour, number);
            self.cheapest_after(problem, tour, position);
            tally.add(&problem.stops[number]);
        }
        if let Some(lawful) = lawful.filter(|_| tally.excess() > 0) {
            *tour = lawful;
        }
    }

    /// Whether a stop can be put in where it costs least.
    pub fn fits(&self, problem: &Problem<'_>, tour: &Tour, stop: usize) -> bool {
        let walk = tour.walk_ms.saturating_add(self.extra_ms[stop]);
        let dwell = tour.dwell_ms.saturating_add(problem.stops[stop].dwell_ms);
        !self.used[stop] && problem.fits(walk, dwell)
    }

    /// Puts a stop in where it costs least, whether the tour then fits or not.
    pub fn force(&mut self, problem: &Problem<'_>, tour: &mut Tour, stop: usize) {
        self.cheapest(problem, tour);
        self.put(problem, tour, stop);
    }

    /// Puts a stop in where it costs least, as found before.
    pub fn put(&self, problem: &Problem<'_>, tour: &mut Tour, stop: usize) {
        tour.order.insert(usize::from(self.position[stop]), stop as u16);
        tour.walk_ms = tour.walk_ms.saturating_add(self.extra_ms[stop]);
        tour.dwell_ms = tour.dwell_ms.saturating_add(problem.stops[stop].dwell_ms);
    }
}

/// Drops the stops that give least for their time until the tour fits; never `keep`.
pub(super) fn drop_until_it_fits(problem: &Problem<'_>, tour: &mut Tour, keep: Option<usize>) {
    while !problem.fits(tour.walk_ms, tour.dwell_ms) {
        let saved = |i: usize| {
            let (before, stop, after) =
                (problem.before(tour, i), usize::from(tour.order[i]), problem.at(tour, i + 1));
            let walk = (problem.time(before, stop) + problem.time(stop, after))
                .saturating_sub(problem.time(before, after));
            f64::from(walk) + f64::from(problem.stops[stop].dwell_ms) + 1.0
        };
        let worst = (0..tour.order.len())
            .filter(|&i| Some(usize::from(tour.order[i])) != keep)
            .map(|i| (problem.stops[usize::from(tour.order[i])].value / saved(i), i))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        match worst {
            Some((_, i)) => drop(tour.order.remove(i)),
            None => tour.order.clear(),
        }
        problem.measure(tour);
        if tour.order.is_empty() {
            return;
        }
    }
}

/// Shortens the walk by turning stretches round (2-opt) and moving up to three stops elsewhere (Or-opt) until
/// neither helps.
pub(super) fn shorten(problem: &Problem<'_>, tour: &mut Tour) {
    // Each round saves time, so this ends; the bound is for matrices that are not what they should be.
    for _ in 0..100 {
        if !turn_round(problem, tour) && !move_elsewhere(problem, tour) {
            return;
        }
    }
}

fn turn_round(problem: &Problem<'_>, tour: &mut Tour) -> bool {
    let count = tour.order.len();
    for i in 0..count {
        let (a, b) = (problem.before(tour, i), problem.at(tour, i));
        for j in i + 1..count {
            let (c, d) = (problem.at(tour, j), problem.at(tour, j + 1));
            if problem.time(a, c) + problem.time(b, d) < problem.time(a, b) + problem.time(c, d) {
                let old = tour.walk_ms;
                tour.order[i..=j].reverse();
                problem.measure(tour);
                if tour.walk_ms < old {
                    return true;
                }
                // Streets that are one way for walkers: the way back is longer.
                tour.order[i..=j].reverse();
                tour.walk_ms = old;
            }
        }
    }
    false
}

fn move_elsewhere(problem: &Problem<'_>, tour: &mut Tour) -> bool {
    let count = tour.order.len();
    for length in 1..=3.min(count) {
        for i in 0..=count - length {
            let j = i + length;
            let (before, first) = (problem.before(tour, i), problem.at(tour, i));
            let (last, after) = (problem.at(tour, j - 1), problem.at(tour, j));
            let saved = (problem.time(before, first) + problem.time(last, after))
                .saturating_sub(problem.time(before, after));
            if saved == 0 {
                continue;
            }
            for k in (0..=count).filter(|k| !(i..=j).contains(k)) {
                let (a, b) = (problem.before(tour, k), problem.at(tour, k));
                let extra =
                    (problem.time(a, first) + problem.time(last, b)).saturating_sub(problem.time(a, b));
                if extra < saved {
                    let old = tour.clone();
                    if k < i {
                        tour.order[k..j].rotate_right(length);
                    } else {
                        tour.order[i..k].rotate_left(length);
                    }
                    problem.measure(tour);
                    if tour.walk_ms < old.walk_ms {
                        return true;
                    }
                    *tour = old;
                }
            }
        }
    }
    false
}
