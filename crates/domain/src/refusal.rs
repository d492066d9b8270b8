use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why there is no walk for a request. Each text goes to the walker as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No walkable street near the start.
    #[error("There is no street to walk on within reach of the start. Choose a start nearer to a street.")]
    NoStreetNearStart,
    /// No walkable street near the end.
    #[error("There is no street to walk on within reach of the end. Choose an end nearer to a street.")]
    NoStreetNearEnd,
    /// Start and end are in parts of the street network that are not connected.
    #[error("No walkable way leads from the start to the end.")]
    EndNotConnected,
    /// The straight walk alone is longer than the budget.
    #[error(
        "The end is too far away to be reached on foot in the time given. Allow more time or choose a nearer end."
    )]
    EndOutOfReach,
}

impl Refusal {
    /// A stable name for metrics.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoStreetNearStart => "no_street_near_start",
            Self::NoStreetNearEnd => "no_street_near_end",
            Self::EndNotConnected => "end_not_connected",
            Self::EndOutOfReach => "end_out_of_reach",
        }
    }
}
