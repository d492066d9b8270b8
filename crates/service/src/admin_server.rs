//! `/healthz`, `/readyz` and `/metrics` on a port of their own that is never reached from outside.

use std::{
    collections::BTreeMap,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, extract::State, response::IntoResponse, routing::get};
use http::{StatusCode, header};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    Shutdown,
    listener::{self, Limits, Timeouts},
    metrics,
};

type Probe = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// What a failure of a probe means.
#[derive(Clone)]
enum Need {
    /// Not ready while it fails.
    Always,
    /// Not ready until it has succeeded once.
    Once(Arc<AtomicBool>),
    /// Ready all the same.
    Never,
}

impl Need {
    /// Whether the service is ready, as far as this probe goes.
    fn is_met(&self, succeeded: bool) -> bool {
        match self {
            Self::Always => succeeded,
            Self::Once(seen) => seen.fetch_or(succeeded, Ordering::Relaxed) || succeeded,
            Self::Never => true,
        }
    }
}

/// What has to work for a service to be of use. Readiness is about this replica: where all replicas miss the same thing,
/// taking them all away turns an answer that says so into no answer.
#[derive(Clone, Default)]
pub struct Probes {
    probes: Vec<(&'static str, Probe, Need)>,
}

impl Probes {
    /// Adds something of this replica's own that it cannot do without, such as a file.
    pub fn needs<T, F>(self, name: &'static str, subject: &T, probe: fn(T) -> F) -> Self
    where
        T: Clone + Send + Sync + 'static,
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.add(name, subject, probe, Need::Always)
    }

    /// Adds something that all replicas share and that must have worked once, such as a database with the right schema:
    /// after that a failure is reported, and callers get the service's own answer to it.
    pub fn needs_once<T, F>(self, name: &'static str, subject: &T, probe: fn(T) -> F) -> Self
    where
        T: Clone + Send + Sync + 'static,
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.add(name, subject, probe, Need::Once(Arc::default()))
    }

    /// Adds something that makes the service better: it is reported, but the service is ready without it.
    pub fn likes<T, F>(self, name: &'static str, subject: &T, probe: fn(T) -> F) -> Self
    where
        T: Clone + Send + Sync + 'static,
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.add(name, subject, probe, Need::Never)
    }

    fn add<T, F>(mut self, name: &'static str, subject: &T, probe: fn(T) -> F, need: Need) -> Self
    where
        T: Clone + Send + Sync + 'static,
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let subject = subject.clone();
        self.probes.push((name, Arc::new(move || Box::pin(probe(subject.clone()))), need));
        self
    }
}

/// Connections at once; a new one ends the oldest, so that a probe always gets through.
const MAX_CONNECTIONS: usize = 64;

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
        // Never asked to stop: it serves until the process has nothing left to do.
        let limits = Limits::EndOldest { max: MAX_CONNECTIONS };
        let serving = listener::serve(listener, router, Timeouts::default(), limits, Shutdown::default());
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
    let answers = app.probes.probes.iter().map(|(name, probe, need)| {
        let answer = tokio::spawn(tokio::time::timeout(Duration::from_secs(2), probe()));
        (*name, answer, need)
    });
    for (name, answer, need) in answers.collect::<Vec<_>>() {
        let answer = match answer.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err("no answer within 2 seconds".into()),
            Err(error) => Err(error.to_string()),
        };
        ready &= need.is_met(answer.is_ok());
        report.insert(name, answer.err().unwrap_or_else(|| "ok".into()));
    }
    // Asked to stop: take no new work.
    if app.shutdown.is_cancelled() {
        ready = false;
        report.insert("shutdown", "asked to stop".into());
    }
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(report))
}
