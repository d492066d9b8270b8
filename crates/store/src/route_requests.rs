//! Accepting a wish for a walk, and the rows that the walker is told about. What workers do with a row is in
//! `attempts.rs`, what happens to rows that nobody takes up in `sweep.rs`.

use domain::{Bounds, RequestId, RequestStatus, Route, RouteId, RouteRequest, StatusEvent, ThemeId, UserId};
use sqlx::PgConnection;

use crate::{Account, Database, StoreError, routes::insert_route, users::ensure_user};

/// A wish as it comes in.
#[derive(Clone, Copy, Debug)]
pub struct NewRequest<'a> {
    /// Its id.
    pub id: RequestId,
    /// The id its route will have.
    pub route_id: RouteId,
    /// Whose it is.
    pub user_id: UserId,
    /// The caller's own name for it: a second one of the same name is the same wish.
    pub idempotency_key: Option<&'a str>,
    /// Tells whether a second one of the same name wishes the same.
    pub body_hash: &'a [u8],
    /// The wish.
    pub request: &'a RouteRequest,
    /// Where its route is cached.
    pub cache_key: &'a str,
    /// W3C trace context of the HTTP request.
    pub traceparent: Option<&'a str>,
    /// Most requests that a walker may have open at once.
    pub open_limit: i64,
}

/// How a wish was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It is written; a job has to be published.
    Pending,
    /// It is written, and complete: the route was known.
    Complete,
    /// The same wish came before, under these ids.
    Replayed {
        /// The id it got then.
        request_id: RequestId,
        /// The id of its route.
        route_id: RouteId,
        /// It was answered with a known route.
        from_cache: bool,
    },
    /// Another wish came before under the same idempotency key.
    KeyReused,
    /// The walker has too many open requests.
    TooManyOpen,
    /// The walker was erased.
    Erased,
}

/// What the data says to a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// Themes that do not exist, or no more.
    pub unknown_themes: Vec<ThemeId>,
    /// Some dataset covers the start.
    pub start_covered: bool,
    /// Some dataset covers the end.
    pub end_covered: bool,
    /// Raised by every ingest and every enrichment that changes something where the walk can go.
    pub data_version: i64,
}

/// Looks a wish up in the data.
pub async fn ground_of(database: &Database, request: &RouteRequest) -> Result<Ground, StoreError> {
    let themes: Vec<uuid::Uuid> = request.themes().iter().map(|theme| theme.0).collect();
    let reach = Bounds::of_walk(request);
    let row = sqlx::query!(
        r#"SELECT ARRAY(SELECT wanted FROM unnest($1::uuid[]) AS wanted
                        EXCEPT SELECT id FROM interest_themes WHERE retired_at IS NULL) AS "unknown!",
                  EXISTS (SELECT FROM datasets WHERE ST_Covers(coverage, ST_SetSRID(ST_MakePoint($2, $3), 4326)))
                      AS "start_covered!",
                  EXISTS (SELECT FROM datasets WHERE ST_Covers(coverage, ST_SetSRID(ST_MakePoint($4, $5), 4326)))
                      AS "end_covered!",
                  (SELECT coalesce(max(data_version), 0) FROM datasets
                   WHERE ST_Intersects(coverage, ST_MakeEnvelope($6, $7, $8, $9, 4326))
                      OR ST_Intersects(extent, ST_MakeEnvelope($6, $7, $8, $9, 4326))) AS "data_version!""#,
        &themes,
        request.start().lon(),
        request.start().lat(),
        request.end().lon(),
        request.end().lat(),
        reach.min_lon,
        reach.min_lat,
        reach.max_lon,
        reach.max_lat
    )
    .fetch_one(&database.pool)
    .await?;
    Ok(Ground {
        unknown_themes: row.unknown.into_iter().map(ThemeId).collect(),
        start_covered: row.start_covered,
        end_covered: row.end_covered || request.is_loop(),
        data_version: row.data_version,
    })
}

/// Writes a wish, in one transaction with all that decides whether it is taken. `known` is a route from the cache. Also
/// returns whether it was the walker's first write.
pub async fn accept_request(
    database: &Database,
    new: &NewRequest<'_>,
    known: Option<&Route>,
) -> Result<(Acceptance, Account), StoreError> {
    let mut transaction = database.begin().await?;
    // The walker's row is the lock under which open requests are counted: two at once cannot both be the third.
    let account = ensure_user(&mut transaction, new.user_id).await?;
    if account == Account::Erased {
        return Ok((Acceptance::Erased, account));
    }
    if let Some(earlier) = earlier_request(&mut transaction, new).await? {
        return Ok((earlier, account));
    }
    let known = match known {
        Some(route) if stops_exist(&mut transaction, route).await? => Some(route),
        _ => None,
    };
    if known.is_none() && open_requests(&mut transaction, new.user_id).await? >= new.open_limit {
        return Ok((Acceptance::TooManyOpen, account));
    }
    let status = if known.is_some() { RequestStatus::Complete } else { RequestStatus::Pending };
    let params = stored(new.request)?;
    sqlx::query!(
        "INSERT INTO route_requests
             (id, route_id, user_id, idempotency_key, body_hash, params, cache_key, status, from_cache, traceparent)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        new.id.0,
        new.route_id.0,
        new.user_id.0,
        new.idempotency_key,
        new.body_hash,
        params,
        new.cache_key,
        status.as_str(),
        known.is_some(),
        new.traceparent
    )
    .execute(&mut *transaction)
    .await?;
    if let Some(route) = known {
        insert_route(&mut transaction, new.id, route).await?;
    }
    transaction.commit().await?;
    Ok((if known.is_some() { Acceptance::Complete } else { Acceptance::Pending }, account))
}

/// Whether a wish came before: whoever sends it again is answered as before, whatever has changed meanwhile.
pub async fn replay(database: &Database, new: &NewRequest<'_>) -> Result<Option<Acceptance>, StoreError> {
    if new.idempotency_key.is_none() {
        return Ok(None);
    }
    let mut connection = database.pool.acquire().await?;
    earlier_request(&mut connection, new).await
}

async fn earlier_request(
    connection: &mut PgConnection,
    new: &NewRequest<'_>,
) -> Result<Option<Acceptance>, StoreError> {
    let Some(key) = new.idempotency_key else { return Ok(None) };
    let earlier = sqlx::query!(
        "SELECT id, route_id, body_hash, from_cache FROM route_requests WHERE user_id = $1 AND idempotency_key = $2",
        new.user_id.0,
        key
    )
    .fetch_optional(connection)
    .await?;
    Ok(earlier.map(|earlier| {
        if earlier.body_hash != new.body_hash {
            return Acceptance::KeyReused;
        }
        Acceptance::Replayed {
            request_id: RequestId(earlier.id),
            route_id: RouteId(earlier.route_id),
            from_cache: earlier.from_cache,
        }
    }))
}

/// A cached route may outlive the database it was made from.
async fn stops_exist(connection: &mut PgConnection, route: &Route) -> Result<bool, StoreError> {
    let stops: Vec<i64> = route.stops.iter().map(|stop| stop.poi_id.0).collect();
    let found = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM pois WHERE id = ANY($1)"#, &stops)
        .fetch_one(connection)
        .await?;
    Ok(found == stops.len() as i64)
}

async fn open_requests(connection: &mut PgConnection, user: UserId) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM route_requests
           WHERE user_id = $1 AND status IN ('pending', 'in_progress')"#,
        user.0
    )
    .fetch_one(connection)
    .await?)
}

/// What a walker is told when they connect: everything open, and what ended within the last hour, 50 at most; oldest
/// first.
pub async fn status_snapshot(database: &Database, user: UserId) -> Result<Vec<StatusEvent>, StoreError> {
    let rows = sqlx::query_as!(
        StatusRow,
        "SELECT id, user_id, route_id, status, error, rev FROM (
             SELECT id, user_id, route_id, status, error, rev, updated_at FROM route_requests
             WHERE user_id = $1
               AND (status IN ('pending', 'in_progress') OR updated_at > now() - interval '1 hour')
             ORDER BY status IN ('pending', 'in_progress') DESC, updated_at DESC LIMIT 50
         ) AS latest ORDER BY updated_at",
        user.0
    )
    .fetch_all(&database.pool)
    .await?;
    rows.into_iter().map(StatusRow::into_event).collect()
}

pub(crate) struct StatusRow {
    pub id: uuid::Uuid,
    pub user_id: uuid::Uuid,
    pub route_id: uuid::Uuid,
    pub status: String,
    pub error: Option<String>,
    pub rev: i64,
}

impl StatusRow {
    pub(crate) fn into_event(self) -> Result<StatusEvent, StoreError> {
        let status: RequestStatus =
            self.status.parse().map_err(|why| StoreError::Unreadable { what: "request status", why })?;
        Ok(StatusEvent {
            user_id: UserId(self.user_id),
            request_id: RequestId(self.id),
            status,
            route_id: (status == RequestStatus::Complete).then_some(RouteId(self.route_id)),
            error: self.error,
            rev: self.rev,
            progress: None,
        })
    }
}

/// The JSON form of a value of ours.
pub(crate) fn stored<T: serde::Serialize>(value: &T) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(value)
        .map_err(|error| StoreError::Unreadable { what: "value", why: error.to_string() })
}
