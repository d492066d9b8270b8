//! Ends of requests that their walkers may not have heard of. A row says when its end was announced; until then somebody
//! announces it again.

use domain::{RequestId, StatusEvent};

use crate::{Database, StoreError, route_requests::StatusRow};

/// Notes that the end of a request has been announced. From now on its walker may also hear of a better walk.
pub async fn mark_notified(database: &Database, request: RequestId) -> Result<(), StoreError> {
    sqlx::query!(
        "WITH waiting AS (UPDATE enrichment_requests SET walk_told = true WHERE request_id = $1)
         UPDATE route_requests SET notified_at = now() WHERE id = $1 AND status IN ('complete', 'failed')",
        request.0
    )
    .execute(&database.pool)
    .await?;
    Ok(())
}

/// Ends that were not announced within five seconds, oldest first. Those of an hour ago nobody waits for any more.
pub async fn pending_notifications(database: &Database, limit: i64) -> Result<Vec<StatusEvent>, StoreError> {
    let rows = sqlx::query_as!(
        StatusRow,
        "SELECT id, user_id, route_id, status, error, rev FROM route_requests
         WHERE status IN ('complete', 'failed') AND notified_at IS NULL
           AND updated_at BETWEEN now() - interval '1 hour' AND now() - interval '5 seconds'
         ORDER BY updated_at LIMIT $1",
        limit
    )
    .fetch_all(&database.pool)
    .await?;
    rows.into_iter().map(StatusRow::into_event).collect()
}
