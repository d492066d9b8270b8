use axum::extract::State;
use domain::{RequestStatus, RouteId, UserId};
use http::StatusCode;
use store::{Pinning, set_saved};

use crate::{
    app::App,
    endpoints::wire::ProblemDocument,
    error::ApiError,
    extract::{PathId, Walker},
};

/// Pins a route: it is kept for ever.
#[utoipa::path(
    put, path = "/api/v1/routes/{route_id}/saved", tag = "routes", security(("session" = [])),
    params(("route_id" = Uuid, Path, description = "A complete route")),
    responses(
        (status = 204, description = "It is pinned"),
        (status = 409, description = "It is not complete", body = ProblemDocument, content_type = "application/problem+json",
            headers(("retry-after" = Option<u64>, description = "Seconds until it is worth another try, unless the request has failed")))
    )
)]
pub(crate) async fn save_route(
    State(app): State<App>,
    Walker(user): Walker,
    PathId(route): PathId<RouteId>,
) -> Result<StatusCode, ApiError> {
    pin(&app, user, route, true).await
}

/// Lets a pinned route go.
#[utoipa::path(
    delete, path = "/api/v1/routes/{route_id}/saved", tag = "routes", security(("session" = [])),
    params(("route_id" = Uuid, Path, description = "A complete route")),
    responses(
        (status = 204, description = "It is not pinned"),
        (status = 409, description = "It is not complete", body = ProblemDocument, content_type = "application/problem+json",
            headers(("retry-after" = Option<u64>, description = "Seconds until it is worth another try, unless the request has failed")))
    )
)]
pub(crate) async fn unsave_route(
    State(app): State<App>,
    Walker(user): Walker,
    PathId(route): PathId<RouteId>,
) -> Result<StatusCode, ApiError> {
    pin(&app, user, route, false).await
}

async fn pin(app: &App, user: UserId, route: RouteId, saved: bool) -> Result<StatusCode, ApiError> {
    match set_saved(&app.database, user, route, saved).await? {
        Pinning::Done { cache_key, still_pinned } => {
            app.redis.pin_route(&cache_key, still_pinned).await;
            Ok(StatusCode::NO_CONTENT)
        }
        Pinning::NotComplete => {
            let state = store::route(&app.database, user, route).await?;
            Err(ApiError::NotComplete {
                failed: state.is_some_and(|state| state.status == RequestStatus::Failed),
            })
        }
        Pinning::NoRoute => Err(ApiError::NotFound("This route")),
    }
}
