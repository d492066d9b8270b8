use std::net::IpAddr;

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use bus::GenerateRouteJob;
use domain::{FieldError, RequestId, RequestStatus, RouteId, RouteRequest, StatusEvent};
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use service::{CallerAddress, SessionError, analytics::Event, http::RequestId as HttpRequestId, telemetry};
use sha2::{Digest, Sha256};
use store::{
    Acceptance, Account, AdmissionLimits, Ground, NewRequest, accept_request, cache_key, ground_of, replay,
    whole_seconds,
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::App,
    endpoints::{
        interests::unknown_themes,
        route_bodies::{Complete, RouteBody, RouteRequestBody},
        route_files::{self, Form, RouteFile},
        wire::ProblemDocument,
    },
    error::ApiError,
    extract::{IdempotencyKey, JsonBody, PathId, Walker, is_known},
};

/// A request that was accepted: its route will be there in a moment.
#[derive(Serialize, ToSchema)]
pub(crate) struct AcceptedRequest {
    /// The request, as in WebSocket messages.
    request_id: Uuid,
    /// Where its route will be: `/api/v1/routes/{route_id}`.
    route_id: Uuid,
    #[schema(inline)]
    status: Pending,
    /// Seconds until a worker takes it up, by estimate; missing where nobody can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    estimated_wait_s: Option<u32>,
}

/// A request whose route is known already.
#[derive(Serialize, ToSchema)]
pub(crate) struct KnownRoute {
    /// The request.
    request_id: Uuid,
    /// Where its route is: `/api/v1/routes/{route_id}`.
    route_id: Uuid,
    #[schema(inline)]
    status: Complete,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pending {
    Pending,
}

/// Asks for a walk.
///
/// The answer comes at once: `202` with the ids of a route that will be there in a moment, or `200` where the route is
/// known already. A request that was answered with `202` always ends as `complete` or `failed`.
#[utoipa::path(
    post, path = "/api/v1/routes", tag = "routes", security(("session" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A name of the caller's own: the same request sent again under it gets the same answer")),
    request_body = RouteRequestBody,
    responses(
        (status = 202, description = "Accepted", body = AcceptedRequest,
            headers(("location" = String, description = "The route"), ("retry-after" = u64, description = "Seconds until it is worth a look"))),
        (status = 200, description = "The route is there", body = KnownRoute, headers(("location" = String, description = "The route"))),
        (status = 422, description = "Wrong fields, each with a pointer, or an Idempotency-Key of another request", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
pub(crate) async fn post_route(
    State(app): State<App>,
    Extension(HttpRequestId(http_request_id)): Extension<HttpRequestId>,
    Walker(user_id): Walker,
    IdempotencyKey(key): IdempotencyKey,
    Extension(address): Extension<CallerAddress>,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let request = RouteRequest::parse(&body)?;
    let traceparent = telemetry::traceparent();
    let source = source_of(address.0).to_string();
    let mut new = NewRequest {
        id: RequestId(http_request_id),
        route_id: RouteId(Uuid::new_v4()),
        user_id,
        idempotency_key: key.as_deref(),
        body_hash: &Sha256::digest(serde_json::to_vec(&request).unwrap_or_default()),
        request: &request,
        cache_key: "",
        traceparent: traceparent.as_deref(),
        source: Some(&source),
        limits: AdmissionLimits {
            open_per_user: app.config.open_requests_per_user,
            open_cost_per_source: app.config.open_cost_per_address,
            max_wait_s: app.config.max_wait_seconds,
        },
    };
    if let Some(earlier) = replay(&app.database, &new).await? {
        return answer(&app, &new, earlier).await;
    }
    let ground = ground_of(&app.database, &request).await?;
    check(&ground, &body)?;

    let cache_key = cache_key(&request, ground.data_version);
    new.cache_key = &cache_key;
    let known = app.redis.cached_route(&cache_key).await;
    let looked_up = if known.is_some() { "hit" } else { "miss" };
    metrics::counter!("route_cache_lookups_total", "result" => looked_up).increment(1);
    let (acceptance, account) = accept_request(&app.database, &new, known.as_ref()).await?;
    if account == Account::New {
        app.analytics.tell(user_id.0, Event::UserSignup);
    }
    answer(&app, &new, acceptance).await
}

async fn answer(app: &App, new: &NewRequest<'_>, acceptance: Acceptance) -> Result<Response, ApiError> {
    match acceptance {
        Acceptance::Pending { wait_s } => {
            publish(app, new, wait_s).await;
            Ok(accepted(new.id, new.route_id, false, wait_s))
        }
        Acceptance::Complete => Ok(accepted(new.id, new.route_id, true, None)),
        Acceptance::Replayed { request_id, route_id, from_cache } => {
            Ok(accepted(request_id, route_id, from_cache, None))
        }
        Acceptance::KeyReused => Err(ApiError::KeyReused),
        Acceptance::Rejected(rejection) => Err(ApiError::rejected(rejection, new.limits)),
        Acceptance::Erased => Err(SessionError::Forged.into()),
    }
}

/// Whose turn in the queue a request takes: an address of IPv4, and of IPv6 what one customer of a provider gets at most.
fn source_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & (u128::MAX << 80)).into()),
        address => address,
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
async fn publish(app: &App, new: &NewRequest<'_>, wait_s: Option<f64>) {
    let pending = StatusEvent {
        user_id: new.user_id,
        request_id: new.id,
        status: RequestStatus::Pending,
        route_id: None,
        error: None,
        rev: 0,
        progress: None,
        estimated_wait_s: wait_s.map(whole_seconds),
    };
    if let Err(error) = app.bus.publish_status(pending, new.traceparent).await {
        tracing::debug!(%error, "nobody hears that a request is pending");
    }
    let job = GenerateRouteJob { request_id: new.id };
    if let Err(error) = app.bus.publish_job(&job, 0, new.traceparent).await {
        tracing::warn!(%error, "a job was not published; the sweeper will");
    }
}

fn accepted(request_id: RequestId, route_id: RouteId, complete: bool, wait_s: Option<f64>) -> Response {
    let location = [(header::LOCATION, format!("/api/v1/routes/{route_id}"))];
    let (request_id, route_id) = (request_id.0, route_id.0);
    if complete {
        let body = KnownRoute { request_id, route_id, status: Complete::Complete };
        (StatusCode::OK, location, Json(body)).into_response()
    } else {
        let estimated_wait_s = wait_s.map(whole_seconds);
        let body = AcceptedRequest { request_id, route_id, status: Pending::Pending, estimated_wait_s };
        (StatusCode::ACCEPTED, location, [(header::RETRY_AFTER, "1")], Json(body)).into_response()
    }
}

/// A walker's own route. Somebody else's does not exist for them.
///
/// While it is pending the body says so. With `Accept: application/geo+json` or `application/gpx+xml` the complete route
/// comes as a file.
#[utoipa::path(
    get, path = "/api/v1/routes/{route_id}", tag = "routes", security(("session" = [])),
    params(
        ("route_id" = Uuid, Path, description = "The id, as answered by POST /api/v1/routes"),
        ("If-None-Match" = Option<String>, Header, description = "ETags of the versions that the caller has")
    ),
    responses(
        (status = 200, description = "The route, or how far it has come",
            content((RouteBody = "application/json"), (RouteFile = "application/geo+json"), (String = "application/gpx+xml")),
            headers(
                ("etag" = Option<String>, description = "This version of a complete route, in this form"),
                ("retry-after" = Option<u64>, description = "Seconds until it is worth another look, while it is pending or in progress"),
                ("content-disposition" = Option<String>, description = "The name of the file, where one was asked for"))),
        (status = 304, description = "The caller has this version already", headers(("etag" = String, description = "This version"))),
        (status = 406, description = "The caller accepts none of the forms that there are", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "A file was asked for, and the route is not complete", body = ProblemDocument, content_type = "application/problem+json",
            headers(("retry-after" = Option<u64>, description = "Seconds until it is worth another look, unless the request has failed")))
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
    if is_known(&headers, &etag)? {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    Ok(match form {
        Form::Json => (caching, Json(RouteBody::from(state))).into_response(),
        Form::GeoJson => (caching, route_files::geojson(route_id, route)).into_response(),
        Form::Gpx => (caching, route_files::gpx(route_id, state.created_at, route)).into_response(),
    })
}
