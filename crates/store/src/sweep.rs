//! Requests that nobody takes up: their message was lost, or their worker.

use domain::{RequestId, StatusEvent};

use crate::{
    Database, StoreError,
    attempts::{GAVE_UP, MOST_ATTEMPTS},
    route_requests::StatusRow,
};

/// A job to publish again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// Which request.
    pub request_id: RequestId,
    /// How often its job was published before: part of the message's id, since the broker drops a repeated one.
    pub publication: i32,
    /// W3C trace context of the HTTP request.
    pub traceparent: Option<String>,
}

/// Takes stale requests, oldest first, for publishing again. Several sweepers at once share them out. A request is
/// stale 15 seconds after its last publication, then 30, 60, 120: one that only waits in a long queue is soon left alone.
pub async fn stale_requests(database: &Database, limit: i64) -> Result<Vec<Stale>, StoreError> {
    let rows = sqlx::query!(
        "UPDATE route_requests AS r SET publications = r.publications + 1, published_at = now()
         FROM (
             SELECT id, publications FROM route_requests
             WHERE status IN ('pending', 'in_progress')
               AND (lease_until IS NULL OR lease_until < now())
               AND published_at < now() - interval '15 seconds' * least(8, power(2, publications - 1))
             ORDER BY published_at LIMIT $1 FOR UPDATE SKIP LOCKED
         ) AS stale
         WHERE r.id = stale.id
         RETURNING r.id, stale.publications, r.traceparent",
        limit
    )
    .fetch_all(&database.pool)
    .await?;
    let stale = rows.into_iter().map(|row| Stale {
        request_id: RequestId(row.id),
        publication: row.publications,
        traceparent: row.traceparent,
    });
    Ok(stale.collect())
}

/// Ends requests that were tried too often, or are open for ten minutes with nobody working on them.
pub async fn give_up(database: &Database, limit: i64) -> Result<Vec<StatusEvent>, StoreError> {
    let rows = sqlx::query_as!(
        StatusRow,
        "UPDATE route_requests AS r
         SET status = 'failed', error = $1, rev = r.attempt * 100 + 99, lease_until = NULL, updated_at = now()
         FROM (
             SELECT id FROM route_requests
             WHERE status IN ('pending', 'in_progress')
               AND (lease_until IS NULL OR lease_until < now())
               AND (attempt >= $2 OR created_at < now() - interval '10 minutes')
             LIMIT $3 FOR UPDATE SKIP LOCKED
         ) AS hopeless
         WHERE r.id = hopeless.id
         RETURNING r.id, r.user_id, r.route_id, r.status, r.error, r.rev",
        GAVE_UP,
        MOST_ATTEMPTS,
        limit
    )
    .fetch_all(&database.pool)
    .await?;
    rows.into_iter().map(StatusRow::into_event).collect()
}
