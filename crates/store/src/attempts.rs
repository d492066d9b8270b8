//! A worker's hold on a request. Each claim is a new attempt with a lease; only the attempt that owns the row may end
//! it, so that a worker that was thought dead and comes back late changes nothing.

use std::time::Duration;

use domain::{RequestId, RequestStatus, Route, RouteId, RouteRequest, StatusEvent, UserId};

use crate::{Database, StoreError, route_requests::StatusRow, routes::insert_route};

/// After so many attempts a request is given up.
pub const MOST_ATTEMPTS: i32 = 5;

/// Each attempt has this many revs: claim, progress, end.
const REVS_PER_ATTEMPT: i64 = 100;

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
        }
    }
}

/// What a worker that wants a request gets.
#[derive(Clone, Debug)]
pub enum Claim {
    /// It is theirs.
    Granted(Box<Attempt>),
    /// It is over; the walker may not have heard of it.
    Over(StatusEvent),
    /// Another worker has it for so long.
    Leased(Duration),
    /// There is no such request.
    Unknown,
}

/// Takes a request up for the length of `lease`. One that was tried too often is ended here.
pub async fn claim(database: &Database, id: RequestId, lease: Duration) -> Result<Claim, StoreError> {
    let mut transaction = database.begin().await?;
    let Some(row) = sqlx::query!(
        r#"SELECT user_id, route_id, status, error, rev, attempt, params, cache_key,
                  extract(epoch FROM lease_until - now())::float8 AS lease_s
           FROM route_requests WHERE id = $1 FOR UPDATE"#,
        id.0
    )
    .fetch_optional(&mut *transaction)
    .await?
    else {
        return Ok(Claim::Unknown);
    };
    let state = StatusRow {
        id: id.0,
        user_id: row.user_id,
        route_id: row.route_id,
        status: row.status,
        error: row.error,
        rev: row.rev,
    }
    .into_event()?;
    if state.status.is_terminal() {
        return Ok(Claim::Over(state));
    }
    if let Some(left) = row.lease_s.filter(|left| *left > 0.0) {
        return Ok(Claim::Leased(Duration::from_secs_f64(left)));
    }
    if row.attempt >= MOST_ATTEMPTS {
        transaction.commit().await?;
        let given_up = fail(database, id, row.attempt, GAVE_UP).await?;
        return Ok(given_up.map_or(Claim::Unknown, Claim::Over));
    }
    let request = RouteRequest::parse(&row.params)
        .map_err(|errors| StoreError::Unreadable { what: "route request", why: format!("{errors:?}") })?;
    let number = row.attempt + 1;
    sqlx::query!(
        "UPDATE route_requests
         SET status = 'in_progress', attempt = $2, rev = $3, updated_at = now(),
             lease_until = now() + make_interval(secs => $4)
         WHERE id = $1",
        id.0,
        number,
        i64::from(number) * REVS_PER_ATTEMPT,
        lease.as_secs_f64()
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Claim::Granted(Box::new(Attempt {
        request_id: id,
        user_id: state.user_id,
        route_id: RouteId(row.route_id),
        number,
        request,
        cache_key: row.cache_key,
    })))
}

/// What the walker hears when all attempts came to nothing.
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

/// Hands a claimed request back, so that another worker may take it up at once.
pub async fn hand_back(database: &Database, id: RequestId, attempt: i32) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE route_requests SET lease_until = NULL WHERE id = $1 AND attempt = $2 AND status = 'in_progress'",
        id.0,
        attempt
    )
    .execute(&database.pool)
    .await?;
    Ok(())
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
        "UPDATE route_requests SET status = 'complete', rev = $3, lease_until = NULL, updated_at = now()
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
        "UPDATE route_requests SET status = 'failed', error = $4, rev = $3, lease_until = NULL, updated_at = now()
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
