use axum::{
    Extension,
    extract::{
        State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::{IntoResponse, Response},
};
use domain::UserId;
use http::{HeaderMap, StatusCode};
use service::{CallerAddress, Problem, SessionError, listener::Inflow};

use crate::{app::App, hub::Full, socket};

/// What is read at once: the location of a walker is a few hundred bytes, and each idle socket keeps a buffer of this size.
const READ_BUFFER_BYTES: usize = 512;
/// Longest message that is read, and what is written at once.
const MAX_MESSAGE_BYTES: usize = 4 * 1024;
/// Most that a slow walker's socket holds back before it is given up.
const MAX_UNSENT_BYTES: usize = 64 * 1024;

/// Decides who may open a WebSocket, before it is one: afterwards there is no status left to say no with.
pub(crate) async fn open(
    State(app): State<App>,
    Extension(address): Extension<CallerAddress>,
    Extension(inflow): Extension<Inflow>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if !app.config.door.allowed_origins.allow(&headers) {
        let detail = "Pages of this origin may not use Wildside.";
        return Problem::new(StatusCode::FORBIDDEN, detail).of_kind("foreign-origin").into_response();
    }
    let session = match app.session(&headers) {
        Ok(session) => session,
        Err(error @ SessionError::Unchecked) => {
            return Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
                .of_kind("unavailable")
                .retry_after(2)
                .into_response();
        }
        Err(error) => {
            return Problem::new(StatusCode::UNAUTHORIZED, error.to_string())
                .of_kind("no-session")
                .into_response();
        }
    };
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return Problem::new(rejection.status(), rejection.body_text()).into_response(),
    };
    let user = UserId(session.user_id);
    let registration = match app.hub.register(session, address, app.limits) {
        Ok(registration) => registration,
        Err(full) => return too_many(full).into_response(),
    };
    // It may have ended after it was looked at and before it was registered.
    if app.is_revoked(&session) {
        registration.ended.cancel();
    }
    // From here on a stop waits for this socket: taken any later, it could fall between two looks.
    let tracked = app.sockets.token();
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(MAX_MESSAGE_BYTES)
        .max_write_buffer_size(MAX_UNSENT_BYTES)
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
        .on_upgrade(async move |websocket| {
            inflow.limit(socket::MAX_BYTES);
            socket::serve(app, user, registration, websocket).await;
            drop(tracked);
        })
}

fn too_many(full: Full) -> Problem {
    let (status, kind, detail) = match full {
        Full::User => (
            StatusCode::TOO_MANY_REQUESTS,
            "too-many-sockets",
            "Too many WebSockets are open for this session. Close some first.",
        ),
        Full::Address => (
            StatusCode::TOO_MANY_REQUESTS,
            "too-many-sockets",
            "Too many WebSockets are open from this address. Close some first.",
        ),
        Full::All => (
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "As many WebSockets are open as there may be. Try again in a moment.",
        ),
    };
    Problem::new(status, detail).of_kind(kind).retry_after(5)
}
