use crate::{
    candidates::Candidate,
    matrix::Matrix,
    score::{Tally, Variety},
};

/// What the search is to solve. Numbers of stops are positions in `stops`; start and end follow after them.
pub(crate) struct Problem<'a> {
    pub stops: &'a [Candidate],
    pub matrix: &'a Matrix,
    /// Transposed, so that ways to a place lie side by side too.
    pub time_to_ms: Vec<u32>,
    pub variety: Variety,
    /// Walking and dwelling.
    pub budget_ms: u32,
    /// Dwelling alone: a walk is a walk.
    pub dwell_limit_ms: u32,
    /// What a budget's worth of unpleasant way costs.
    pub comfort: f64,
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
        let size = matrix.size;
        let mut time_to_ms = vec![0; size * size];
        for from in 0..size {
            for to in 0..size {
                time_to_ms[to * size + from] = matrix.time_ms[from * size + to];
            }
        }
        let dwell_limit_ms = budget_ms / 100 * 62;
        Self { stops, matrix, time_to_ms, variety, budget_ms, dwell_limit_ms, comfort: 0.5 }
    }

    pub fn start(&self) -> usize {
        self.stops.len()
    }

    pub fn end(&self) -> usize {
        self.stops.len() + 1
    }

    pub fn time(&self, from: usize, to: usize) -> u32 {
        self.matrix.time_ms[from * self.matrix.size + to]
    }

    /// Times from a place to all stops.
    pub fn from(&self, place: usize) -> &[u32] {
        &self.matrix.time_ms[place * self.matrix.size..][..self.stops.len()]
    }

    /// Times from all stops to a place.
    pub fn to(&self, place: usize) -> &[u32] {
        &self.time_to_ms[place * self.matrix.size..][..self.stops.len()]
    }

    /// The place before a position of the tour.
    pub fn before(&self, tour: &Tour, position: usize) -> usize {
        if position == 0 { self.start() } else { usize::from(tour.order[position - 1]) }
    }

    /// The place at a position of the tour, or the end.
    pub fn at(&self, tour: &Tour, position: usize) -> usize {
        tour.order.get(position).map_or(self.end(), |&stop| usize::from(stop))
    }

    pub fn tally(&self, tour: &Tour) -> Tally {
        Tally::of(&self.variety, tour.order.iter().map(|&stop| &self.stops[usize::from(stop)]))
    }

    /// Adds up a tour's times anew.
    pub fn measure(&self, tour: &mut Tour) {
        tour.walk_ms = (0..=tour.order.len())
            .fold(0, |sum: u32, i| sum.saturating_add(self.time(self.before(tour, i), self.at(tour, i))));
        tour.dwell_ms =
            tour.order.iter().fold(0, |sum: u32, &i| sum.saturating_add(self.stops[usize::from(i)].dwell_ms));
    }

    pub fn fits(&self, walk_ms: u32, dwell_ms: u32) -> bool {
        dwell_ms <= self.dwell_limit_ms && walk_ms.saturating_add(dwell_ms) <= self.budget_ms
    }

    /// What the walk is worth: its stops, more so where it uses its time, less on unpleasant ways.
    pub fn worth(&self, tour: &Tour) -> f64 {
        let size = self.matrix.size;
        let unpleasant: f64 = (0..=tour.order.len())
            .map(|i| f64::from(self.matrix.unpleasant_ms[self.before(tour, i) * size + self.at(tour, i)]))
            .sum();
        let budget = f64::from(self.budget_ms.max(1));
        let used = (f64::from(tour.walk_ms) + f64::from(tour.dwell_ms)) / budget;
        let score = self.tally(tour).score();
        score + score.max(0.0) * (0.5 * used.min(1.0) - self.comfort * unpleasant / budget)
    }
}
