use std::time::SystemTime;

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{User, UserId};
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use service::{CallerAddress, analytics::Event};
use store::user;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::App,
    endpoints::wire::AccessibilityNeeds,
    error::ApiError,
    extract::{CurrentSession, Walker, is_known},
};

/// A walker's profile.
#[derive(Serialize, ToSchema)]
pub(crate) struct Profile {
    /// Who: a pseudonym, and all that is known of a walker.
    id: Uuid,
    /// Grows with every change; also in the ETag.
    #[schema(minimum = 1)]
    revision: i64,
    /// What they like.
    #[schema(max_items = 100)]
    interest_theme_ids: Vec<Uuid>,
    /// What their latest request wished for: a form may begin with it.
    preferences: Preferences,
}

/// Wishes that a walker is likely to have again.
#[derive(Serialize, ToSchema)]
pub(crate) struct Preferences {
    /// 0 hidden gems, 1 hotspots.
    #[schema(minimum = 0, maximum = 1)]
    popularity_bias: f64,
    accessibility: AccessibilityNeeds,
}

/// Begins a session with a new anonymous walker. Who has a valid session gets their own profile back.
#[utoipa::path(
    post, path = "/api/v1/users", tag = "walkers",
    responses(
        (status = 201, description = "A new walker; the session is in the cookie", body = Profile,
            headers(("set-cookie" = String, description = "The session"), ("etag" = String, description = "The revision"))),
        (status = 200, description = "The walker of the session that was sent", body = Profile,
            headers(("etag" = String, description = "The revision")))
    )
)]
pub(crate) async fn create_user(
    State(app): State<App>,
    Extension(CallerAddress(address)): Extension<CallerAddress>,
    session: Option<CurrentSession>,
) -> Result<Response, ApiError> {
    if let Some(CurrentSession(session)) = session {
        let user = user(&app.database, UserId(session.user_id)).await?;
        app.analytics.tell(session.user_id, Event::UserLogin);
        return Ok(with_profile(StatusCode::OK, user));
    }
    let limit = app.config.new_users_limit();
    let allowance = app.limiter.knock(&format!("new-users:{address}"), limit).await;
    if !allowance.allowed {
        metrics::counter!("rate_limited_total", "policy" => "new-users").increment(1);
        return Err(ApiError::TooManyNewUsers(allowance));
    }
    // Nothing is written before the walker's first wish: see `store::Account`. They have signed up then, not before.
    let id = UserId(Uuid::new_v4());
    let user = user(&app.database, id).await?;
    let mut response = with_profile(StatusCode::CREATED, user);
    if let Ok(cookie) = app.sessions.now().begin(id.0, SystemTime::now()).parse() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The walker's own profile.
#[utoipa::path(
    get, path = "/api/v1/users/me", tag = "walkers", security(("session" = [])),
    params(("If-None-Match" = Option<String>, Header, description = "ETags of the revisions that the caller has")),
    responses(
        (status = 200, description = "The profile", body = Profile, headers(("etag" = String, description = "The revision"))),
        (status = 304, description = "The caller has this revision already",
            headers(("etag" = String, description = "The revision")))
    )
)]
pub(crate) async fn get_me(
    State(app): State<App>,
    Walker(id): Walker,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let user = user(&app.database, id).await?;
    if is_known(&headers, &etag(user.revision))? {
        let headers =
            [(header::ETAG, etag(user.revision)), (header::CACHE_CONTROL, "private, no-cache".into())];
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok(with_profile(StatusCode::OK, user))
}

pub(crate) fn with_profile(status: StatusCode, user: User) -> Response {
    let headers = [(header::ETAG, etag(user.revision)), (header::CACHE_CONTROL, "private, no-cache".into())];
    (status, headers, Json(Profile::from(user))).into_response()
}

pub(crate) fn etag(revision: i64) -> String {
    format!("\"{revision}\"")
}

impl From<User> for Profile {
    fn from(user: User) -> Self {
        Self {
            id: user.id.0,
            revision: user.revision,
            interest_theme_ids: user.interest_theme_ids.into_iter().map(|theme| theme.0).collect(),
            preferences: Preferences {
                popularity_bias: user.popularity_bias,
                accessibility: user.accessibility.into(),
            },
        }
    }
}
