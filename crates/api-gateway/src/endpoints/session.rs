use std::time::SystemTime;

use axum::{extract::State, response::IntoResponse};
use domain::UserId;
use http::{StatusCode, header};
use service::Session;
use store::{revoke_session, revoke_sessions_of};

use crate::{app::App, error::ApiError, extract::CurrentSession};

/// Ends the session: clears the cookie, and refuses every copy of it from now on.
///
/// Open WebSockets of the session are closed. The walker's routes stay, but without the cookie nobody reaches them again:
/// `DELETE /api/v1/users/me` removes them.
#[utoipa::path(
    delete, path = "/api/v1/session", tag = "walkers",
    responses(
        (status = 204, description = "There is no session any more",
            headers(("set-cookie" = String, description = "An empty session that has expired")))
    )
)]
pub(crate) async fn delete_session(
    State(app): State<App>,
    session: Option<CurrentSession>,
) -> Result<impl IntoResponse, ApiError> {
    if let Some(CurrentSession(session)) = session {
        app.refuse(revoke_session(&app.database, UserId(session.user_id), session.id).await?).await;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, app.sessions.now().end())]))
}

/// Ends all of the walker's sessions, on whatever device, and begins a new one for the caller.
#[utoipa::path(
    delete, path = "/api/v1/users/me/sessions", tag = "walkers", security(("session" = [])),
    responses(
        (status = 204, description = "Only the session in the new cookie is left",
            headers(("set-cookie" = String, description = "The new session")))
    )
)]
pub(crate) async fn delete_sessions(
    State(app): State<App>,
    CurrentSession(session): CurrentSession,
) -> Result<impl IntoResponse, ApiError> {
    let now = SystemTime::now();
    let kept = Session::begin(session.user_id, now);
    // A clock that runs ahead may have begun the present one.
    let until = kept.begun.max(session.begun);
    let revoked = revoke_sessions_of(&app.database, UserId(session.user_id), until, Some(kept.id)).await?;
    app.refuse(revoked).await;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, app.sessions.now().issue(&kept, now))]))
}
