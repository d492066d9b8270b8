use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::UserId;

/// Sessions of a walker that are refused from now on, although their cookies are signed and have not expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Whose.
    pub user_id: UserId,
    /// Which of them.
    pub scope: RevokedSessions,
    /// No cookie that it concerns is good for longer than this.
    pub expires_at: DateTime<Utc>,
}

/// Which sessions of a walker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokedSessions {
    /// The one of this id.
    One(Uuid),
    /// All that were begun until then.
    BegunUntil {
        /// Then.
        time: DateTime<Utc>,
        /// But for this one.
        kept: Option<Uuid>,
    },
    /// All, for ever: the walker is erased.
    OfErased,
}
