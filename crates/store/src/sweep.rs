//! Requests that nobody takes up: their message was lost, or nobody could end them.

use domain::{RequestId, StatusEvent};

use crate::{
    Database, StoreError,
    attempts::{GAVE_UP, MAX_LOST_ATTEMPTS},
    route_requests::StatusRow,
};

/// A job to publish again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Republication {
    /// Which request.
    pub request_id: RequestId,
    /// How often its job was published before: part of the message's id, since the broker drops a repeated one.
    pub publication: i32,
    /// W3C trace context of the HTTP request.
    pub traceparent: Option<String>,
}

/// Open requests whose job was published ten seconds ago or earlier: as many messages, at least, the broker should hold.
pub async fn open_requests(database: &Database) -> Result<u64, StoreError> {
    let open = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM route_requests
           WHERE status IN ('pending', 'in_progress') AND published_at < now() - interval '10 seconds'"#
    )
    .fetch_one(&database.pool)
    .await?;
    Ok(open.unsigned_abs())
}

/// Takes open requests that nobody has in hand, for publishing again; those whose job was published longest ago first.
/// Any job makes a worker take up the request whose turn it is, so only their number matters. Several sweepers at once
/// share them out.
pub async fn take_for_republication(
    database: &Database,
    limit: i64,
) -> Result<Vec<Republication>, StoreError> {
    let rows = sqlx::query!(
        "UPDATE route_requests AS r SET publications = r.publications + 1, published_at = now()
         FROM (
             SELECT id, publications FROM route_requests
             WHERE status IN ('pending', 'in_progress')
               AND (lease_until IS NULL OR lease_until < now()) AND published_at < now() - interval '10 seconds'
             ORDER BY published_at LIMIT $1 FOR UPDATE SKIP LOCKED
         ) AS unheard
         WHERE r.id = unheard.id
         RETURNING r.id, unheard.publications, r.traceparent",
        limit
    )
    .fetch_all(&database.pool)
    .await?;
    let taken = rows.into_iter().map(|row| Republication {
        request_id: RequestId(row.id),
        publication: row.publications,
        traceparent: row.traceparent,
    });
    Ok(taken.collect())
}

/// Fails requests that cost too many attempts, or are open for ten minutes with nobody working on them.
pub async fn fail_hopeless(database: &Database, limit: i64) -> Result<Vec<StatusEvent>, StoreError> {
    let rows = sqlx::query_as!(
        StatusRow,
        "UPDATE route_requests AS r
         SET status = 'failed', error = $1, rev = r.attempt * 100 + 99, lease_until = NULL, updated_at = now(),
             source = NULL, notified_at = NULL
         FROM (
             SELECT id FROM route_requests
             WHERE status IN ('pending', 'in_progress')
               AND (lease_until IS NULL OR lease_until < now())
               AND (lost_attempts >= $2 OR created_at < now() - interval '10 minutes')
             LIMIT $3 FOR UPDATE SKIP LOCKED
         ) AS hopeless
         WHERE r.id = hopeless.id
         RETURNING r.id, r.user_id, r.route_id, r.status, r.error, r.rev",
        GAVE_UP,
        MAX_LOST_ATTEMPTS,
        limit
    )
    .fetch_all(&database.pool)
    .await?;
    rows.into_iter().map(StatusRow::into_event).collect()
}
