//! `/healthz`, `/readyz` and `/metrics` on a port of their own that is never reached from outside.

use std::{collections::BTreeMap, future::Future, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use axum::{Json, Router, extract::State, response::IntoResponse, routing::get};
use http::{StatusCode, header};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::metrics;

type Probe = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// What has to work for a service to be of use.
#[derive(Clone, Default)]
pub struct Probes {
    probes: Vec<(&'static str, Probe, bool)>,
}

impl Probes {
    /// Adds something that the service cannot do without.
    pub fn needs<T, F>(self, name: &'static str, subject: &T, probe: fn(T) -> F) -> Self
    where
        T: Clone + Send + Sync + 'static,
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.add(name, subject, probe, true)
    }

    /// Adds something that makes the service better: it is reported, but the service is ready without it.
    pub fn likes<T, F>(self, name: &'static str, subject: &T, probe: fn(T) -> F) -> Self
    where
        T: Clone + Send + Sync + 'static,
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.add(name, subject, probe, false)
    }

    fn add<T, F>(mut self, name: &'static str, subject: &T, probe: fn(T) -> F, needed: bool) -> Self
    where
        T: Clone + Send + Sync + 'static,
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let subject = subject.clone();
        self.probes.push((name, Arc::new(move || Box::pin(probe(subject.clone()))), needed));
        self
    }
}

/// How often measurements are put away.
const TIDY_INTERVAL: Duration = Duration::from_secs(5);

#[derive(Clone)]
struct App {
    probes: Probes,
    shutdown: CancellationToken,
}

/// Serves for as long as the process lives; the address is bound when this returns. After `shutdown` a service is still
/// alive while it finishes what it has in hand, and says that it is not ready for more.
pub async fn serve(
    address: SocketAddr,
    probes: Probes,
    shutdown: CancellationToken,
) -> std::io::Result<impl Future<Output = ()> + Send> {
    metrics::install();
    let listener = TcpListener::bind(address).await?;
    let app = App { probes, shutdown };
    let router = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route(
            "/metrics",
            get(async || ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics::render())),
        )
        .with_state(app);
    Ok(async move {
        let serving = async {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the admin server failed");
            }
        };
        let tidying = async {
            loop {
                tokio::time::sleep(TIDY_INTERVAL).await;
                metrics::tidy();
            }
        };
        tokio::select! {
            () = serving => {}
            () = tidying => {}
        }
    })
}

async fn readyz(State(app): State<App>) -> impl IntoResponse {
    let mut report = BTreeMap::new();
    let mut ready = true;
    let answers = app.probes.probes.iter().map(|(name, probe, needed)| {
        let answer = tokio::spawn(tokio::time::timeout(Duration::from_secs(2), probe()));
        (*name, answer, *needed)
    });
    for (name, answer, needed) in answers.collect::<Vec<_>>() {
        let answer = match answer.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err("no answer within 2 seconds".into()),
            Err(error) => Err(error.to_string()),
        };
        ready &= answer.is_ok() || !needed;
        report.insert(name, answer.err().unwrap_or_else(|| "ok".into()));
    }
    // Asked to stop: take no new work.
    if app.shutdown.is_cancelled() {
        ready = false;
        report.insert("shutdown", "asked to stop".into());
    }
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(report))
}
