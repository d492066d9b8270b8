use axum::{extract::State, response::IntoResponse};
use domain::{RouteId, UserId};
use http::{StatusCode, header};
use store::{delete_route as remove_route, erase_user};

use crate::{
    app::App,
    error::ApiError,
    extract::{PathId, Walker},
};

/// Deletes a route, saved or not. One that is still being made is cancelled.
#[utoipa::path(
    delete, path = "/api/v1/routes/{route_id}", tag = "routes", security(("session" = [])),
    params(("route_id" = Uuid, Path, description = "The id, as answered by POST /api/v1/routes")),
    responses(
        (status = 204, description = "It is gone")
    )
)]
pub(crate) async fn delete_route(
    State(app): State<App>,
    Walker(user): Walker,
    PathId(route): PathId<RouteId>,
) -> Result<StatusCode, ApiError> {
    let deleted = remove_route(&app.database, user, route).await?.ok_or(ApiError::NotFound("This route"))?;
    app.redis.forget_routes(&[deleted.cache_key]).await;
    if let Some(event) = deleted.cancelled
        && let Err(error) = app.bus.publish_status(event, None).await
    {
        tracing::debug!(%error, "open pages do not hear that a request was cancelled");
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Erases the walker with everything that is theirs, at once and for good: profile, requests, routes, and every copy of
/// them. All sessions end, and open WebSockets are closed.
#[utoipa::path(
    delete, path = "/api/v1/users/me", tag = "walkers", security(("session" = [])),
    responses(
        (status = 204, description = "Nothing is left; the cookie is cleared",
            headers(("set-cookie" = String, description = "Clears the session")))
    )
)]
pub(crate) async fn delete_me(
    State(app): State<App>,
    Walker(user): Walker,
) -> Result<impl IntoResponse, ApiError> {
    erase(&app, user).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, app.sessions.now().end())]))
}

/// The rows go first. From then on nothing of the walker can be written anew, so that what is removed elsewhere stays
/// removed. What is left in NATS are jobs of requests that no worker finds any more.
async fn erase(app: &App, user: UserId) -> Result<(), ApiError> {
    let erased = erase_user(&app.database, user).await?;
    app.refuse(erased.revocation).await;
    app.redis.forget_routes(&erased.cache_keys).await;
    app.redis.forget_callers(&["session", "tiles:session"].map(|policy| format!("{policy}:{user}"))).await;
    tracing::info!(requests = erased.requests.len(), "a walker was erased");
    Ok(())
}
