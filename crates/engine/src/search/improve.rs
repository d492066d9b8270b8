use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{Rng, SeedableRng},
};

use super::{
    Problem, Tour,
    exchange::exchange,
    local::{Scratch, Taste, drop_until_it_fits, shorten},
};

/// Rounds without a better tour after which the search begins anew.
const PATIENCE: u32 = 150;
/// A tour of so many stops is quickly looked through.
const SHORT: usize = 8;

/// The best tour found from `first` on, within so many rounds.
pub(crate) fn improve(
    problem: &Problem<'_>,
    first: &Tour,
    rounds: u32,
    seed: u64,
    should_stop: &(dyn Fn() -> bool + Sync),
) -> Tour {
    let mut dice = Dice(Xoshiro256PlusPlus::seed_from_u64(seed));
    let mut scratch = Scratch::default();
    let mut best = Best::of(problem);
    let mut current = first.clone();
    problem.measure(&mut current);
    drop_until_it_fits(problem, &mut current, None);
    scratch.fill(problem, &mut current, &mut Taste { walking: 1.0, noise: &mut || 1.0 });
    shorten(problem, &mut current);
    let mut worth = problem.worth(&current);
    best.offer(problem, &current, worth);
    let (mut trial, mut stale) = (Tour::default(), 0);
    for round in 0..rounds {
        if problem.stops.is_empty() || (round % 16 == 0 && should_stop()) {
            break;
        }
        trial.clone_from(&current);
        disturb(problem, &mut trial, &mut scratch, &mut dice);
        let walking = if dice.below(5) < 3 { 1.0 } else { 0.2 };
        let spread = [0.3, 0.3, 0.8, 1.6][dice.below(4)];
        let mut noise = || 1.0 - spread / 2.0 + spread * dice.share();
        scratch.fill(problem, &mut trial, &mut Taste { walking, noise: &mut noise });
        shorten(problem, &mut trial);
        scratch.fill(problem, &mut trial, &mut Taste { walking, noise: &mut noise });
        let mut trial_worth = problem.worth(&trial);
        // Exchanging takes long where there are many stops, so it is for tours that look good.
        let margin = if trial.order.len() <= SHORT { 0.06 } else { 0.0 };
        if trial_worth > best.worth - margin * best.worth.abs() {
            exchange(problem, &mut trial, &mut scratch);
            trial_worth = problem.worth(&trial);
        }
        stale = if best.offer(problem, &trial, trial_worth) { 0 } else { stale + 1 };
        // As in annealing: early on worse tours are accepted too, later hardly.
        let heat = 0.03 * best.worth.abs().max(0.1) * f64::from(rounds - round) / f64::from(rounds);
        if trial_worth > worth + heat * dice.share().max(1e-12).ln() {
            std::mem::swap(&mut current, &mut trial);
            worth = trial_worth;
        }
        if stale >= PATIENCE {
            stale = 0;
            current =
                if dice.below(2) == 0 { best.tour.clone() } else { afresh(problem, &mut scratch, &mut dice) };
            worth = problem.worth(&current);
        }
    }
    best.tour
}

/// The best tour so far that keeps the rule of variety.
struct Best {
    tour: Tour,
    worth: f64,
}

impl Best {
    fn of(problem: &Problem<'_>) -> Self {
        let mut tour = Tour::default();
        problem.measure(&mut tour);
        Self { worth: problem.worth(&tour), tour }
    }

    fn offer(&mut self, problem: &Problem<'_>, tour: &Tour, worth: f64) -> bool {
        let better = worth > self.worth + 1e-9
            && problem.fits(tour.walk_ms, tour.dwell_ms)
            && problem.tally(tour).excess() == 0;
        if better {
            self.tour.clone_from(tour);
            self.worth = worth;
        }
        better
    }
}

/// Takes stops out, or puts one in that the tour must then make room for.
fn disturb(problem: &Problem<'_>, tour: &mut Tour, scratch: &mut Scratch, dice: &mut Dice) {
    let count = tour.order.len();
    match dice.below(4) {
        0 if count < problem.stops.len() => {
            let mut stop = dice.below(problem.stops.len());
            while tour.order.contains(&(stop as u16)) {
                stop = (stop + 1) % problem.stops.len();
            }
            scratch.force(problem, tour, stop);
            drop_until_it_fits(problem, tour, Some(stop));
        }
        1 => {
            for _ in 0..(1 + dice.below(3)).min(count) {
                let position = dice.below(tour.order.len());
                tour.order.remove(position);
            }
        }
        _ if count > 0 => {
            let length = 1 + dice.below((count / 2).max(1));
            let from = dice.below(count);
            tour.order.drain(from..(from + length).min(count));
        }
        _ => {}
    }
    problem.measure(tour);
}

/// A tour around one random stop.
fn afresh(problem: &Problem<'_>, scratch: &mut Scratch, dice: &mut Dice) -> Tour {
    let mut tour = Tour::default();
    problem.measure(&mut tour);
    let stop = dice.below(problem.stops.len());
    scratch.force(problem, &mut tour, stop);
    drop_until_it_fits(problem, &mut tour, None);
    scratch.fill(problem, &mut tour, &mut Taste { walking: 1.0, noise: &mut || 0.5 + dice.share() });
    shorten(problem, &mut tour);
    tour
}

pub(crate) struct Dice(pub Xoshiro256PlusPlus);

impl Dice {
    /// A whole number below `bound`; 0 for no bound.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.0.next_u64()) * bound as u128) >> 64) as usize
    }

    /// From 0 to just under 1.
    pub fn share(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
