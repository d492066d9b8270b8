use domain::Accessibility;

use crate::{
    network::{Attributes, Class, Lit, Network},
    pace::walking_ms,
};

/// An edge that may not be walked.
pub(crate) const CLOSED: u32 = u32::MAX;

/// How steps are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Steps {
    /// As they come.
    Welcome,
    /// Not at all.
    Never,
    /// As few as possible: what is left for those who avoid them where nothing leads round them.
    LastResort,
}

/// What walking each edge takes, apart: milliseconds, which the budget counts, and cost, by which ways are chosen
/// (milliseconds made dearer where the walk is less pleasant).
pub(crate) struct Weights {
    pub time_ms: Vec<u32>,
    pub cost: Vec<u32>,
    pub steps: Steps,
}

impl Weights {
    pub fn of(network: &Network, wants: Accessibility, steps: Steps) -> Self {
        let mut weights = Self { time_ms: Vec::new(), cost: Vec::new(), steps };
        for edge in network.edges() {
            let way = edge.attributes;
            let closed = way.private() || (way.steps() && steps == Steps::Never);
            let time_ms = walking_ms(edge.length_mm, way.steps());
            weights.time_ms.push(if closed { CLOSED } else { time_ms });
            let dear = f64::from(time_ms) * dearness(way, wants.prefer_well_lit, steps);
            weights.cost.push(if closed { CLOSED } else { (dear.ceil()).min(f64::from(CLOSED / 8)) as u32 });
        }
        weights
    }

    /// Whether an edge may be walked.
    pub fn open(&self, edge: u32) -> bool {
        self.time_ms[edge as usize] != CLOSED
    }
}

/// How many pleasant milliseconds one on this way is worth.
fn dearness(way: Attributes, prefer_well_lit: bool, steps: Steps) -> f64 {
    let class = match way.class() {
        Class::Foot => 1.0,
        Class::Track | Class::Quiet => 1.05,
        Class::Service | Class::Minor => 1.15,
        Class::Major => 1.25,
        Class::Heavy => 1.4,
        Class::Platform => 1.3,
    };
    let apart = if way.sidewalk_apart() { 1.1 } else { 1.0 };
    let lit = match way.lit() {
        _ if !prefer_well_lit => 1.0,
        Lit::Yes => 1.0,
        Lit::Unknown => 1.35,
        Lit::No => 1.7,
    };
    let climb = if way.steps() && steps == Steps::LastResort { 1000.0 } else { 1.0 };
    class * apart * lit * climb
}
