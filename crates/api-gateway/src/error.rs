//! The only place where an error becomes an HTTP answer.

use std::time::Duration;

use axum::{
    extract::rejection::BytesRejection,
    response::{IntoResponse, Response},
};
use domain::{Allowance, FieldError};
use http::{StatusCode, header};
use service::{Problem, SessionError};
use store::{AdmissionLimits, Rejection, StoreError};

/// Why a request is not answered as its caller wished.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// What was sent cannot be read at all.
    Malformed(String),
    /// What was sent can be read, and is wrong.
    Invalid(Vec<FieldError>),
    /// The body is not JSON by its own account.
    UnsupportedMediaType,
    /// The body is compressed, or coded in another way.
    UnsupportedContentEncoding,
    /// The body could not be received.
    Body(BytesRejection),
    /// None of the forms that the caller accepts.
    NotAcceptable(&'static str),
    /// Who is asking?
    Session(SessionError),
    /// A page of an origin that is not listed.
    ForeignOrigin,
    /// There is no such thing, or it is somebody else's.
    NotFound(&'static str),
    MethodNotAllowed,
    /// There is a request, but no route yet, or none at all.
    NotComplete {
        failed: bool,
    },
    /// Somebody else was first; the profile is at this revision.
    LostUpdate(i64),
    /// Another wish came before under the same Idempotency-Key.
    KeyReused,
    /// The walker has to wait for their open requests.
    TooManyOpen(i64),
    /// The walker's network has to wait for its open requests.
    TooMuchOpen,
    /// There are more requests than workers; it would take so many seconds until this one is taken up.
    Busy {
        wait_s: Option<f64>,
        max_wait_s: f64,
    },
    /// The walker has to let a saved route go first.
    TooManySaved(i64),
    /// Too many walkers are new at this address.
    TooManyNewUsers(Allowance),
    /// Martin, which makes tiles of routes, cannot be reached.
    MapAway,
    /// The caller knocks too often.
    TooOften(Allowance),
    Store(StoreError),
}

impl ApiError {
    fn problem(self) -> Problem {
        match self {
            Self::Malformed(detail) => Problem::new(StatusCode::BAD_REQUEST, detail).of_kind("malformed"),
            Self::Invalid(errors) => {
                let detail = match &errors[..] {
                    [only] => format!("{} {}", only.pointer, only.detail).trim_start().to_owned(),
                    errors => format!("{} fields are wrong; see errors.", errors.len()),
                };
                let errors = FieldError::shown(errors);
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).of_kind("invalid").with_errors(&errors)
            }
            Self::UnsupportedMediaType => Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The body must be sent as Content-Type: application/json.",
            )
            .of_kind("unsupported-media-type")
            .with_header(header::ACCEPT, "application/json"),
            Self::UnsupportedContentEncoding => {
                let detail = "The body must be sent as it is, without a Content-Encoding.";
                Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
                    .of_kind("unsupported-content-encoding")
                    .with_header(header::ACCEPT_ENCODING, "identity")
            }
            Self::Body(rejection) => {
                let detail = if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                    "The body is larger than 16 KiB."
                } else {
                    "The body did not arrive whole."
                };
                Problem::new(rejection.status(), detail).of_kind("body")
            }
            Self::NotAcceptable(detail) => {
                Problem::new(StatusCode::NOT_ACCEPTABLE, detail).of_kind("not-acceptable")
            }
            Self::Session(error @ SessionError::Unchecked) => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
                    .of_kind("unavailable")
                    .retry_after(2)
            }
            Self::Session(error) => {
                Problem::new(StatusCode::UNAUTHORIZED, error.to_string()).of_kind("no-session")
            }
            Self::ForeignOrigin => {
                Problem::new(StatusCode::FORBIDDEN, "Pages of this origin may not use Wildside.")
                    .of_kind("foreign-origin")
            }
            Self::NotFound(what) => {
                Problem::new(StatusCode::NOT_FOUND, format!("{what} does not exist.")).of_kind("not-found")
            }
            Self::MethodNotAllowed => {
                Problem::new(StatusCode::METHOD_NOT_ALLOWED, "This address does not know that method.")
                    .of_kind("method-not-allowed")
            }
            Self::NotComplete { failed: false } => {
                Problem::new(StatusCode::CONFLICT, "The route is not complete yet.")
                    .of_kind("not-complete")
                    .retry_after(1)
            }
            Self::NotComplete { failed: true } => {
                Problem::new(StatusCode::CONFLICT, "There is no route for this request.").of_kind("failed")
            }
            Self::LostUpdate(revision) => {
                let detail = "The profile was changed meanwhile. Read it again, then repeat the change.";
                Problem::new(StatusCode::PRECONDITION_FAILED, detail)
                    .of_kind("lost-update")
                    .with_header(header::ETAG, crate::endpoints::users::etag(revision))
            }
            Self::KeyReused => {
                let detail =
                    "Another request was sent with this Idempotency-Key. Use a new key for a new request.";
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).of_kind("idempotency-key-reused")
            }
            Self::TooManyOpen(limit) => {
                let detail =
                    format!("At most {limit} requests may be open at once. Wait until one is complete.");
                Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
                    .of_kind("too-many-open-requests")
                    .retry_after(2)
            }
            Self::TooMuchOpen => {
                let detail =
                    "From your network so many walks are asked for that a new one has to wait for them.";
                Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
                    .of_kind("too-many-open-requests")
                    .retry_after(5)
            }
            Self::Busy { wait_s, max_wait_s } => {
                let detail = match wait_s {
                    Some(wait_s) => format!(
                        "Very many walks are being asked for: this one would have to wait for {wait_s:.0} seconds. \
                         Please try again later."
                    ),
                    None => "Walks cannot be made right now. Please try again later.".into(),
                };
                // By then it would wait no longer than anybody may.
                let seconds = wait_s.map_or(30.0, |wait_s| (wait_s - max_wait_s).clamp(1.0, 600.0)).ceil();
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
                    .of_kind("busy")
                    .retry_after(seconds as u64)
            }
            Self::TooManySaved(limit) => {
                let detail = format!("At most {limit} routes may be saved. Let one go first.");
                Problem::new(StatusCode::CONFLICT, detail).of_kind("too-many-saved-routes")
            }
            Self::TooOften(allowance) => {
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests in a short time.")
                    .of_kind("rate-limited")
                    .retry_after(whole_seconds(allowance.retry_after))
            }
            Self::TooManyNewUsers(allowance) => {
                let detail = "Too many sessions were begun from this address. Please try again later.";
                Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
                    .of_kind("too-many-new-users")
                    .retry_after(whole_seconds(allowance.retry_after))
            }
            Self::MapAway => {
                let detail = "The map of this route cannot be drawn right now. Please try again in a moment.";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).of_kind("unavailable").retry_after(2)
            }
            Self::Store(error) if error.is_passing() => {
                tracing::error!(%error, "the database is away");
                let detail = "Wildside cannot reach its database right now. Please try again in a moment.";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).of_kind("unavailable").retry_after(2)
            }
            Self::Store(error) => {
                tracing::error!(%error, "a request failed");
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side.")
                    .of_kind("internal")
            }
        }
    }
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs_f64().ceil().max(1.0) as u64
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.problem().into_response()
    }
}

impl ApiError {
    /// A limit is against a request.
    pub(crate) fn rejected(rejection: Rejection, limits: AdmissionLimits) -> Self {
        let (error, reason) = match rejection {
            Rejection::OpenPerUser => (Self::TooManyOpen(limits.open_per_user), "open_per_user"),
            Rejection::OpenPerSource => (Self::TooMuchOpen, "open_per_address"),
            Rejection::Busy(wait_s) => (Self::Busy { wait_s, max_wait_s: limits.max_wait_s }, "busy"),
        };
        metrics::counter!("route_requests_rejected_total", "reason" => reason).increment(1);
        error
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<SessionError> for ApiError {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

impl From<Vec<FieldError>> for ApiError {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::Invalid(errors)
    }
}
