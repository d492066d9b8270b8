//! How requests are read. Each of these answers with a problem document of its own where the framework's would not.

use std::str::FromStr;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, OptionalFromRequestParts, RawPathParams, Request},
};
use domain::UserId;
use http::{HeaderMap, HeaderName, header, request::Parts};
use serde_json::Value;
use service::{EntityTags, Session, SessionError};

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
        must_be_plain_json(request.headers())?;
        let bytes = Bytes::from_request(request, app).await.map_err(ApiError::Body)?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| ApiError::Malformed(format!("The body is not JSON: {error}.")))
    }
}

/// A body that says of itself to be something else than JSON as it stands is not read, however it looks.
fn must_be_plain_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let content_type = types.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    if types.next().is_some() {
        return Err(ApiError::Malformed("There must be one Content-Type.".into()));
    }
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    let charset =
        parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("charset"));
    // JSON is UTF-8 (RFC 8259, 8.1), of which ASCII is a part.
    let is_utf_8 = charset.is_none_or(|(_, charset)| {
        let charset = charset.trim_matches('"');
        ["utf-8", "utf8", "us-ascii"].iter().any(|known| charset.eq_ignore_ascii_case(known))
    });
    if !is_json || !is_utf_8 {
        return Err(ApiError::UnsupportedMediaType);
    }
    if codings(headers, &header::CONTENT_ENCODING).iter().any(|coding| coding != "identity") {
        return Err(ApiError::UnsupportedContentEncoding);
    }
    if codings(headers, &header::TRANSFER_ENCODING).iter().any(|coding| coding != "chunked") {
        return Err(ApiError::Malformed("The only Transfer-Encoding that is understood is chunked.".into()));
    }
    Ok(())
}

/// The elements of all lines of a header that lists codings, in lower case.
fn codings(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let lines: Vec<_> =
        headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    let listed = lines.iter().flat_map(|line| line.split(',')).map(str::trim);
    listed.filter(|coding| !coding.is_empty()).map(str::to_ascii_lowercase).collect()
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
                Ok(key) if (1..=255).contains(&key.len()) && !key.contains('\t') => {
                    Ok(Self(Some(key.to_owned())))
                }
                _ => Err(ApiError::Malformed(
                    "The Idempotency-Key must be 1 to 255 characters of ASCII.".into(),
                )),
            },
            _ => Err(ApiError::Malformed("There must be one Idempotency-Key.".into())),
        }
    }
}

/// The caller has this version already.
pub(crate) fn is_known(headers: &HeaderMap, etag: &str) -> Result<bool, ApiError> {
    Ok(entity_tags(headers, &header::IF_NONE_MATCH)?.is_some_and(|tags| tags.name(etag)))
}

/// The entity tags of a conditional header.
pub(crate) fn entity_tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<EntityTags>, ApiError> {
    EntityTags::of(headers, name).map_err(|error| ApiError::Malformed(error.to_string()))
}
