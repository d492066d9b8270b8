//! How requests are read. Each of these answers with a problem document of its own where the framework's would not.

use std::str::FromStr;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, OptionalFromRequestParts, RawPathParams, Request},
};
use domain::UserId;
use http::{HeaderMap, HeaderName, header, request::Parts};
use serde_json::Value;
use service::{Session, SessionError};

use crate::{app::App, error::ApiError};

/// The walker who asks.
pub(crate) struct Walker(pub UserId);

impl FromRequestParts<App> for Walker {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let CurrentSession(session) =
            <CurrentSession as FromRequestParts<App>>::from_request_parts(parts, app).await?;
        Ok(Self(UserId(session.user_id)))
    }
}

/// The session of the walker who asks.
pub(crate) struct CurrentSession(pub Session);

impl FromRequestParts<App> for CurrentSession {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        // Verified once, at the door: see `knocks`.
        let session = parts.extensions.get::<Result<Session, SessionError>>().copied();
        Ok(Self(session.unwrap_or(Err(SessionError::Missing))?))
    }
}

impl OptionalFromRequestParts<App> for CurrentSession {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, ApiError> {
        match <Self as FromRequestParts<App>>::from_request_parts(parts, app).await {
            // Whoever cannot be recognised right now must not be taken for somebody new.
            Err(error @ ApiError::Session(SessionError::Unchecked)) => Err(error),
            session => Ok(session.ok()),
        }
    }
}

/// A JSON body, whatever is in it.
pub(crate) struct JsonBody(pub Value);

impl FromRequest<App> for JsonBody {
    type Rejection = ApiError;
    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(ApiError::UnsupportedMediaType);
        }
        let bytes = Bytes::from_request(request, app).await.map_err(ApiError::Body)?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| ApiError::Malformed(format!("The body is not JSON: {error}.")))
    }
}

/// The id in the path. One that is none names nothing that exists.
pub(crate) struct PathId<T>(pub T);

impl<T: FromStr> FromRequestParts<App> for PathId<T> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let none = || ApiError::NotFound("What you ask for");
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| none())?;
        let id = params.iter().next().and_then(|(_, value)| value.parse().ok());
        id.map(Self).ok_or_else(none)
    }
}

/// The caller's own name for a request.
pub(crate) struct IdempotencyKey(pub Option<String>);

impl FromRequestParts<App> for IdempotencyKey {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let values: Vec<_> =
            parts.headers.get_all(HeaderName::from_static("idempotency-key")).iter().collect();
        match values[..] {
            [] => Ok(Self(None)),
            [value] => match value.to_str() {
                Ok(key) if (1..=255).contains(&key.len()) => Ok(Self(Some(key.to_owned()))),
                _ => Err(ApiError::Malformed(
                    "The Idempotency-Key must be 1 to 255 visible ASCII characters.".into(),
                )),
            },
            _ => Err(ApiError::Malformed("There must be one Idempotency-Key.".into())),
        }
    }
}

/// The caller has this version already.
pub(crate) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    names(headers, header::IF_NONE_MATCH)
        .is_some_and(|known| known.iter().any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag))
}

/// The entity tags of a conditional header.
pub(crate) fn names(headers: &HeaderMap, name: HeaderName) -> Option<Vec<String>> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.split(',').map(|tag| tag.trim().to_owned()).collect())
}
