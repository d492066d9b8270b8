use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

use crate::{RequestId, RouteId, UserId};

/// How far a request for a walk has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestStatus {
    /// Accepted; nobody has taken it up yet.
    Pending,
    /// A worker is on it.
    InProgress,
    /// The route is there.
    Complete,
    /// There will be no route.
    Failed,
}

impl RequestStatus {
    /// The name used on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Complete => "complete",
            Self::Failed => "failed",
        }
    }

    /// Nothing changes any more.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Complete | Self::Failed)
    }
}

impl fmt::Display for RequestStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RequestStatus {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Pending, Self::InProgress, Self::Complete, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a request status"))
    }
}

/// What a walker is told about a request while it is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusEvent {
    /// Whose request it is.
    pub user_id: UserId,
    /// Which request.
    pub request_id: RequestId,
    /// How far it has come.
    pub status: RequestStatus,
    /// The finished route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_id: Option<RouteId>,
    /// Why there will be no route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Grows with every event of a request; an event that is not newer than the last one seen says nothing new.
    pub rev: i64,
    /// Share of the work that is done, 0-1, while in progress.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<f32>,
    /// Seconds until a worker takes it up, by estimate, while pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_wait_s: Option<u32>,
}
