use crate::{
    candidates::Candidate,
    matrix::Matrix,
    open_times::OpenTimes,
    score::{Tally, Varied, Variety},
};

use super::{Travel, Windows, search};

/// What the search is to solve for a walk. Numbers of stops are positions in `stops`; start and end follow after them.
pub(crate) struct Problem<'a> {
    pub stops: &'a [Candidate],
    pub matrix: &'a Matrix,
    pub variety: Variety,
    /// Walking and dwelling.
    pub budget_ms: u32,
    /// Dwelling alone: a walk is a walk.
    pub dwell_limit_ms: u32,
    /// What a budget's worth of unpleasant way costs, in shares of the score.
    pub comfort: f64,
    /// How much longer the ways turn out than the matrix has them, when they are laid along the streets: stops are
    /// reached later by as much.
    pub stretch: f64,
}

/// Stops in the order of the walk.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tour {
    pub order: Vec<u16>,
    pub walk_ms: u32,
    pub dwell_ms: u32,
}

impl<'a> Problem<'a> {
    pub fn new(stops: &'a [Candidate], matrix: &'a Matrix, variety: Variety, budget_ms: u32) -> Self {
        let dwell_limit_ms = budget_ms / 100 * 68;
        Self { stops, matrix, variety, budget_ms, dwell_limit_ms, comfort: 0.5, stretch: 1.0 }
    }

    pub fn tally(&self, tour: &Tour) -> Tally {
        Tally::of(&self.variety, tour.order.iter().map(|&stop| &self.stops[usize::from(stop)]))
    }

    /// When the stops are open, by the clock of one who walks as the matrix has it.
    fn open_times(&self) -> Vec<Option<OpenTimes>> {
        let unstretched = |ms: u32| (f64::from(ms) / self.stretch) as u32;
        let of_stop = |stop: &Candidate| {
            let times = stop.open.as_ref()?.iter();
            Some(times.map(|&(opens, closes)| (unstretched(opens), unstretched(closes))).collect())
        };
        self.stops.iter().map(of_stop).collect()
    }

    /// The tour with these stops.
    pub fn tour(&self, order: Vec<u16>) -> Tour {
        let (start, end) = (self.stops.len(), self.stops.len() + 1);
        let places = || order.iter().map(|&stop| usize::from(stop));
        let ways = std::iter::once(start).chain(places()).zip(places().chain([end]));
        let add = |sum: u32, more: u32| sum.saturating_add(more);
        let walk_ms = ways.map(|(from, to)| self.matrix.time_ms[from * self.matrix.size + to]).fold(0, add);
        let dwell_ms = places().map(|stop| self.stops[stop].dwell_ms).fold(0, add);
        Tour { order, walk_ms, dwell_ms }
    }
}

/// The best tour found from `first` on, within so many rounds; the one without stops where none fits.
pub(crate) fn improve(
    problem: &Problem<'_>,
    first: &Tour,
    rounds: u32,
    seed: u64,
    should_stop: &(dyn Fn() -> bool + Sync),
) -> Tour {
    let unpleasant = problem.matrix.unpleasant_ms.iter().map(|&ms| (problem.comfort * f64::from(ms)) as u32);
    let dwell: Vec<u32> = problem.stops.iter().map(|stop| stop.dwell_ms).collect();
    let unpleasant: Vec<u32> = unpleasant.collect();
    let windows = Windows::new(&problem.open_times(), &dwell);
    let mut travel = Travel::new(&problem.matrix.time_ms, Some(&unpleasant), dwell, problem.budget_ms);
    travel.windows = windows;
    travel.dwell_limit = u64::from(problem.dwell_limit_ms);
    let reward = Varied { variety: &problem.variety, stops: problem.stops };
    let order = search(&travel, &reward, &first.order, rounds, seed, should_stop);
    problem.tour(order.unwrap_or_default())
}
