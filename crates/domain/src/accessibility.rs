use serde::{Deserialize, Serialize};

/// What a walker needs of the streets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Accessibility {
    /// No steps wherever there is a way round them.
    pub avoid_stairs: bool,
    /// Lit ways before unlit ones.
    pub prefer_well_lit: bool,
}
