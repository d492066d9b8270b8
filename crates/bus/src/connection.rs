use std::{
    collections::BTreeSet,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_nats::{Client, ConnectOptions, Event, jetstream};
use thiserror::Error;
use tokio::sync::watch;

use crate::link::{Identity, Link};

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
    shared: Arc<Shared>,
}

/// What the connection's callbacks and its users both know.
#[derive(Debug, Default)]
struct Shared {
    /// Who we are from the next connection on.
    identity: Mutex<Identity>,
    /// Why there is no connection, or what the server said last.
    trouble: Mutex<Option<Trouble>>,
}

#[derive(Debug)]
struct Trouble {
    why: String,
    at: Instant,
}

impl Shared {
    fn identity(&self) -> Identity {
        self.identity.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn trouble(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_trouble(&self, why: String) {
        *self.trouble() = Some(Trouble { why, at: Instant::now() });
    }

    /// `text`, with its cause where one is known that is not older than `age`.
    fn explain(&self, text: &str, age: Duration) -> String {
        match &*self.trouble() {
            Some(trouble) if trouble.at.elapsed() <= age => format!("{text}: {}", trouble.why),
            _ => text.to_owned(),
        }
    }

    fn hear(&self, event: &Event) {
        match event {
            Event::Connected | Event::Disconnected => *self.trouble() = None,
            // Such as "Permissions Violation for Publish": the request in question waits for an answer in vain.
            Event::ServerError(error) => self.set_trouble(error.to_string()),
            // Says no more than the kind of error; the servers' own errors say more a moment later.
            Event::ClientError(error) if self.trouble().is_none() => self.set_trouble(error.to_string()),
            _ => {}
        }
    }
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
    /// Connects in the background: a service may start before its broker. `url` is one URL, or several of a cluster,
    /// separated by commas; what it may say is told in docs/operating.md. Answers come to subjects below `_INBOX.name`,
    /// so that a server can keep others from reading them.
    pub async fn connect(url: &str, name: &str) -> Result<Self, BusError> {
        let link = Link::parse(url).map_err(BusError::Connection)?;
        let (count_gap, gaps) = watch::channel(0);
        let shared = Arc::new(Shared { identity: Mutex::new(link.identity), ..Shared::default() });
        let (who, hearing, watching) = (shared.clone(), shared.clone(), shared.clone());
        let mut options = ConnectOptions::with_auth_callback(move |nonce| {
            let answer = who.identity().answer(&nonce);
            async move { answer }
        })
        .name(name)
        .custom_inbox_prefix(format!("_INBOX.{name}"))
        .require_tls(link.is_tls_required)
        .retry_on_initial_connect()
        // A half-open connection is noticed after three of these.
        .ping_interval(Duration::from_secs(5))
        .connection_timeout(Duration::from_secs(3))
        .request_timeout(Some(Duration::from_secs(3)))
        .reconnect_delay_callback(|attempts| Duration::from_millis((50 << attempts.min(5)) as u64))
        // The only place where the library says why the attempts before this one failed. The choice of a server stays its own.
        .reconnect_to_server_callback(move |servers, _| {
            let errors: BTreeSet<String> =
                servers.into_iter().filter_map(|server| server.last_error).collect();
            if !errors.is_empty() {
                watching.set_trouble(errors.into_iter().collect::<Vec<_>>().join("; "));
            }
            async { None }
        })
        .event_callback(move |event| {
            hearing.hear(&event);
            match &event {
                Event::Connected | Event::SlowConsumer(_) => count_gap.send_modify(|gaps| *gaps += 1),
                _ => {}
            }
            let why = hearing.trouble().as_ref().map(|trouble| trouble.why.clone());
            async move {
                match event {
                    Event::Connected | Event::Draining | Event::Closed => tracing::info!(%event, "NATS"),
                    _ => tracing::warn!(%event, why, "NATS"),
                }
            }
        });
        if let Some(file) = link.ca_file {
            options = options.add_root_certificates(file);
        }
        if let Some((certificate, key)) = link.client_files {
            options = options.add_client_certificate(certificate, key);
        }
        let client =
            options.connect(link.servers).await.map_err(|error| BusError::Connection(error.to_string()))?;
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(Duration::from_secs(3));
        Ok(Self { client, jetstream, gaps, publishing: Publishing::default(), shared })
    }

    /// From the next connection on this is who we are. Servers and certificates stay as they were; certificates are read
    /// from their files at each connection.
    pub fn set_identity(&self, url: &str) -> Result<(), BusError> {
        let link = Link::parse(url).map_err(BusError::Connection)?;
        *self.shared.identity.lock().unwrap_or_else(PoisonError::into_inner) = link.identity;
        Ok(())
    }

    /// Waits for the first connection; the error says why there is none.
    pub(crate) async fn wait_until_connected(&self) -> Result<(), BusError> {
        let connected = async {
            while self.client.connection_state() != async_nats::connection::State::Connected {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let connected = tokio::time::timeout(2 * PATIENCE, connected).await;
        connected.map_err(|_| BusError::Connection(self.shared.explain("not connected", Duration::MAX)))
    }

    /// A request that had no answer: where the server has just said why, that is told as well.
    pub(crate) fn explain_timeout(&self, error: &dyn std::fmt::Display) -> String {
        let text = error.to_string();
        if text.contains("timed out") { self.shared.explain(&text, 2 * PATIENCE) } else { text }
    }

    /// Connected to a server that is new enough, with the streams that we need.
    pub async fn ready(&self) -> Result<(), String> {
        if self.client.connection_state() != async_nats::connection::State::Connected {
            return Err(self.shared.explain("NATS: not connected", Duration::MAX));
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
            return Err(self.shared.explain("not connected", Duration::MAX));
        }
        match tokio::time::timeout(PATIENCE, exchange).await {
            Ok(done) => done.map_err(|error| self.explain_timeout(&error)),
            Err(_) => Err(self.shared.explain("no answer in time", 2 * PATIENCE)),
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
