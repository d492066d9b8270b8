use axum::{extract::State, response::IntoResponse};
use http::{StatusCode, header};

use crate::app::App;

/// Ends the session: clears the cookie. The walker's routes stay, but without the cookie nobody reaches them again.
#[utoipa::path(
    delete, path = "/api/v1/session", tag = "walkers",
    responses(
        (status = 204, description = "There is no session any more",
            headers(("set-cookie" = String, description = "An empty session that has expired")))
    )
)]
pub(crate) async fn delete_session(State(app): State<App>) -> impl IntoResponse {
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, app.sessions.end())])
}
