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
}
