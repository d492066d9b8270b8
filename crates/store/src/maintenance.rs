//! What grows old and is put away, a batch at a time, so that nobody waits for a long transaction.

use crate::{Database, StoreError};

/// How long a caller may send the same wish again under its idempotency key.
const KEY_HOURS: i32 = 24;
/// How long a route is kept that nobody has saved.
const ROUTE_DAYS: i32 = 90;

/// Forgets idempotency keys that are a day old. Returns how many.
pub async fn forget_idempotency_keys(database: &Database, limit: i64) -> Result<u64, StoreError> {
    let forgotten = sqlx::query!(
        "UPDATE route_requests SET idempotency_key = NULL
         WHERE id IN (SELECT id FROM route_requests
                      WHERE idempotency_key IS NOT NULL AND created_at < now() - make_interval(hours => $1)
                      ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        KEY_HOURS,
        limit
    )
    .execute(&database.pool)
    .await?;
    Ok(forgotten.rows_affected())
}

/// Removes requests that are over, with their routes, where no walker has saved them within 90 days. Returns how many.
pub async fn remove_old_routes(database: &Database, limit: i64) -> Result<u64, StoreError> {
    let removed = sqlx::query!(
        "DELETE FROM route_requests
         WHERE id IN (SELECT q.id FROM route_requests AS q
                      WHERE q.created_at < now() - make_interval(days => $1) AND q.status IN ('complete', 'failed')
                        AND NOT EXISTS (SELECT FROM routes AS r WHERE r.request_id = q.id AND r.saved_at IS NOT NULL)
                      ORDER BY q.created_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        ROUTE_DAYS,
        limit
    )
    .execute(&database.pool)
    .await?;
    Ok(removed.rows_affected())
}
