//! How traces leave: over the one HTTP client, and never in silence where they do not.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

use crate::{
    config::TlsConfig,
    http_client::{self, reason},
};

/// How long one call may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Failures in a row are logged once in so long.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Sends what the exporter hands over. The exporter has a thread of its own; the calls run where all others do.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    runtime: Handle,
    failures: Mutex<Failures>,
}

#[derive(Debug, Default)]
struct Failures {
    since_logged: u32,
    logged_at: Option<Instant>,
}

impl Client {
    /// To be made inside the runtime that makes the calls.
    pub fn new(tls: &TlsConfig) -> Result<Self, String> {
        let http = http_client::builder(tls)?.timeout(TIMEOUT).build().map_err(reason)?;
        Ok(Self { http, runtime: Handle::current(), failures: Mutex::default() })
    }

    async fn send(http: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let request = request.try_into().map_err(reason)?;
        let answer = http.execute(request).await.map_err(reason)?;
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        *response.body_mut() = answer.bytes().await.map_err(reason)?;
        Ok(response)
    }

    fn note(&self, error: Option<&str>) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(error) = error else {
            if failures.logged_at.take().is_some() {
                *failures = Failures::default();
                tracing::info!("traces are taken again");
            }
            return;
        };
        failures.since_logged += 1;
        if failures.logged_at.is_none_or(|at| at.elapsed() >= LOG_INTERVAL) {
            tracing::warn!(error, failures = failures.since_logged, "traces were not taken");
            *failures = Failures { since_logged: 0, logged_at: Some(Instant::now()) };
        }
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.runtime.spawn(Self::send(self.http.clone(), request)).await;
        let sent = sent.unwrap_or_else(|error| Err(error.to_string()));
        match &sent {
            Ok(response) if response.status().is_success() => self.note(None),
            Ok(response) => self.note(Some(&format!("the collector answered {}", response.status()))),
            Err(error) => self.note(Some(error)),
        }
        sent.map_err(Into::into)
    }
}
