use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use bus::GenerateRouteJob;
use chrono::{DateTime, Utc};
use domain::{FieldError, RequestId, RequestStatus, RouteId, RouteRequest, StatusEvent};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service::{SessionError, http::RequestId as HttpRequestId, telemetry};
use sha2::{Digest, Sha256};
use store::{Acceptance, Ground, NewRequest, RouteState, accept_request, cache_key, ground_of};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::App,
    endpoints::{
        interests::unknown_themes,
        route_files::{self, Form},
        wire::{AccessibilityNeeds, GeoLineString, GeoPoint, ProblemDocument},
    },
    error::ApiError,
    extract::{IdempotencyKey, JsonBody, PathId, Walker, is_known},
};

/// A wish for a walk. Read by `domain::RouteRequest::parse`.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "only describes the body")]
pub(crate) struct RouteWish {
    /// Where the walk starts.
    start_location: GeoPoint,
    /// Time for walking and stopping together.
    #[schema(minimum = 5, maximum = 480, example = 60)]
    duration_minutes: u16,
    /// What for: ids of interest themes, none twice.
    #[schema(min_items = 1, max_items = 20)]
    interest_theme_ids: Vec<Uuid>,
    /// 0 hidden gems, 1 hotspots.
    #[schema(minimum = 0, maximum = 1, default = 0.5)]
    popularity_bias: Option<f64>,
    accessibility: Option<AccessibilityNeeds>,
    /// Where the walk ends; without it, where it started.
    end_location: Option<GeoPoint>,
    /// Another seed gives another walk for the same wish.
    #[schema(minimum = 0, default = 0)]
    seed: Option<u32>,
}

/// What became of a wish.
#[derive(Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// The request, as in WebSocket messages.
    request_id: Uuid,
    /// Where its route is, or will be: `/api/v1/routes/{route_id}`.
    route_id: Uuid,
    status: Status,
}

/// How far a request has come.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Pending,
    InProgress,
    Complete,
    Failed,
}

/// A route, from the moment it was asked for. All of the walk is there when `status` is `complete`.
#[derive(Serialize, ToSchema)]
pub(crate) struct RouteBody {
    route_id: Uuid,
    request_id: Uuid,
    status: Status,
    created_at: DateTime<Utc>,
    /// What was asked for.
    #[schema(value_type = RouteWish)]
    params: Value,
    /// Why there is no route, when `status` is `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(flatten)]
    walk: Option<Walk>,
}

/// A walk.
#[derive(Serialize, ToSchema)]
pub(crate) struct Walk {
    /// The whole way along the streets.
    path: GeoLineString,
    /// Length in metres.
    distance_m: f64,
    /// Walking and dwelling, in seconds.
    duration_s: u32,
    /// Walking alone, in seconds.
    walking_s: u32,
    /// Metres climbed, where heights are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    ascent_m: Option<f64>,
    stops: Vec<Stop>,
    /// The ways between start, stops and end, in order.
    legs: Vec<Leg>,
    quality: Quality,
    /// Few places are known for some of the themes here.
    data_sparse: bool,
    /// The walker has pinned it.
    saved: bool,
    /// To be shown with it.
    attribution: &'static str,
}

/// A place to stop at.
#[derive(Serialize, ToSchema)]
pub(crate) struct Stop {
    /// 1 for the first.
    order: u32,
    poi_id: i64,
    name: Option<String>,
    location: GeoPoint,
    /// Seconds from the start of the walk.
    arrival_s: u32,
    /// Seconds to spend there.
    dwell_s: u32,
    /// Ids of the place's interest themes.
    themes: Vec<Uuid>,
    popularity_score: f32,
    narrative: Option<String>,
    /// Why the walk stops here.
    why: String,
}

/// The way from one stop to the next.
#[derive(Serialize, ToSchema)]
pub(crate) struct Leg {
    /// `order` of the stop it leaves; 0 for the start.
    from: u32,
    /// `order` of the stop it reaches; one more than the last for the end.
    to: u32,
    distance_m: f64,
    /// Walking time in seconds.
    duration_s: u32,
    geometry: OffsetRange,
}

/// Positions in the path's coordinates, both included.
#[derive(Serialize, ToSchema)]
pub(crate) struct OffsetRange {
    start: u32,
    end: u32,
}

/// How good the walk is. Shares are of the path's length.
#[derive(Serialize, ToSchema)]
pub(crate) struct Quality {
    /// Walked a second time.
    repeated_share: f64,
    /// Known to be lit.
    well_lit_share: f64,
    /// Known to be lit or unlit.
    lit_known_share: f64,
    steps_used: bool,
    /// Share of the wanted themes that some stop has.
    theme_coverage: f64,
}

/// Asks for a walk.
///
/// The answer comes at once: `202` with the ids of a route that will be there in a moment, or `200` where the route is
/// known already. A request that was answered with `202` always ends as `complete` or `failed`.
#[utoipa::path(
    post, path = "/api/v1/routes", tag = "routes", security(("session" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A name of the caller's own: the same wish sent again under it gets the same answer")),
    request_body = RouteWish,
    responses(
        (status = 202, description = "Accepted", body = Accepted,
            headers(("location" = String, description = "The route"), ("retry-after" = u64, description = "Seconds until it is worth a look"))),
        (status = 200, description = "The route is there", body = Accepted, headers(("location" = String, description = "The route"))),
        (status = 422, description = "Wrong fields, each with a pointer, or an Idempotency-Key of another wish", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests, or too many open ones", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The database is away", body = ProblemDocument, content_type = "application/problem+json"),
        (status = "default", description = "A problem", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
pub(crate) async fn post_route(
    State(app): State<App>,
    Extension(HttpRequestId(http_request_id)): Extension<HttpRequestId>,
    Walker(user_id): Walker,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let request = RouteRequest::parse(&body)?;
    let ground = ground_of(&app.database, &request).await?;
    check(&ground, &body)?;

    let cache_key = cache_key(&request, ground.data_version);
    let known = app.redis.cached_route(&cache_key).await;
    let looked_up = if known.is_some() { "hit" } else { "miss" };
    metrics::counter!("route_cache_lookups_total", "result" => looked_up).increment(1);

    let traceparent = telemetry::traceparent();
    let new = NewRequest {
        id: RequestId(http_request_id),
        route_id: RouteId(Uuid::new_v4()),
        user_id,
        idempotency_key: key.as_deref(),
        body_hash: &Sha256::digest(serde_json::to_vec(&request).unwrap_or_default()),
        request: &request,
        cache_key: &cache_key,
        traceparent: traceparent.as_deref(),
        open_limit: app.config.open_requests_per_user,
    };
    match accept_request(&app.database, &new, known.as_ref()).await? {
        Acceptance::Pending => {
            publish(&app, &new).await;
            Ok(accepted(new.id, new.route_id, false))
        }
        Acceptance::Complete => Ok(accepted(new.id, new.route_id, true)),
        Acceptance::Replayed { request_id, route_id, from_cache } => {
            Ok(accepted(request_id, route_id, from_cache))
        }
        Acceptance::KeyReused => Err(ApiError::KeyReused),
        Acceptance::TooManyOpen => Err(ApiError::TooManyOpen(new.open_limit)),
        Acceptance::NoUser => Err(SessionError::Forged.into()),
    }
}

/// What only the data can tell: the themes exist, and the walk is where we have streets.
fn check(ground: &Ground, body: &Value) -> Result<(), ApiError> {
    let mut errors = unknown_themes(body, &ground.unknown_themes);
    let ends = [("/start_location", ground.start_covered), ("/end_location", ground.end_covered)];
    let uncovered = ends.into_iter().filter(|(_, covered)| !covered);
    errors.extend(
        uncovered.map(|(pointer, _)| FieldError::new(pointer, "is outside the area that Wildside covers")),
    );
    if errors.is_empty() { Ok(()) } else { Err(errors.into()) }
}

/// Sends the job, and the news of it. What does not get through the sweeper sends again: the row is the truth.
async fn publish(app: &App, new: &NewRequest<'_>) {
    let pending = StatusEvent {
        user_id: new.user_id,
        request_id: new.id,
        status: RequestStatus::Pending,
        route_id: None,
        error: None,
        rev: 0,
        progress: None,
    };
    if let Err(error) = app.bus.publish_status(pending, new.traceparent).await {
        tracing::debug!(%error, "nobody hears that a request is pending");
    }
    let job = GenerateRouteJob { request_id: new.id };
    if let Err(error) = app.bus.publish_route_job(&job, 0, new.traceparent).await {
        tracing::warn!(%error, "a job was not published; the sweeper will");
    }
}

fn accepted(request_id: RequestId, route_id: RouteId, complete: bool) -> Response {
    let status = if complete { Status::Complete } else { Status::Pending };
    let body = Json(Accepted { request_id: request_id.0, route_id: route_id.0, status });
    let location = [(header::LOCATION, format!("/api/v1/routes/{route_id}"))];
    if complete {
        (StatusCode::OK, location, body).into_response()
    } else {
        (StatusCode::ACCEPTED, location, [(header::RETRY_AFTER, "1")], body).into_response()
    }
}

/// A walker's own route. Somebody else's does not exist for them.
///
/// While it is pending the body says so. With `Accept: application/geo+json` or `application/gpx+xml` the complete route
/// comes as a file.
#[utoipa::path(
    get, path = "/api/v1/routes/{route_id}", tag = "routes", security(("session" = [])),
    params(("route_id" = Uuid, Path, description = "The id, as answered by POST /api/v1/routes")),
    responses(
        (status = 200, description = "The route, or how far it has come", content(
            (RouteBody = "application/json"), (String = "application/geo+json"), (String = "application/gpx+xml"))),
        (status = 304, description = "The caller has this version already"),
        (status = 409, description = "A file was asked for, and the route is not complete", body = ProblemDocument, content_type = "application/problem+json"),
        (status = "default", description = "A problem", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
pub(crate) async fn get_route(
    State(app): State<App>,
    Walker(user_id): Walker,
    PathId(route_id): PathId<RouteId>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let form = Form::wanted(&headers)?;
    let state =
        store::route(&app.database, user_id, route_id).await?.ok_or(ApiError::NotFound("This route"))?;
    let Some(route) = &state.route else {
        if form != Form::Json {
            return Err(ApiError::NotComplete { failed: state.status == RequestStatus::Failed });
        }
        let retry = (!state.status.is_terminal()).then_some([(header::RETRY_AFTER, "1")]);
        return Ok(
            (retry, [(header::CACHE_CONTROL, "no-store")], Json(RouteBody::from(state))).into_response()
        );
    };
    let etag = format!("\"{route_id}-{}{}\"", form.extension(), if state.saved { "-saved" } else { "" });
    let caching = [
        (header::ETAG, etag.clone()),
        (header::CACHE_CONTROL, "private, no-cache".into()),
        (header::VARY, "Accept, Cookie".into()),
    ];
    if is_known(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    Ok(match form {
        Form::Json => (caching, Json(RouteBody::from(state))).into_response(),
        Form::GeoJson => (caching, route_files::geojson(route_id, route)).into_response(),
        Form::Gpx => (caching, route_files::gpx(route_id, state.created_at, route)).into_response(),
    })
}

pub(crate) const ATTRIBUTION: &str = "© OpenStreetMap contributors, ODbL 1.0";

impl From<RequestStatus> for Status {
    fn from(status: RequestStatus) -> Self {
        match status {
            RequestStatus::Pending => Self::Pending,
            RequestStatus::InProgress => Self::InProgress,
            RequestStatus::Complete => Self::Complete,
            RequestStatus::Failed => Self::Failed,
        }
    }
}

impl From<RouteState> for RouteBody {
    fn from(state: RouteState) -> Self {
        let saved = state.saved;
        Self {
            route_id: state.route_id.0,
            request_id: state.request_id.0,
            status: state.status.into(),
            created_at: state.created_at,
            params: serde_json::to_value(&state.request).unwrap_or_default(),
            error: state.error,
            walk: state.route.map(|route| Walk::of(route, saved)),
        }
    }
}

impl Walk {
    fn of(route: domain::Route, saved: bool) -> Self {
        Self {
            path: route.path.into(),
            distance_m: route.distance_m,
            duration_s: route.duration_s,
            walking_s: route.walking_s,
            ascent_m: route.ascent_m,
            stops: route.stops.into_iter().map(Stop::from).collect(),
            legs: route.legs.into_iter().map(Leg::from).collect(),
            quality: route.quality.into(),
            data_sparse: !route.sparse_themes.is_empty(),
            saved,
            attribution: ATTRIBUTION,
        }
    }
}

impl From<domain::Stop> for Stop {
    fn from(stop: domain::Stop) -> Self {
        Self {
            order: stop.order,
            poi_id: stop.poi_id.0,
            name: stop.name,
            location: stop.location.into(),
            arrival_s: stop.arrival_s,
            dwell_s: stop.dwell_s,
            themes: stop.themes.into_iter().map(|theme| theme.0).collect(),
            popularity_score: stop.popularity_score,
            narrative: stop.narrative,
            why: stop.why,
        }
    }
}

impl From<domain::Leg> for Leg {
    fn from(leg: domain::Leg) -> Self {
        Self {
            from: leg.from,
            to: leg.to,
            distance_m: leg.distance_m,
            duration_s: leg.duration_s,
            geometry: OffsetRange { start: leg.geometry.start, end: leg.geometry.end },
        }
    }
}

impl From<domain::Quality> for Quality {
    fn from(quality: domain::Quality) -> Self {
        Self {
            repeated_share: quality.repeated_share,
            well_lit_share: quality.well_lit_share,
            lit_known_share: quality.lit_known_share,
            steps_used: quality.steps_used,
            theme_coverage: quality.theme_coverage,
        }
    }
}
