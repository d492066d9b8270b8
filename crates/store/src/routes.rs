use chrono::{DateTime, Utc};
use domain::{
    Leg, LineString, Quality, RequestId, RequestStatus, Route, RouteId, RouteRequest, Stop, ThemeId, UserId,
};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgExecutor};

use crate::{
    Database, StoreError,
    geometry::{line_string_from_wkb, line_string_to_wkb},
    route_requests::{stored, whole_seconds},
};

/// A route as its walker may see it, from the moment it was asked for.
#[derive(Clone, Debug)]
pub struct RouteState {
    /// The request it answers.
    pub request_id: RequestId,
    /// Its id.
    pub route_id: RouteId,
    /// How far it has come.
    pub status: RequestStatus,
    /// Why there is no route.
    pub error: Option<String>,
    /// What was asked for.
    pub request: RouteRequest,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// Pinned by its walker.
    pub saved: bool,
    /// Seconds until a worker takes it up, by estimate, while it is pending; `None` where nobody can tell.
    pub estimated_wait_s: Option<u32>,
    /// The route, when it is complete.
    pub route: Option<Route>,
}

/// The walk without its path, which has a column of its own.
#[derive(Serialize, Deserialize)]
struct Itinerary {
    distance_m: f64,
    duration_s: u32,
    walking_s: u32,
    #[serde(default)]
    ascent_m: Option<f64>,
    stops: Vec<Stop>,
    legs: Vec<Leg>,
    quality: Quality,
    sparse_themes: Vec<ThemeId>,
}

impl Itinerary {
    fn of(route: &Route) -> Self {
        let Route {
            path: _,
            distance_m,
            duration_s,
            walking_s,
            ascent_m,
            stops,
            legs,
            quality,
            sparse_themes,
        } = route.clone();
        Self { distance_m, duration_s, walking_s, ascent_m, stops, legs, quality, sparse_themes }
    }

    fn along(self, path: LineString) -> Route {
        let Self { distance_m, duration_s, walking_s, ascent_m, stops, legs, quality, sparse_themes } = self;
        Route { path, distance_m, duration_s, walking_s, ascent_m, stops, legs, quality, sparse_themes }
    }
}

/// Writes the route of a request, and its stops. Who and what for stands in the request's row.
pub(crate) async fn insert_route(
    connection: &mut PgConnection,
    request: RequestId,
    route: &Route,
) -> Result<(), StoreError> {
    let itinerary = stored(&Itinerary::of(route))?;
    let route_id = sqlx::query_scalar!(
        "INSERT INTO routes (id, user_id, path, generation_params, request_id, itinerary)
         SELECT route_id, user_id, ST_GeomFromWKB($2, 4326), params, id, $3 FROM route_requests WHERE id = $1
         RETURNING id",
        request.0,
        line_string_to_wkb(&route.path),
        itinerary
    )
    .fetch_one(&mut *connection)
    .await?;
    let (pois, orders): (Vec<i64>, Vec<i32>) =
        route.stops.iter().map(|stop| (stop.poi_id.0, stop.order as i32)).unzip();
    sqlx::query!(
        r#"INSERT INTO route_pois (route_id, poi_id, "order") SELECT $1, * FROM unnest($2::bigint[], $3::integer[])"#,
        route_id,
        &pois,
        &orders
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A walker's own route, complete or not. Somebody else's is as good as none.
pub async fn route(
    database: &Database,
    user: UserId,
    route: RouteId,
) -> Result<Option<RouteState>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT q.id, q.status, q.error, q.params, q.created_at,
                  r.saved_at AS "saved_at?", r.itinerary AS "itinerary?", ST_AsBinary(r.path, 'NDR') AS path,
                  CASE WHEN q.status = 'pending' THEN route_queue_wait_s(q.finish_tag) END AS wait_s
           FROM route_requests q LEFT JOIN routes r ON r.request_id = q.id
           WHERE q.route_id = $1 AND q.user_id = $2"#,
        route.0,
        user.0
    )
    .fetch_optional(&database.pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let route_found =
        row.itinerary.zip(row.path).map(|(itinerary, path)| read_route(itinerary, &path)).transpose()?;
    Ok(Some(RouteState {
        request_id: RequestId(row.id),
        route_id: route,
        status: row.status.parse().map_err(|why| StoreError::Unreadable { what: "request status", why })?,
        error: row.error,
        request: RouteRequest::parse(&row.params)
            .map_err(|errors| StoreError::Unreadable { what: "route request", why: format!("{errors:?}") })?,
        created_at: row.created_at,
        saved: row.saved_at.is_some(),
        estimated_wait_s: row.wait_s.map(whole_seconds),
        route: route_found,
    }))
}

/// A walker's own walk, without what was asked for it. `None` where there is no such request of theirs, and `Some(None)`
/// where it is not complete.
pub async fn walk(
    database: &Database,
    user: UserId,
    route: RouteId,
) -> Result<Option<Option<Route>>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT r.itinerary AS "itinerary?", ST_AsBinary(r.path, 'NDR') AS path
           FROM route_requests q LEFT JOIN routes r ON r.request_id = q.id
           WHERE q.route_id = $1 AND q.user_id = $2"#,
        route.0,
        user.0
    )
    .fetch_optional(&database.pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    row.itinerary.zip(row.path).map(|(itinerary, path)| read_route(itinerary, &path)).transpose().map(Some)
}

fn read_route(itinerary: serde_json::Value, path: &[u8]) -> Result<Route, StoreError> {
    let itinerary: Itinerary = serde_json::from_value(itinerary)
        .map_err(|error| StoreError::Unreadable { what: "itinerary", why: error.to_string() })?;
    Ok(itinerary.along(line_string_from_wkb(path)?))
}

/// A line in a walker's list of routes.
#[derive(Clone, Debug)]
pub struct RouteSummary {
    /// Its id.
    pub route_id: RouteId,
    /// The request it answers.
    pub request_id: RequestId,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// What was asked for.
    pub params: serde_json::Value,
    /// Length in metres.
    pub distance_m: f64,
    /// Walking and dwelling, in seconds.
    pub duration_s: i32,
    /// How many stops it has.
    pub stop_count: i64,
    /// Pinned by its walker.
    pub saved: bool,
}

/// The place in a walker's list after which the next page starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteCursor {
    /// When the last route of the page was made.
    pub created_at: DateTime<Utc>,
    /// Its id: two may be made at the same moment.
    pub route_id: RouteId,
}

/// Whether a route is there and is this walker's.
pub async fn is_route_of(database: &Database, user: UserId, route: RouteId) -> Result<bool, StoreError> {
    let owns = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM routes WHERE id = $1 AND user_id = $2) AS "owns!""#,
        route.0,
        user.0
    );
    Ok(owns.fetch_one(&database.pool).await?)
}

/// A page of a walker's complete routes, newest first.
pub async fn routes_of(
    database: &Database,
    user: UserId,
    only_saved: bool,
    after: Option<RouteCursor>,
    limit: i64,
) -> Result<Vec<RouteSummary>, StoreError> {
    let (after_time, after_id) = after.map(|cursor| (cursor.created_at, cursor.route_id.0)).unzip();
    let rows = sqlx::query!(
        r#"SELECT id, request_id, created_at, generation_params, saved_at,
                  (itinerary ->> 'distance_m')::float8 AS "distance_m!",
                  (itinerary ->> 'duration_s')::integer AS "duration_s!",
                  (SELECT count(*) FROM route_pois WHERE route_id = routes.id) AS "stop_count!"
           FROM routes
           WHERE user_id = $1 AND (NOT $2 OR saved_at IS NOT NULL)
             AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4))
           ORDER BY created_at DESC, id DESC LIMIT $5"#,
        user.0,
        only_saved,
        after_time,
        after_id,
        limit
    )
    .fetch_all(&database.pool)
    .await?;
    let summaries = rows.into_iter().map(|row| RouteSummary {
        route_id: RouteId(row.id),
        request_id: RequestId(row.request_id),
        created_at: row.created_at,
        params: row.generation_params,
        distance_m: row.distance_m,
        duration_s: row.duration_s,
        stop_count: row.stop_count,
        saved: row.saved_at.is_some(),
    });
    Ok(summaries.collect())
}

/// How saving went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saving {
    /// It is as asked for.
    Done {
        /// Where the route is cached.
        cache_key: String,
        /// Somebody, this walker or another, still has a route of this key saved: its cached copy may stay longer.
        still_saved: bool,
    },
    /// The walker has saved as many as they may.
    TooMany,
    /// The walker has such a request, but no route yet, or none at all.
    NotComplete,
    /// The walker has no such route.
    NoRoute,
}

/// Saves a walker's route, unless they have saved `limit` others, or lets it go.
pub async fn set_saved(
    database: &Database,
    user: UserId,
    route: RouteId,
    saved: bool,
    limit: i64,
) -> Result<Saving, StoreError> {
    let mut transaction = database.begin().await?;
    if saved {
        // The walker's row is the lock under which saved routes are counted.
        sqlx::query!("SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE", user.0)
            .fetch_optional(&mut *transaction)
            .await?;
    }
    let Some(request) = sqlx::query!(
        "SELECT id, cache_key FROM route_requests WHERE route_id = $1 AND user_id = $2",
        route.0,
        user.0
    )
    .fetch_optional(&mut *transaction)
    .await?
    else {
        return Ok(Saving::NoRoute);
    };
    let changed = sqlx::query!(
        "UPDATE routes SET saved_at = CASE WHEN $2 THEN coalesce(saved_at, now()) END WHERE request_id = $1",
        request.id,
        saved
    )
    .execute(&mut *transaction)
    .await?;
    if changed.rows_affected() == 0 {
        return Ok(Saving::NotComplete);
    }
    if saved && saved_routes(&mut transaction, user).await? > limit {
        return Ok(Saving::TooMany);
    }
    let still_saved = is_saved(&mut *transaction, &request.cache_key).await?;
    transaction.commit().await?;
    Ok(Saving::Done { cache_key: request.cache_key, still_saved })
}

async fn saved_routes(connection: &mut PgConnection, user: UserId) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM routes WHERE user_id = $1 AND saved_at IS NOT NULL"#,
        user.0
    );
    Ok(count.fetch_one(connection).await?)
}

/// What a cached copy of a route is still good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CachedFor {
    /// Whoever wishes the same.
    Others,
    /// Also for somebody who has saved it.
    Saved,
    /// Nobody: the request that it was made for is gone, and its route with it.
    Nobody,
}

/// What the copy of a request's route is good for that was just cached. Whoever deletes a request deletes its row first
/// and the copy then, so that a copy that came too late is found here.
pub async fn cached_for(
    database: &Database,
    request: RequestId,
    cache_key: &str,
) -> Result<CachedFor, StoreError> {
    let is_there = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM route_requests WHERE id = $1) AS "is_there!""#,
        request.0
    );
    if !is_there.fetch_one(&database.pool).await? {
        return Ok(CachedFor::Nobody);
    }
    Ok(if is_saved(&database.pool, cache_key).await? { CachedFor::Saved } else { CachedFor::Others })
}

/// Somebody has a route of this key saved.
async fn is_saved(executor: impl PgExecutor<'_>, cache_key: &str) -> Result<bool, StoreError> {
    let saved = sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM routes r JOIN route_requests q ON q.id = r.request_id
               WHERE q.cache_key = $1 AND r.saved_at IS NOT NULL
           ) AS "saved!""#,
        cache_key
    );
    Ok(saved.fetch_one(executor).await?)
}
