use std::fmt;

/// What a walk promises. Each is kept or broken by every single walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Promise {
    /// The answer is a route in the form the API describes.
    Form,
    /// One line, near the start, closed or to the end.
    Shape,
    /// Every metre is on a walkable way or a square.
    OnStreets,
    /// Distances and legs add up.
    Length,
    /// Times add up and are those of one who walks.
    Time,
    /// The walk fits into the time given.
    Budget,
    /// Stops are real places with a wanted theme, in order, each where its leg ends, none twice.
    Stops,
    /// No stop while it is closed, where hours are known and the walk has a time to start.
    Hours,
    /// No steps where they can be avoided.
    Stairs,
    /// What the route says of its own quality is true.
    Honesty,
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// Which.
    pub promise: Promise,
    /// What is wrong, with numbers.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.promise, self.detail)
    }
}

/// What the checker found out about one walk.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Broken promises; empty for a walk as it should be.
    pub violations: Vec<Violation>,
    /// What can be measured; nothing where the answer is no route at all.
    pub numbers: Option<Numbers>,
}

/// What was measured on one walk. Shares are 0-1, of the length of the path where nothing else is said.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    /// What was asked for: minutes.
    pub minutes: f64,
    /// What was asked for: 0 gems, 1 hotspots.
    pub popularity_bias: f64,
    /// What was asked for: lit ways first.
    pub prefer_well_lit: bool,
    /// What was asked for: no steps.
    pub avoid_stairs: bool,
    /// Length of the path.
    pub distance_m: f64,
    /// Metres a second.
    pub pace: f64,
    /// How far the reported duration is from the one that geometry and stops make, as a share.
    pub duration_error: f64,
    /// How far the reported distance is from the recomputed one, as a share.
    pub distance_error: f64,
    /// Share of the time given that the walk leaves unused.
    pub unused_share: f64,
    /// Walked another time, in either direction.
    pub repeated_share: f64,
    /// Of the path, what had to be walked twice since the walk comes back to a start in a dead end.
    pub forced_share: f64,
    /// Stretches of over 30 m, there and back, with no stop at their end.
    pub idle_spurs: f64,
    /// Depth of the stretches there and back that lead to a stop.
    pub stop_spurs_m: Vec<f64>,
    /// Metres on steps.
    pub steps_m: f64,
    /// Known to be lit, of the whole path.
    pub lit_share: f64,
    /// Known to be unlit.
    pub unlit_share: f64,
    /// Seconds of walking, as the route says.
    pub walking_s: f64,
    /// Metres on private ways, but for the first and the last 50 m.
    pub private_m: f64,
    /// From the start that was asked for to the path.
    pub snap_m: f64,
    /// How much nearer a walkable way there was.
    pub snap_excess_m: f64,
    /// For each stop, from the path at its leg's end to the place's point.
    pub stop_point_m: Vec<f64>,
    /// The same to its nearest edge.
    pub stop_edge_m: Vec<f64>,
    /// How many stops.
    pub stops: f64,
    /// Stops with hours that were to be kept.
    pub timed_stops: f64,
    /// Stops that are an earlier one once more: the same place, or the same name near by.
    pub twice: f64,
    /// Stops with a wanted theme.
    pub wanted_share: f64,
    /// Wanted themes that some stop has.
    pub theme_coverage: f64,
    /// Stops of the most frequent kind, such as `tourism=museum`; only where there are five stops or more.
    pub commonest_kind_share: Option<f64>,
    /// Mean popularity of the stops, where there are any.
    pub mean_popularity: Option<f64>,
    /// Self-crossings a kilometre.
    pub crossings_per_km: f64,
    /// For each leg of over 100 m, its length over that of the shortest way between its ends.
    pub detours: Vec<f64>,
}

impl Report {
    pub(super) fn broken(&mut self, promise: Promise, detail: impl Into<String>) {
        self.violations.push(Violation { promise, detail: detail.into() });
    }

    /// Notes a broken promise unless it is kept.
    pub(super) fn expect(&mut self, kept: bool, promise: Promise, detail: impl FnOnce() -> String) {
        if !kept {
            self.broken(promise, detail());
        }
    }
}
