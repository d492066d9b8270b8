use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_nats::{Client, ConnectOptions, Event, jetstream};
use thiserror::Error;
use tokio::sync::watch;

/// Oldest server that honours all that we ask of a stream.
const OLDEST_SERVER: (i64, i64, i64) = (2, 11, 0);

/// Longest time that a caller waits for the broker.
const PATIENCE: Duration = Duration::from_secs(3);

/// What can go wrong between us and NATS.
#[derive(Debug, Error)]
pub enum BusError {
    /// The address is not one, or the server refused us.
    #[error("NATS: {0}")]
    Connection(String),
    /// A message was not taken.
    #[error("NATS did not take the message: {0}")]
    Publish(String),
    /// A stream or consumer is missing, or is not what this build needs.
    #[error("NATS streams: {0}")]
    Streams(String),
    /// The server is too old.
    #[error("nats-server {found} is too old; {}.{} or newer is needed", OLDEST_SERVER.0, OLDEST_SERVER.1)]
    OldServer {
        /// Its version.
        found: String,
    },
}

/// A connection to NATS that comes back by itself.
#[derive(Clone, Debug)]
pub struct Bus {
    pub(crate) client: Client,
    pub(crate) jetstream: jetstream::Context,
    /// Counts the moments after which news may have been missed: reconnects and overflows.
    pub(crate) gaps: watch::Receiver<u64>,
    pub(crate) publishing: Publishing,
}

/// Whether the broker takes messages into its streams. One whose disk was full answers everything else, and refuses
/// these until it is restarted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Publishing {
    last_failure: Arc<Mutex<Option<(Instant, String)>>>,
}

impl Publishing {
    /// Notes how the latest publication went.
    pub(crate) fn note(&self, error: Option<&String>) {
        if error.is_some() {
            metrics::counter!("nats_publish_failures_total").increment(1);
        }
        let failure = error.map(|error| (Instant::now(), error.clone()));
        *self.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    /// Why the latest publication failed, unless that is long ago and nothing was published since.
    fn failure(&self) -> Option<String> {
        let failure = self.last_failure.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, error) = failure.as_ref()?;
        (at.elapsed() < FAILURE_MEMORY).then(|| error.clone())
    }
}

/// For so long a failed publication counts, where no other one followed.
const FAILURE_MEMORY: Duration = Duration::from_secs(60);

impl Bus {
    /// Connects in the background: a service may start before its broker.
    pub async fn connect(url: &str, name: &str) -> Result<Self, BusError> {
        let (count_gap, gaps) = watch::channel(0);
        let client = ConnectOptions::new()
            .name(name)
            .retry_on_initial_connect()
            // A half-open connection is noticed after three of these.
            .ping_interval(Duration::from_secs(5))
            .connection_timeout(Duration::from_secs(3))
            .request_timeout(Some(Duration::from_secs(3)))
            .reconnect_delay_callback(|attempts| Duration::from_millis((50 << attempts.min(5)) as u64))
            .event_callback(move |event| {
                match &event {
                    Event::Connected | Event::SlowConsumer(_) => count_gap.send_modify(|gaps| *gaps += 1),
                    _ => {}
                }
                async move {
                    match event {
                        Event::Connected | Event::Draining | Event::Closed => tracing::info!(%event, "NATS"),
                        _ => tracing::warn!(%event, "NATS"),
                    }
                }
            })
            .connect(url)
            .await
            .map_err(|error| BusError::Connection(error.to_string()))?;
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(Duration::from_secs(3));
        Ok(Self { client, jetstream, gaps, publishing: Publishing::default() })
    }

    /// Connected to a server that is new enough, with the streams that we need.
    pub async fn ready(&self) -> Result<(), String> {
        if self.client.connection_state() != async_nats::connection::State::Connected {
            return Err("NATS: not connected".into());
        }
        self.check_server().map_err(|error| error.to_string())?;
        self.exchange(self.check_streams()).await.map_err(|error| format!("NATS: {error}"))?;
        match self.publishing.failure() {
            None => Ok(()),
            Some(error) => Err(format!(
                "NATS does not take messages: {error}; see docs/runbooks/nats-refuses-messages.md"
            )),
        }
    }

    /// Runs an exchange with the broker, if there is a connection, and within [`PATIENCE`]. While it is away the client
    /// library would hold messages back, and its callers with them.
    pub(crate) async fn exchange<T, E: std::fmt::Display>(
        &self,
        exchange: impl Future<Output = Result<T, E>>,
    ) -> Result<T, String> {
        if self.client.connection_state() != async_nats::connection::State::Connected {
            return Err("not connected".into());
        }
        match tokio::time::timeout(PATIENCE, exchange).await {
            Ok(done) => done.map_err(|error| error.to_string()),
            Err(_) => Err("no answer in time".into()),
        }
    }

    pub(crate) fn check_server(&self) -> Result<(), BusError> {
        let (major, minor, patch) = OLDEST_SERVER;
        if self.client.is_server_compatible(major, minor, patch) {
            return Ok(());
        }
        Err(BusError::OldServer { found: self.client.server_info().version.clone() })
    }

    /// Sends what is still buffered, then closes.
    pub async fn close(&self) {
        if let Err(error) = self.exchange(self.client.drain()).await {
            tracing::debug!(error, "NATS was gone before it could be closed");
        }
    }
}
