//! A worker's hold on a request. Each claim is a new attempt with a lease; only the attempt that owns the row may end
//! it, so that a worker that was thought dead and comes back late changes nothing.

use std::time::Duration;

use domain::{RequestId, RequestStatus, Route, RouteId, RouteRequest, StatusEvent, UserId};

use crate::{Database, StoreError, route_requests::StatusRow, routes::insert_route};

/// Attempts that a lost lease or a panic may cut off before a request fails: it may be what kills its workers.
pub const MAX_LOST_ATTEMPTS: i32 = 5;

/// Each attempt has this many revs: claim, progress, end.
const REVS_PER_ATTEMPT: i64 = 100;

/// First pause after a release; each further one is twice as long, up to [`MAX_PAUSE_S`].
const FIRST_PAUSE_S: f64 = 1.0;
const MAX_PAUSE_S: f64 = 30.0;

/// A request in a worker's hands.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Which request.
    pub request_id: RequestId,
    /// Whose.
    pub user_id: UserId,
    /// The id its route will have.
    pub route_id: RouteId,
    /// Which attempt at it, from 1.
    pub number: i32,
    /// The wish.
    pub request: RouteRequest,
    /// Where its route is cached.
    pub cache_key: String,
    /// W3C trace context of the HTTP request.
    pub traceparent: Option<String>,
    /// How long it had waited.
    pub waited: Duration,
}

impl Attempt {
    /// The news that the work has come so far; `progress` 0-1.
    pub fn progress(&self, progress: f32) -> StatusEvent {
        let progress = progress.clamp(0.0, 1.0);
        let step = (progress * (REVS_PER_ATTEMPT - 2) as f32) as i64;
        StatusEvent {
            user_id: self.user_id,
            request_id: self.request_id,
            status: RequestStatus::InProgress,
            route_id: None,
            error: None,
            rev: i64::from(self.number) * REVS_PER_ATTEMPT + step,
            progress: Some(progress),
            estimated_wait_s: None,
        }
    }
}

/// Takes up the request whose turn it is, for the length of `lease`: one whose worker has lost its lease, or else the
/// first of the queue. `None` where nothing is to be done now. One that has cost too many attempts is ended here, and the
/// next one is taken.
pub async fn claim_next(database: &Database, lease: Duration) -> Result<Option<Attempt>, StoreError> {
    loop {
        let row = sqlx::query!(
            r#"WITH next AS (
                   SELECT coalesce(
                       (SELECT id FROM route_requests
                        WHERE status = 'in_progress' AND coalesce(lease_until, '-infinity') < now()
                        ORDER BY coalesce(lease_until, '-infinity') LIMIT 1 FOR UPDATE SKIP LOCKED),
                       (SELECT id FROM route_requests WHERE status = 'pending' AND due_at <= now()
                        ORDER BY finish_tag, id LIMIT 1 FOR UPDATE SKIP LOCKED)) AS id)
               UPDATE route_requests AS r
               SET status = 'in_progress', attempt = r.attempt + 1, rev = (r.attempt + 1) * $2::bigint,
                   -- A previous release leaves no lease where it hands a request back.
                   lost_attempts = lost_attempts + (r.lease_until IS NOT NULL)::integer,
                   lease_until = now() + make_interval(secs => $1), updated_at = now()
               FROM next WHERE r.id = next.id
               RETURNING r.id, r.user_id, r.route_id, r.attempt, r.lost_attempts, r.params, r.cache_key, r.traceparent,
                         extract(epoch FROM now() - r.created_at)::float8 AS "waited_s!""#,
            lease.as_secs_f64(),
            REVS_PER_ATTEMPT
        )
        .fetch_optional(&database.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let id = RequestId(row.id);
        if row.lost_attempts >= MAX_LOST_ATTEMPTS {
            fail(database, id, row.attempt, GAVE_UP).await?;
            continue;
        }
        let request = match RouteRequest::parse(&row.params) {
            Ok(request) => request,
            Err(errors) => {
                tracing::error!(request_id = %id, ?errors, "a stored route request cannot be read");
                fail(database, id, row.attempt, GAVE_UP).await?;
                continue;
            }
        };
        return Ok(Some(Attempt {
            request_id: id,
            user_id: UserId(row.user_id),
            route_id: RouteId(row.route_id),
            number: row.attempt,
            request,
            cache_key: row.cache_key,
            traceparent: row.traceparent,
            waited: Duration::from_secs_f64(row.waited_s.max(0.0)),
        }));
    }
}

/// How long it takes until a request that could not be claimed may be worth another look: its lease runs out, or its
/// pause is over. `None` where it is over, or unknown.
pub async fn claimable_in(database: &Database, id: RequestId) -> Result<Option<Duration>, StoreError> {
    let wait_s = sqlx::query_scalar!(
        r#"SELECT extract(epoch FROM CASE status WHEN 'pending' THEN due_at ELSE lease_until END - now())::float8
           FROM route_requests WHERE id = $1 AND status IN ('pending', 'in_progress')"#,
        id.0
    )
    .fetch_optional(&database.pool)
    .await?;
    Ok(wait_s.map(|wait_s| Duration::from_secs_f64(wait_s.unwrap_or(0.0).max(0.0))))
}

/// What the walker reads when all attempts came to nothing.
pub(crate) const GAVE_UP: &str = "The walk could not be generated. Please try again in a while.";

/// Keeps a claimed request; `false` where a newer attempt owns it or it is over.
pub async fn renew_lease(
    database: &Database,
    id: RequestId,
    attempt: i32,
    lease: Duration,
) -> Result<bool, StoreError> {
    let renewed = sqlx::query!(
        "UPDATE route_requests SET lease_until = now() + make_interval(secs => $3)
         WHERE id = $1 AND attempt = $2 AND status = 'in_progress'",
        id.0,
        attempt,
        lease.as_secs_f64()
    )
    .execute(&database.pool)
    .await?;
    Ok(renewed.rows_affected() == 1)
}

/// Whose fault it is that an attempt came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// Something that passes, or the worker's own trouble: the attempt does not count.
    Passing,
    /// The request itself may be the cause: the attempt counts as one that was cut off.
    Counted,
}

/// Puts a claimed request back into the queue, to be claimed again after a pause, which is returned; each pause is longer
/// than the one before. Returns `None` where the request is not this attempt's any more.
pub async fn release(
    database: &Database,
    id: RequestId,
    attempt: i32,
    why: Release,
) -> Result<Option<Duration>, StoreError> {
    let pause_s = sqlx::query_scalar!(
        r#"UPDATE route_requests
           SET status = 'pending', lease_until = NULL, updated_at = now(), releases = releases + 1,
               lost_attempts = lost_attempts + $3,
               due_at = now() + make_interval(secs => least($5::float8, $4::float8 * power(2, least(releases, 30))))
           WHERE id = $1 AND attempt = $2 AND status = 'in_progress'
           RETURNING extract(epoch FROM due_at - now())::float8 AS "pause_s!""#,
        id.0,
        attempt,
        i32::from(why == Release::Counted),
        FIRST_PAUSE_S,
        MAX_PAUSE_S
    )
    .fetch_optional(&database.pool)
    .await?;
    Ok(pause_s.map(Duration::from_secs_f64))
}

/// Ends a request well: route, stops and status in one transaction. `None` where a newer attempt owns it.
pub async fn complete(
    database: &Database,
    id: RequestId,
    attempt: i32,
    route: &Route,
) -> Result<Option<StatusEvent>, StoreError> {
    let mut transaction = database.begin().await?;
    let ended = sqlx::query_as!(
        StatusRow,
        "UPDATE route_requests
         SET status = 'complete', rev = $3, lease_until = NULL, updated_at = now(), source = NULL, notified_at = NULL
         WHERE id = $1 AND attempt = $2 AND status = 'in_progress'
         RETURNING id, user_id, route_id, status, error, rev",
        id.0,
        attempt,
        last_rev(attempt)
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(ended) = ended else { return Ok(None) };
    insert_route(&mut transaction, id, route).await?;
    transaction.commit().await?;
    ended.into_event().map(Some)
}

/// Ends a request without a route. `None` where a newer attempt owns it.
pub async fn fail(
    database: &Database,
    id: RequestId,
    attempt: i32,
    error: &str,
) -> Result<Option<StatusEvent>, StoreError> {
    let ended = sqlx::query_as!(
        StatusRow,
        "UPDATE route_requests
         SET status = 'failed', error = $4, rev = $3, lease_until = NULL, updated_at = now(), source = NULL,
             notified_at = NULL
         WHERE id = $1 AND attempt = $2 AND status IN ('pending', 'in_progress')
         RETURNING id, user_id, route_id, status, error, rev",
        id.0,
        attempt,
        last_rev(attempt),
        error
    )
    .fetch_optional(&database.pool)
    .await?;
    ended.map(StatusRow::into_event).transpose()
}

pub(crate) fn last_rev(attempt: i32) -> i64 {
    i64::from(attempt) * REVS_PER_ATTEMPT + REVS_PER_ATTEMPT - 1
}
