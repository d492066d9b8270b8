use crate::{
    candidates::Candidate,
    ground::Ground,
    shortest_paths::{FAR, Metric, Search, ShortestPaths},
    snap::Place,
};

/// What walking takes between all stops, start and end; the start comes after the stops, the end after the start.
pub(crate) struct Matrix {
    pub size: usize,
    /// Milliseconds, row by row: from, to.
    pub time_ms: Vec<u32>,
    /// Cost beyond the time: how unpleasant the way is.
    pub unpleasant_ms: Vec<u32>,
}

impl Matrix {
    pub fn of(
        ground: &Ground,
        stops: &[Candidate],
        paths: &mut ShortestPaths<'_>,
        budget_ms: u32,
        should_stop: &(dyn Fn() -> bool + Sync),
    ) -> Self {
        let places: Vec<Place> =
            stops.iter().map(|stop| stop.place).chain([ground.start, ground.end]).collect();
        let metric = Metric { time_ms: &ground.weights.time_ms, cost: &ground.weights.cost };
        let size = places.len();
        let mut matrix = Self { size, time_ms: vec![FAR; size * size], unpleasant_ms: vec![0; size * size] };
        for (row, &from) in places.iter().enumerate().rev() {
            if should_stop() {
                break;
            }
            // Who walks from a stop has walked to it before, so less is left.
            let before = if row < stops.len() {
                matrix.time_ms[stops.len() * size + row].saturating_add(stops[row].dwell_ms)
            } else {
                0
            };
            paths.run(
                metric,
                Search { from, backward: false, within_ms: budget_ms.saturating_sub(before), until: &places },
            );
            for (column, to) in places.iter().enumerate() {
                let (cost, time) = paths.reached(metric, to);
                matrix.time_ms[row * size + column] = time;
                matrix.unpleasant_ms[row * size + column] =
                    if time < FAR { cost.saturating_sub(time) } else { 0 };
            }
        }
        matrix
    }
}
