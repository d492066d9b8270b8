use axum::{
    extract::{
        State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::{IntoResponse, Response},
};
use domain::UserId;
use http::{HeaderMap, StatusCode};
use service::{Problem, SessionError};

use crate::{app::App, socket};

/// A message of ours, or of a walker, is a few hundred bytes; small buffers keep an idle socket at a few KiB.
const BUFFER_BYTES: usize = 4 * 1024;
/// Most that a slow walker's socket holds back before it is given up.
const MOST_UNSENT_BYTES: usize = 64 * 1024;

/// Decides who may open a WebSocket, before it is one: afterwards there is no status left to say no with.
pub(crate) async fn open(
    State(app): State<App>,
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
    let Some(registration) = app.hub.register(session, usize::from(app.config.sockets_per_user)) else {
        let detail = "Too many WebSockets are open for this session. Close some first.";
        return Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
            .of_kind("too-many-sockets")
            .retry_after(5)
            .into_response();
    };
    // It may have ended after it was looked at and before it was registered.
    if app.is_revoked(&session) {
        registration.ended.cancel();
    }
    // From here on a stop waits for this socket: taken any later, it could fall between two looks.
    let tracked = app.sockets.token();
    upgrade
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_write_buffer_size(MOST_UNSENT_BYTES)
        .max_message_size(BUFFER_BYTES)
        .max_frame_size(BUFFER_BYTES)
        .on_upgrade(async move |websocket| {
            socket::serve(app, user, registration, websocket).await;
            drop(tracked);
        })
}
