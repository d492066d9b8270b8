//! Ending sessions before their cookies expire. The rows are the truth; `revoked_sessions.rs` holds them in memory.

use chrono::{DateTime, Utc};
use domain::{Revocation, RevokedSessions, UserId};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{Database, StoreError};

/// How long a revocation is kept: longer than any cookie that was signed before it, and than clocks differ.
pub const REVOCATION_DAYS: i32 = 401;

/// Ends one session.
pub async fn revoke_session(
    database: &Database,
    user: UserId,
    session: Uuid,
) -> Result<Revocation, StoreError> {
    let row = sqlx::query_as!(
        RevocationRow,
        "INSERT INTO session_revocations (user_id, session_id, expires_at)
         VALUES ($1, $2, now() + make_interval(days => $3))
         ON CONFLICT (user_id, session_id) DO UPDATE SET revoked_at = excluded.revoked_at
         RETURNING id, user_id, session_id, begun_until, kept_session, erased, revoked_at, expires_at",
        user.0,
        session,
        REVOCATION_DAYS
    )
    .fetch_one(&database.pool)
    .await?;
    Ok(row.into_revocation())
}

/// Ends all sessions of a walker that were begun until `time`, but for `kept`. Of an erased walker all have ended.
pub async fn revoke_sessions_of(
    database: &Database,
    user: UserId,
    time: DateTime<Utc>,
    kept: Option<Uuid>,
) -> Result<Revocation, StoreError> {
    // A newer revocation contains the older one: one row for each walker is enough.
    let row = sqlx::query_as!(
        RevocationRow,
        "INSERT INTO session_revocations AS r (user_id, begun_until, kept_session, expires_at)
         VALUES ($1, $2, $3, now() + make_interval(days => $4))
         ON CONFLICT (user_id, session_id) DO UPDATE
         SET begun_until = CASE WHEN NOT r.erased THEN greatest(r.begun_until, excluded.begun_until) END,
             kept_session = CASE WHEN NOT r.erased THEN excluded.kept_session END,
             revoked_at = excluded.revoked_at, expires_at = excluded.expires_at
         RETURNING id, user_id, session_id, begun_until, kept_session, erased, revoked_at, expires_at",
        user.0,
        time,
        kept,
        REVOCATION_DAYS
    )
    .fetch_one(&database.pool)
    .await?;
    Ok(row.into_revocation())
}

/// What was revoked of a walker's sessions, newest first, at most 100.
pub async fn revocations_of(
    executor: impl PgExecutor<'_>,
    user: UserId,
) -> Result<Vec<(DateTime<Utc>, Revocation)>, StoreError> {
    let rows = sqlx::query_as!(
        RevocationRow,
        "SELECT id, user_id, session_id, begun_until, kept_session, erased, revoked_at, expires_at
         FROM session_revocations WHERE user_id = $1 ORDER BY revoked_at DESC LIMIT 100",
        user.0
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(|row| (row.revoked_at, row.into_revocation())).collect())
}

/// A row of `session_revocations`.
#[derive(Clone, Copy)]
pub(crate) struct RevocationRow {
    pub id: i64,
    pub user_id: Uuid,
    pub session_id: Option<Uuid>,
    pub begun_until: Option<DateTime<Utc>>,
    pub kept_session: Option<Uuid>,
    pub erased: bool,
    pub revoked_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

impl RevocationRow {
    pub(crate) fn into_revocation(self) -> Revocation {
        let scope = match (self.session_id, self.begun_until) {
            (Some(session), _) => RevokedSessions::One(session),
            (None, Some(time)) if !self.erased => {
                RevokedSessions::BegunUntil { time, kept: self.kept_session }
            }
            _ => RevokedSessions::OfErased,
        };
        Revocation { user_id: UserId(self.user_id), scope, expires_at: self.expires_at }
    }
}
