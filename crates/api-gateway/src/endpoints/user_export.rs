use axum::{
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use futures_util::{TryStreamExt, stream};
use http::header;
use serde_json::Value;
use store::export_user;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::App,
    endpoints::{
        route_bodies::{Leg, Quality, RouteRequestBody},
        wire::{GeoLineString, GeoPoint},
    },
    error::ApiError,
    extract::Walker,
};

/// Everything that is held about a walker. Written by `store::UserExport`.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only describes the body")]
pub(crate) struct UserExport {
    exported_at: DateTime<Utc>,
    user: UserRecord,
    /// Sessions that were ended before their cookie expired, newest first, at most 100.
    ended_sessions: Vec<EndedSessions>,
    /// What is held elsewhere, in words.
    notes: Vec<String>,
    /// All requests for walks, oldest first.
    route_requests: Vec<ExportedRequest>,
}

/// The walker's own row; its times are missing where nothing has been written yet.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only describes the body")]
pub(crate) struct UserRecord {
    id: Uuid,
    #[schema(required)]
    created_at: Option<DateTime<Utc>>,
    #[schema(required)]
    updated_at: Option<DateTime<Utc>>,
    /// The newest sign of life, give or take a month.
    #[schema(required)]
    active_at: Option<DateTime<Utc>>,
    #[schema(required)]
    revision: Option<i64>,
    interest_theme_ids: Vec<Uuid>,
}

/// Sessions that were ended early.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only describes the body")]
pub(crate) struct EndedSessions {
    at: DateTime<Utc>,
    user_id: Uuid,
    /// One session, or all that were begun until a time.
    scope: Value,
    /// When this is forgotten.
    expires_at: DateTime<Utc>,
}

/// How far a request has come.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "only describes the body")]
pub(crate) enum RequestStatus {
    Pending,
    InProgress,
    Complete,
    Failed,
}

/// A request for a walk, and what became of it.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only describes the body")]
pub(crate) struct ExportedRequest {
    request_id: Uuid,
    route_id: Uuid,
    #[schema(inline)]
    status: RequestStatus,
    /// Why there is no route.
    #[schema(required)]
    error: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    attempts: i32,
    /// Answered with a route that was known.
    from_cache: bool,
    #[schema(required)]
    idempotency_key: Option<String>,
    /// W3C trace context of the HTTP request.
    #[schema(required)]
    trace_context: Option<String>,
    params: RouteRequestBody,
    /// Themes for which more places are looked for on behalf of this request.
    waiting_for_theme_ids: Vec<Uuid>,
    #[schema(required)]
    saved_at: Option<DateTime<Utc>>,
    #[schema(required)]
    route: Option<ExportedRoute>,
}

/// A place to stop at, as it is stored: what is not known is missing.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only describes the body")]
pub(crate) struct ExportedStop {
    /// 1 for the first.
    order: u32,
    poi_id: i64,
    #[schema(nullable = false)]
    name: Option<String>,
    location: GeoPoint,
    /// Seconds from the start of the walk.
    arrival_s: u32,
    /// Seconds to spend there.
    dwell_s: u32,
    themes: Vec<Uuid>,
    popularity_score: f32,
    #[schema(nullable = false)]
    narrative: Option<String>,
    why: String,
}

/// A walk, as it is stored.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only describes the body")]
pub(crate) struct ExportedRoute {
    path: GeoLineString,
    /// Metres.
    distance_m: f64,
    /// Seconds.
    duration_s: u32,
    /// Seconds.
    walking_s: u32,
    /// Metres climbed, where heights are known.
    ascent_m: Option<f64>,
    stops: Vec<ExportedStop>,
    legs: Vec<Leg>,
    quality: Quality,
    /// Wanted themes of which too few places were known.
    sparse_themes: Vec<Uuid>,
}

/// Everything that is held about the walker, as a file.
#[utoipa::path(
    get, path = "/api/v1/users/me/export", tag = "walkers", security(("session" = [])),
    responses(
        (status = 200, description = "The file", body = UserExport,
            headers(("content-disposition" = String, description = "A name for the file")))
    )
)]
pub(crate) async fn get_export(State(app): State<App>, Walker(user): Walker) -> Result<Response, ApiError> {
    let export = export_user(&app.database, user).await?;
    let pieces = stream::try_unfold(export, async |mut export| {
        Ok(export.next().await?.map(|piece| (Bytes::from(piece), export)))
    });
    // The answer has begun: all that can be said of a failure is that the file is not whole.
    let pieces =
        pieces.inspect_err(|error: &store::StoreError| tracing::error!(%error, "an export broke off"));
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "private, no-store"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"wildside.json\""),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}
