use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Value;

/// An error as the public sees it (RFC 9457). The `request_id` is added where the answer leaves: see [`crate::http`].
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    /// What kind, as a URI: see docs/problems.md.
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Value>,
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem with a text for a person.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self {
            kind: "about:blank".into(),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            request_id: None,
            errors: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// Names the kind, for callers that act on it.
    pub fn of_kind(mut self, name: &str) -> Self {
        self.kind = format!("urn:wildside:problem:{name}");
        self
    }

    /// Adds what is wrong where: a list of objects with `pointer` and `detail`.
    pub fn with_errors<E: Serialize>(mut self, errors: &[E]) -> Self {
        self.errors = errors.iter().filter_map(|error| serde_json::to_value(error).ok()).collect();
        self
    }

    /// Adds a header to the answer.
    pub fn with_header(mut self, name: HeaderName, value: impl std::fmt::Display) -> Self {
        if let Ok(value) = HeaderValue::from_str(&value.to_string()) {
            self.headers.push((name, value));
        }
        self
    }

    /// Says when the same request may go through.
    pub fn retry_after(self, seconds: u64) -> Self {
        self.with_header(header::RETRY_AFTER, seconds)
    }

    pub(crate) fn for_request(mut self, request_id: &str) -> Self {
        self.request_id = Some(request_id.to_owned());
        self
    }

    /// The answer's status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let headers: Vec<_> = self.headers.clone();
        let mut response = (self.status(), Json(&self)).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        // An error is about this one request at this moment.
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response.headers_mut().extend(headers);
        // Kept beside the body, so that the outermost layer can add the request's id to it.
        response.extensions_mut().insert(self);
        response
    }
}
