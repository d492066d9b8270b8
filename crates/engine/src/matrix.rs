use crate::{candidates::Candidate, ground::Ground, network::Network, snap::Place, travel::many_to_many};

/// What walking takes between all stops, start and end; the start comes after the stops, the end after the start.
pub(crate) struct Matrix {
    pub size: usize,
    /// Milliseconds, row by row: from, to.
    pub time_ms: Vec<u32>,
    /// Cost beyond the time: how unpleasant the way is.
    pub unpleasant_ms: Vec<u32>,
}

impl Matrix {
    pub fn of(network: &Network, ground: &Ground<'_>, stops: &[Candidate]) -> Self {
        let places: Vec<Place> =
            stops.iter().map(|stop| stop.place).chain([ground.start, ground.end]).collect();
        let weights = many_to_many(network, ground.profile, &places, &places);
        Self {
            size: places.len(),
            time_ms: weights.iter().map(|weight| weight.time_ms()).collect(),
            unpleasant_ms: weights.iter().map(|weight| weight.cost_ms() - weight.time_ms()).collect(),
        }
    }

    /// Makes the ways of a tour, from the start by its stops to the end, unpleasant by so many milliseconds more in both
    /// directions, unless they are as unpleasant already.
    pub fn make_dearer(&mut self, tour: &[u16], more_ms: &[f64]) {
        let (start, end) = (self.size - 2, self.size - 1);
        let stops = || tour.iter().map(|&stop| usize::from(stop));
        let ways = std::iter::once(start).chain(stops()).zip(stops().chain([end]));
        for ((from, to), &more_ms) in ways.zip(more_ms) {
            for entry in [from * self.size + to, to * self.size + from] {
                self.unpleasant_ms[entry] = self.unpleasant_ms[entry].max(more_ms as u32);
            }
        }
    }
}
