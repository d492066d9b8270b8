use axum::extract::State;
use domain::{RequestStatus, RouteId, UserId};
use http::StatusCode;
use store::{Saving, set_saved};

use crate::{
    app::App,
    endpoints::wire::ProblemDocument,
    error::ApiError,
    extract::{PathId, Walker},
};

/// Saves a route: it is kept for as long as its walker.
#[utoipa::path(
    put, path = "/api/v1/routes/{route_id}/saved", tag = "routes", security(("session" = [])),
    params(("route_id" = Uuid, Path, description = "A complete route")),
    responses(
        (status = 204, description = "It is saved"),
        (status = 409, description = "It is not complete, or as many routes are saved as may be", body = ProblemDocument, content_type = "application/problem+json",
            headers(("retry-after" = Option<u64>, description = "Seconds until it is worth another try, where it is not complete yet")))
    )
)]
pub(crate) async fn save_route(
    State(app): State<App>,
    Walker(user): Walker,
    PathId(route): PathId<RouteId>,
) -> Result<StatusCode, ApiError> {
    set(&app, user, route, true).await
}

/// Lets a saved route go.
#[utoipa::path(
    delete, path = "/api/v1/routes/{route_id}/saved", tag = "routes", security(("session" = [])),
    params(("route_id" = Uuid, Path, description = "A complete route")),
    responses(
        (status = 204, description = "It is not saved"),
        (status = 409, description = "It is not complete", body = ProblemDocument, content_type = "application/problem+json",
            headers(("retry-after" = Option<u64>, description = "Seconds until it is worth another try, unless the request has failed")))
    )
)]
pub(crate) async fn unsave_route(
    State(app): State<App>,
    Walker(user): Walker,
    PathId(route): PathId<RouteId>,
) -> Result<StatusCode, ApiError> {
    set(&app, user, route, false).await
}

async fn set(app: &App, user: UserId, route: RouteId, saved: bool) -> Result<StatusCode, ApiError> {
    let limit = app.config.saved_routes_per_user;
    match set_saved(&app.database, user, route, saved, limit).await? {
        Saving::Done { cache_key, still_saved } => {
            app.redis.keep_route(&cache_key, still_saved).await;
            Ok(StatusCode::NO_CONTENT)
        }
        Saving::TooMany => Err(ApiError::TooManySaved(limit)),
        Saving::NotComplete => {
            let state = store::route(&app.database, user, route).await?;
            Err(ApiError::NotComplete {
                failed: state.is_some_and(|state| state.status == RequestStatus::Failed),
            })
        }
        Saving::NoRoute => Err(ApiError::NotFound("This route")),
    }
}
