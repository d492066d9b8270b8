//! What grows old and is put away, a batch at a time, so that nobody waits for a long transaction.

use crate::{Database, StoreError};

/// Forgets idempotency keys that are so many hours old. Returns how many.
pub async fn forget_idempotency_keys(database: &Database, hours: i32, limit: i64) -> Result<u64, StoreError> {
    let forgotten = sqlx::query!(
        "UPDATE route_requests SET idempotency_key = NULL
         WHERE id IN (SELECT id FROM route_requests
                      WHERE idempotency_key IS NOT NULL AND created_at < now() - make_interval(hours => $1)
                      ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        hours,
        limit
    )
    .execute(&database.pool)
    .await?;
    Ok(forgotten.rows_affected())
}

/// Removes requests that are over, with their routes, where no walker has saved them within so many days. Returns how
/// many.
pub async fn remove_old_routes(database: &Database, days: i32, limit: i64) -> Result<u64, StoreError> {
    let removed = sqlx::query!(
        "DELETE FROM route_requests
         WHERE id IN (SELECT q.id FROM route_requests AS q
                      WHERE q.created_at < now() - make_interval(days => $1) AND q.status IN ('complete', 'failed')
                        AND NOT EXISTS (SELECT FROM routes AS r WHERE r.request_id = q.id AND r.saved_at IS NOT NULL)
                      ORDER BY q.created_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        days,
        limit
    )
    .execute(&database.pool)
    .await?;
    Ok(removed.rows_affected())
}

/// Removes walkers who were not here for so many days, with all that is theirs. Their sessions are refused from then on.
/// Returns how many.
pub async fn remove_inactive_users(database: &Database, days: i32, limit: i64) -> Result<u64, StoreError> {
    let removed = sqlx::query!(
        "DELETE FROM users
         WHERE id IN (SELECT u.id FROM users AS u
                      WHERE u.active_at < now() - make_interval(days => $1)
                        AND NOT EXISTS (SELECT FROM route_requests AS q
                                        WHERE q.user_id = u.id AND q.updated_at >= now() - make_interval(days => $1))
                      ORDER BY u.active_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        days,
        limit
    )
    .execute(&database.pool)
    .await?;
    Ok(removed.rows_affected())
}

/// Forgets revocations that no cookie is good for any more. Returns how many.
pub async fn forget_revocations(database: &Database, limit: i64) -> Result<u64, StoreError> {
    let forgotten = sqlx::query!(
        "DELETE FROM session_revocations
         WHERE id IN (SELECT id FROM session_revocations WHERE expires_at < now() ORDER BY expires_at LIMIT $1)",
        limit
    )
    .execute(&database.pool)
    .await?;
    Ok(forgotten.rows_affected())
}
