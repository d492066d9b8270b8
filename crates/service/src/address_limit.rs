use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use axum::{
    Extension, Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use domain::{Meters, RateLimit};
use http::StatusCode;

use crate::{CallerAddress, Problem};

/// Callers that are counted at once: some MiB.
const MAX_CALLERS: usize = 50_000;

#[derive(Clone)]
struct Limiter {
    limit: RateLimit,
    meters: Arc<Mutex<Meters<CallerAddress>>>,
}

/// Lets each address ask so often a minute, counted by this replica alone.
pub fn limit_by_address<S: Clone + Send + Sync + 'static>(router: Router<S>, per_minute: u32) -> Router<S> {
    let meters = Meters::new(MAX_CALLERS, Instant::now());
    let limiter = Limiter { limit: RateLimit::per_minute(per_minute), meters: Arc::new(Mutex::new(meters)) };
    router.layer(middleware::from_fn_with_state(limiter, limit))
}

async fn limit(
    State(limiter): State<Limiter>,
    Extension(caller): Extension<CallerAddress>,
    request: Request,
    next: Next,
) -> Response {
    let allowance = {
        let mut meters = limiter.meters.lock().unwrap_or_else(PoisonError::into_inner);
        meters.take(&caller, limiter.limit, Instant::now())
    };
    if allowance.allowed {
        return next.run(request).await;
    }
    metrics::counter!("rate_limited_total", "policy" => "address").increment(1);
    let seconds = allowance.retry_after.as_secs_f64().ceil().max(1.0) as u64;
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests in a short time.")
        .of_kind("rate-limited")
        .retry_after(seconds)
        .into_response()
}
