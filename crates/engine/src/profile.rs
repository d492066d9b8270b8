use crate::{
    network::{Attributes, Class, Edge, Lit},
    pace::walking_ms,
    weight::Weight,
};

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

impl Steps {
    pub const COUNT: usize = 3;

    /// Whether ways with these attributes may be walked.
    pub fn allow(self, way: Attributes) -> bool {
        !way.private() && (!way.steps() || self != Self::Never)
    }
}

/// What walking an edge takes, from its first point to its last or back.
pub(crate) fn weight(edge: &Edge, backward: bool, steps: Steps, prefer_well_lit: bool) -> Weight {
    let way = if backward { edge.attributes.reversed() } else { edge.attributes };
    if way.forward() && steps.allow(way) {
        open_weight(edge, way, steps, prefer_well_lit)
    } else {
        Weight::CLOSED
    }
}

/// The same for a private way, to whoever lives there.
pub(crate) fn doorstep_weight(edge: &Edge, backward: bool, steps: Steps) -> Weight {
    let way = if backward { edge.attributes.reversed() } else { edge.attributes };
    if way.steps() && steps == Steps::Never { Weight::CLOSED } else { open_weight(edge, way, steps, false) }
}

fn open_weight(edge: &Edge, way: Attributes, steps: Steps, prefer_well_lit: bool) -> Weight {
    Weight::new(
        walking_ms(edge.length_mm, way.steps(), way.incline_percent()),
        dearness(way, prefer_well_lit, steps),
    )
}

/// How many pleasant milliseconds one on this way is worth.
fn dearness(way: Attributes, prefer_well_lit: bool, steps: Steps) -> f64 {
    let class = match way.class() {
        Class::Foot => 1.0,
        Class::Track | Class::Quiet => 1.05,
        Class::Service | Class::Minor => 1.15,
        Class::Major => 1.25,
        Class::Heavy if way.busy() => 2.5,
        Class::Heavy => 1.4,
        Class::Platform => 1.3,
    };
    let apart = if way.sidewalk_apart() { 1.1 } else { 1.0 };
    let rough = if way.rough() { 1.15 } else { 1.0 };
    let lit = match way.lit() {
        _ if !prefer_well_lit => 1.0,
        Lit::Yes => 1.0,
        Lit::Unknown => 1.35,
        Lit::No => 1.7,
    };
    let climb = if way.steps() && steps == Steps::LastResort { 60.0 } else { 1.0 };
    class * apart * rough * lit * climb
}
