//! The search: many short looks at different corners of the map, then longer ones from the best that were found.

use super::{
    changed::Changed,
    dice::{Dice, Noise, Taste},
    disturb::{close_gaps_in_time, force, make_room, ruin},
    plan::{Plan, Terms},
    reward::Reward,
};

/// First looks at a time, and plans that are worked on further.
const SCOUTS: u32 = 20;
const KEPT: usize = 6;
/// Rounds of one look, the first one and later ones.
const SCOUT_ROUNDS: u32 = 120;
const ROUNDS: u32 = 1000;
/// So many rounds in all are enough for looks of full length; fewer make them shorter.
const ENOUGH_ROUNDS: u32 = 12_000;
/// Looks that find nothing better before all begins anew, and how often what was found before then joins in.
const PATIENCE: u32 = 10;
const REUNION: u32 = 4;
/// How much worse a plan may get, in shares of the best score, while the search is young.
const HEAT: f64 = 0.01;
/// The part of a fair share of the score that a stretch of way costs: of equal plans the shorter one has more room.
const WAY_PRICE: f64 = 0.1;
/// How looks differ: no one value is best for all problems, so each look takes half, once or twice these.
const FORCED: f64 = 0.42;
const COMPANY: f64 = 0.3;
const RUINED: f64 = 10.0;
const SPREAD: [f64; 3] = [0.5, 1.0, 2.0];

/// Finds the best order of stops within so many rounds, from `first` on. `None` where nothing fits, not even to go
/// straight from the start to the end.
pub(super) fn improve<R: Reward>(
    on: &Terms<'_, R>,
    first: &[u16],
    rounds: u32,
    seed: u64,
    should_stop: &(dyn Fn() -> bool + Sync),
) -> Option<Vec<u16>> {
    let mut search = Search::new(on, rounds, seed, should_stop);
    let mut pool: Vec<Found<R::Sums>> = Vec::new();
    let mut past: Vec<Found<R::Sums>> = Vec::new();
    let scouts = SCOUTS.min(rounds / 60);
    let (mut looks, mut stale, mut generation) = (0, 0, 0);
    search.begin(Some(first));
    while search.has_rounds() {
        let is_scout = pool.is_empty() || looks < scouts || search.dice.share() < 0.1;
        let parent = if is_scout { None } else { Some(choose(pool.len(), &mut search.dice)) };
        match parent {
            Some(parent) => search.current.copy(&pool[parent].plan),
            None if looks + generation == 0 => {}
            None => search.begin(None),
        }
        search.look(if is_scout { SCOUT_ROUNDS } else { ROUNDS });
        let is_better = search.found.merit > pool.first().map_or(f64::NEG_INFINITY, |best| best.merit);
        join(&mut pool, &search.found, parent);
        looks += 1;
        stale = if is_better { 0 } else { stale + u32::from(!is_scout) };
        if stale == PATIENCE {
            past.extend(pool.drain(..).take(1));
            (looks, stale, generation) = (0, 0, generation + 1);
            if generation % REUNION == 0 {
                looks = scouts;
                past.drain(..).for_each(|found| join(&mut pool, &found, None));
            }
        }
    }
    (search.best.merit > f64::NEG_INFINITY).then(|| search.best.plan.stops().to_vec())
}

/// A plan that may be the answer, and how good it is; without one, as bad as can be.
#[derive(Clone)]
struct Found<S> {
    plan: Plan<S>,
    merit: f64,
}

impl<S: Clone> Found<S> {
    fn is_better_than(&self, other: &Self) -> bool {
        self.merit > other.merit || (self.merit == other.merit && self.plan.strain < other.plan.strain)
    }

    fn copy(&mut self, other: &Self) {
        self.plan.copy(&other.plan);
        self.merit = other.merit;
    }
}

/// The best one half of the time, else the better one of two.
fn choose(count: usize, dice: &mut Dice) -> usize {
    if dice.below(2) == 0 { 0 } else { dice.below(count).min(dice.below(count)) }
}

/// Takes what was found into the pool, the best first, in place of what it comes from or of the worst.
fn join<S: Clone>(pool: &mut Vec<Found<S>>, found: &Found<S>, parent: Option<usize>) {
    let is_known = |known: &Found<S>| known.merit == found.merit && known.plan.strain == found.plan.strain;
    if found.merit == f64::NEG_INFINITY || pool.iter().any(is_known) {
        return;
    }
    match parent {
        Some(parent) if found.is_better_than(&pool[parent]) => pool[parent].copy(found),
        _ if pool.len() < KEPT => pool.push(found.clone()),
        _ => {
            if let Some(worst) = pool.last_mut().filter(|worst| found.is_better_than(worst)) {
                worst.copy(found);
            }
        }
    }
    pool.sort_by(|a, b| b.merit.total_cmp(&a.merit).then(a.plan.strain.cmp(&b.plan.strain)));
}

struct Search<'a, R: Reward> {
    on: &'a Terms<'a, R>,
    straight: Plan<R::Sums>,
    current: Plan<R::Sums>,
    trial: Plan<R::Sums>,
    /// The trial, while another one is looked at.
    aside: Plan<R::Sums>,
    /// In this look, and in all.
    found: Found<R::Sums>,
    best: Found<R::Sums>,
    dice: Dice,
    noise: Noise,
    gone: Vec<u16>,
    changed: Changed,
    rounds: u32,
    done: u32,
    should_stop: &'a (dyn Fn() -> bool + Sync),
    is_stopped: bool,
}

impl<'a, R: Reward> Search<'a, R> {
    fn new(on: &'a Terms<'a, R>, rounds: u32, seed: u64, should_stop: &'a (dyn Fn() -> bool + Sync)) -> Self {
        let mut dice = Dice::new(seed);
        let noise = Noise::new(&mut dice);
        let straight = Plan::straight(on);
        let found = Found { plan: straight.clone(), merit: f64::NEG_INFINITY };
        Self {
            on,
            current: straight.clone(),
            trial: straight.clone(),
            aside: straight.clone(),
            straight,
            best: found.clone(),
            found,
            dice,
            noise,
            gone: Vec::new(),
            changed: Changed::among(on.travel.stops + 2),
            rounds,
            done: 0,
            should_stop,
            is_stopped: on.travel.stops == 0,
        }
    }

    fn has_rounds(&self) -> bool {
        self.done < self.rounds && !self.is_stopped
    }

    /// A new plan: with these stops, or around a random one.
    fn begin(&mut self, first: Option<&[u16]>) {
        let (on, changed) = (self.on, &mut self.changed);
        self.current.copy(&self.straight);
        match first {
            Some(stops) => stops.iter().for_each(|&stop| self.current.append(on, stop, changed)),
            None => {
                let stop = self.dice.below(on.travel.stops) as u16;
                self.current.least_extra(on.travel, stop);
                self.current.put_in(on, stop, changed);
            }
        }
        make_room(on, &mut self.current, &[], (&self.noise, Taste::PLAIN), &mut self.gone, changed);
        let taste = if first.is_some() { Taste::PLAIN } else { Taste::strong(&mut self.dice) };
        self.current.fill(on, &self.noise, taste, changed);
        self.current.shorten(on.travel, changed);
        self.current.fill(on, &self.noise, Taste::PLAIN, changed);
        changed.clear();
        if self.best.merit == f64::NEG_INFINITY {
            self.trial.copy(&self.straight);
            self.note();
            self.trial.copy(&self.current);
            self.note();
        }
    }

    /// Anneals the current plan.
    fn look(&mut self, rounds: u32) {
        let rounds = (u64::from(rounds) * u64::from(self.rounds.min(ENOUGH_ROUNDS))
            / u64::from(ENOUGH_ROUNDS))
        .max(15);
        let mut vary = |usual: f64| usual * SPREAD[self.dice.below(SPREAD.len())];
        let (heat, way_price) = (vary(HEAT), vary(WAY_PRICE));
        let (forced, company, ruined) = (vary(FORCED), vary(COMPANY), vary(RUINED) as usize);
        let height = self.best.merit.max(f64::MIN_POSITIVE);
        let way_price = way_price * height / self.on.travel.budget.max(1) as f64;
        self.found.merit = f64::NEG_INFINITY;
        self.trial.copy(&self.current);
        self.note();
        let mut energy = self.merit(&self.current) - way_price * self.current.time as f64;
        for round in 0..rounds {
            if self.done.is_multiple_of(16) && (self.should_stop)() {
                self.is_stopped = true;
            }
            if !self.has_rounds() {
                return;
            }
            self.done += 1;
            self.vary_trial(forced, company, ruined);
            self.note();
            self.note_lawful();
            let trial_energy = self.merit(&self.trial) - way_price * self.trial.time as f64;
            let heat = heat * height * (1.0 - round as f64 / rounds as f64);
            if trial_energy >= energy + heat * self.dice.share().max(1e-12).ln() {
                std::mem::swap(&mut self.current, &mut self.trial);
                energy = trial_energy;
            }
        }
    }

    /// Makes the trial another plan near the current one.
    fn vary_trial(&mut self, forced: f64, company: f64, ruined: usize) {
        let (on, trial, dice) = (self.on, &mut self.trial, &mut self.dice);
        let (gone, changed) = (&mut self.gone, &mut self.changed);
        trial.copy(&self.current);
        if dice.share() < forced {
            let taste = (&self.noise, Taste::any(dice));
            force(on, trial, company, taste, dice, gone, changed);
        } else {
            ruin(on, trial, ruined, dice, gone, changed);
            close_gaps_in_time(on, trial, gone, changed);
        }
        let taste = Taste::any(dice);
        trial.fill(on, &self.noise, taste, changed);
        let strain = trial.strain;
        trial.shorten(on.travel, changed);
        if trial.strain < strain {
            trial.fill(on, &self.noise, taste, changed);
            changed.clear();
        }
    }

    /// Remembers the trial if it may be the answer and is the best.
    fn note(&mut self) {
        let merit = self.merit(&self.trial);
        let is_better = |found: &Found<R::Sums>| {
            merit > found.merit || (merit == found.merit && self.trial.strain < found.plan.strain)
        };
        if is_better(&self.found)
            && self.trial.fits(self.on.travel)
            && self.on.reward.is_lawful(&self.trial.sums)
        {
            self.found.plan.copy(&self.trial);
            self.found.merit = merit;
            if self.found.is_better_than(&self.best) {
                self.best.copy(&self.found);
            }
        }
    }

    /// What the rules forbid may be one stop away from what they allow.
    fn note_lawful(&mut self) {
        if self.on.reward.is_lawful(&self.trial.sums) {
            return;
        }
        std::mem::swap(&mut self.trial, &mut self.aside);
        self.trial.copy(&self.aside);
        let taste = Taste::any(&mut self.dice);
        self.trial.obey(self.on, &self.noise, taste, &mut self.gone, &mut self.changed);
        self.note();
        std::mem::swap(&mut self.trial, &mut self.aside);
    }

    /// The score, less where the ways are unpleasant.
    fn merit(&self, plan: &Plan<R::Sums>) -> f64 {
        let score = self.on.reward.score(&plan.sums);
        let discomfort = (plan.strain - plan.time) as f64 / self.on.travel.budget.max(1) as f64;
        score - score.max(0.0) * discomfort
    }
}
