//! What every answer of a public door goes through: an id, a span, metrics, and an error form that has no exceptions.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{MatchedPath, Request},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::net::TcpListener;
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};
use tracing::{Instrument, Span, field::Empty};
use uuid::Uuid;

use crate::{
    CallerAddress, Problem, Shutdown,
    config::ListenerConfig,
    listener::{self, Limits, Timeouts},
    open_files, telemetry,
};

/// Under which an answer tells the id of its request.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest time for one answer: a body that trickles in must not hold its place for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// The id of an HTTP request, and of the route request it may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub Uuid);

impl RequestId {
    /// A span for what is done for this request, in a trace of our own.
    pub fn span(self, what: &'static str, headers: &HeaderMap) -> Span {
        let span = tracing::info_span!("work", request_id = %self.0, trace_id = Empty, otel.name = what);
        begin_trace(&span, headers);
        span
    }
}

/// Wraps a door's router.
pub fn door<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.layer((middleware::from_fn(accompany), patience(), CatchPanicLayer::custom(panicked)))
}

/// Wraps the router of a door whose answers come from memory, by the thousand. A span and a line in the log would cost
/// as much as the answer: whatever takes work makes a span of its own, [`RequestId::span`].
pub fn quiet_door<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.layer((middleware::from_fn(count), patience(), CatchPanicLayer::custom(panicked)))
}

fn patience() -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, PATIENCE)
}

/// Serves a public door's router, which browsers reach at `public_url`, until the program stops.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    config: ListenerConfig,
    public_url: &str,
    shutdown: Shutdown,
) {
    let behind_proxies = config.trusted_proxies > 0;
    if public_url.starts_with("https://") && !behind_proxies {
        tracing::warn!(
            "PUBLIC_URL is https and TRUSTED_PROXIES is 0: all callers seem to come from the proxy's address, and share its \
             limits. Set TRUSTED_PROXIES to the number of proxies that add to X-Forwarded-For"
        );
    }
    let router =
        router.layer(middleware::from_fn_with_state(config.trusted_proxies, CallerAddress::of_request));
    // A proxy's connections are those of all callers.
    let max_per_address = (!behind_proxies).then_some(config.max_connections_per_address as usize);
    let limits = Limits::Refuse { max: config.max_connections(), max_per_address };
    tracing::info!(?limits, open_files = open_files::limit(), "listening");
    listener::serve(listener, router, Timeouts::default(), limits, shutdown).await;
}

/// Answers a request that does not even reach a door.
pub(crate) fn refuse<B>(mut request: http::Request<B>, problem: Problem) -> Response {
    Asked::note(&mut request).answer(problem.into_response())
}

#[expect(clippy::needless_pass_by_value, reason = "the form that tower-http asks for")]
fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    let mut response =
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side.").into_response();
    response.extensions_mut().insert(Panicked(message.into()));
    response
}

/// Goes with an answer until the request's id is at hand, for the log.
#[derive(Clone)]
struct Panicked(Arc<str>);

async fn accompany(mut request: Request, next: Next) -> Response {
    let asked = Asked::note(&mut request);
    let Asked { id, method, route, .. } = &asked;
    let span = tracing::info_span!(
        "http", request_id = %id, trace_id = Empty, method, %route, otel.name = %format!("{method} {route}")
    );
    begin_trace(&span, request.headers());
    let response = next.run(request).instrument(span.clone()).await;
    span.in_scope(|| {
        let duration_ms = asked.at.elapsed().as_secs_f64() * 1000.0;
        tracing::info!(status = response.status().as_u16(), duration_ms, "answered");
    });
    asked.answer(response)
}

async fn count(mut request: Request, next: Next) -> Response {
    let asked = Asked::note(&mut request);
    asked.answer(next.run(request).await)
}

/// A caller's trace is not ours: its ids could be anybody's, and its flags decide what is recorded. It is linked.
fn begin_trace(span: &Span, headers: &HeaderMap) {
    let foreign = headers.get("traceparent").and_then(|value| value.to_str().ok());
    telemetry::begin_trace(span, foreign);
}

/// A request, before its answer is known.
struct Asked {
    id: Uuid,
    at: Instant,
    method: &'static str,
    route: String,
}

impl Asked {
    fn note<B>(request: &mut http::Request<B>) -> Self {
        // Made here and not taken from the caller: it names a row, and two callers may think of the same.
        let id = Uuid::now_v7();
        request.extensions_mut().insert(RequestId(id));
        let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
        Self { id, at: Instant::now(), method: method_name(request.method()), route: route.to_owned() }
    }

    fn answer(self, response: Response) -> Response {
        if let Some(Panicked(message)) = response.extensions().get() {
            tracing::error!(request_id = %self.id, panic = &**message, "a handler panicked");
        }
        let status = response.status().as_u16().to_string();
        let labels = [("method", self.method.to_owned()), ("route", self.route), ("status", status)];
        metrics::counter!("http_requests_total", &labels).increment(1);
        metrics::histogram!("http_request_duration_seconds", &labels[..2])
            .record(self.at.elapsed().as_secs_f64());
        finish(response, &self.id.to_string())
    }
}

/// A caller may invent methods; each would be another time series.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// Gives the answer its id, and turns an error that did not come as a problem document into one.
fn finish(mut response: Response, id: &str) -> Response {
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        let headers = response.headers().clone();
        let problem = response
            .extensions_mut()
            .remove::<Problem>()
            .unwrap_or_else(|| Problem::new(status, status.canonical_reason().unwrap_or("Error")));
        response = problem.for_request(id).into_response();
        let own: Vec<HeaderName> = response.headers().keys().cloned().collect();
        for (name, value) in &headers {
            if ![header::CONTENT_TYPE, header::CONTENT_LENGTH].contains(name) && !own.contains(name) {
                response.headers_mut().append(name, value.clone());
            }
        }
    }
    let headers = response.headers_mut();
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    // A shared cache would give the next caller the id of this one's request.
    if !is_public(headers)
        && let Ok(value) = HeaderValue::from_str(id)
    {
        headers.insert(X_REQUEST_ID, value);
    }
    response
}

/// A shared cache may keep the answer for others: nothing in it may depend on who asked.
pub fn is_public(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives =
        values.flat_map(|value| value.split(',')).map(|directive| directive.trim().to_lowercase());
    directives.any(|directive| directive == "public" || directive.starts_with("s-maxage"))
}
