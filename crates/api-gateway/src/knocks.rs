//! Who is let in: pages of listed origins only, and nobody too often.

use std::time::SystemTime;

use axum::{
    Extension,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{Allowance, RateLimit, UserId};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use service::{CallerAddress, Session};

use crate::{app::App, error::ApiError};

pub(crate) async fn let_in(
    State(app): State<App>,
    Extension(CallerAddress(address)): Extension<CallerAddress>,
    mut request: Request,
    next: Next,
) -> Response {
    if !request.method().is_safe() && !app.config.door.allowed_origins.allow(request.headers()) {
        return ApiError::ForeignOrigin.into_response();
    }
    // A look at a map is dozens of tiles. They are counted apart, so that looking keeps nobody from asking for a walk.
    let (kind, more) = if request.uri().path().starts_with("/tiles/") { ("tiles:", 10) } else { ("", 1) };
    let limit =
        RateLimit::per_minute(app.config.door.listener.rate_limit_address_per_minute.saturating_mul(more));
    let mut policy = ("address", limit, app.limiter.knock(&format!("{kind}address:{address}"), limit).await);
    let session = app.session(request.headers(), SystemTime::now());
    if let (true, Ok(session)) = (policy.2.allowed, session) {
        let limit = RateLimit::per_minute(app.config.rate_limit_session_per_minute.saturating_mul(more));
        policy =
            ("session", limit, app.limiter.knock(&format!("{kind}session:{}", session.user_id), limit).await);
    }
    request.extensions_mut().insert(session);
    request.extensions_mut().insert(CallerAddress(address));
    let mut response = if policy.2.allowed {
        next.run(request).await
    } else {
        metrics::counter!("rate_limited_total", "policy" => policy.0).increment(1);
        ApiError::TooOften(policy.2).into_response()
    };
    // What a shared cache may keep must not depend on who asked.
    if service::http::is_public(response.headers()) {
        return response;
    }
    tell(response.headers_mut(), policy);
    if let Ok(session) = session
        && session.is_old
        && !response.headers().contains_key(header::SET_COOKIE)
    {
        renew(&app, &session, response.headers_mut());
    }
    response
}

/// Gives a walker a new cookie for the same session, and notes that they were here.
fn renew(app: &App, session: &Session, headers: &mut HeaderMap) {
    if let Ok(cookie) = app.sessions.now().issue(session, SystemTime::now()).parse() {
        headers.insert(header::SET_COOKIE, cookie);
    }
    let (database, user) = (app.database.clone(), UserId(session.user_id));
    tokio::spawn(async move {
        if let Err(error) = store::note_activity(&database, user).await {
            tracing::warn!(%error, "a walker's visit was not noted");
        }
    });
}

/// The RateLimit fields of the IETF's draft-ietf-httpapi-ratelimit-headers.
fn tell(headers: &mut HeaderMap, (name, limit, allowance): (&str, RateLimit, Allowance)) {
    let fields = [
        ("ratelimit-policy", format!("\"{name}\";q={};w=60", limit.per_minute)),
        ("ratelimit", format!("\"{name}\";r={};t={}", allowance.remaining, allowance.reset_after.as_secs())),
    ];
    for (field, value) in fields {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(field), value);
        }
    }
}
