//! Redis makes things quicker and is never needed: every call here has a time limit, and after one that failed the
//! next second's calls do not even try, so that an absent Redis costs nothing.

use std::{
    fs,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use deadpool_redis::{
    Connection, Manager, Pool, Runtime,
    redis::{Client, ClientTlsConfig, RedisError, TlsCertificates},
};
use url::Url;

use crate::StoreError;

/// Longest time that a caller waits for Redis.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long Redis is left alone after a failure.
const COOL_DOWN: Duration = Duration::from_secs(1);

/// A pool of connections to Redis.
#[derive(Clone)]
pub struct Redis {
    pool: Arc<ArcSwap<Pool>>,
    started: Instant,
    /// Milliseconds after `started` until which no call is tried.
    away_until_ms: Arc<AtomicU64>,
    /// Why the last connection could not be opened.
    trouble: Arc<Mutex<Option<String>>>,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").finish_non_exhaustive()
    }
}

impl Redis {
    /// Makes the pool; connections are opened when they are needed. `rediss://` is Redis over TLS; its query may name files:
    /// `sslrootcert`, `sslcert` and `sslkey`.
    pub fn new(url: &str) -> Result<Self, StoreError> {
        let pool = Arc::new(ArcSwap::from_pointee(pool(url)?));
        Ok(Self { pool, started: Instant::now(), away_until_ms: Arc::default(), trouble: Arc::default() })
    }

    /// From here on connections are opened with this URL. Those in use are let go when they are given back.
    pub fn set_url(&self, url: &str) -> Result<(), StoreError> {
        self.pool.store(Arc::new(pool(url)?));
        Ok(())
    }

    /// Redis answers.
    pub async fn ready(&self) -> Result<(), String> {
        let ping = self.attempt(async |mut connection| {
            deadpool_redis::redis::cmd("PING").query_async::<String>(&mut connection).await
        });
        ping.await.map(drop).map_err(|error| error.to_string())
    }

    /// Runs commands, unless Redis was away a moment ago.
    pub(crate) async fn call<T>(
        &self,
        commands: impl AsyncFnOnce(Connection) -> Result<T, RedisError>,
    ) -> Result<T, StoreError> {
        if self.now_ms() < self.away_until_ms.load(Ordering::Relaxed) {
            return Err(StoreError::Redis("left alone after a failure".into()));
        }
        let result = self.attempt(commands).await;
        if let Err(error) = &result {
            self.away_until_ms.store(self.now_ms() + COOL_DOWN.as_millis() as u64, Ordering::Relaxed);
            tracing::warn!(%error, "Redis failed; going on without it");
        }
        result
    }

    async fn attempt<T>(
        &self,
        commands: impl AsyncFnOnce(Connection) -> Result<T, RedisError>,
    ) -> Result<T, StoreError> {
        let work = async {
            let connection = self.connection().await?;
            commands(connection).await.map_err(|error| StoreError::Redis(error.to_string()))
        };
        tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| {
            let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
            Err(StoreError::Redis(trouble.unwrap_or_else(|| "no answer in time".into())))
        })
    }

    /// A connection from the pool. One that is opened goes on being opened when nobody waits for it any more: a handshake
    /// may take longer than a caller has patience, and the next caller finds it done.
    async fn connection(&self) -> Result<Connection, StoreError> {
        let (pool, trouble) = (self.pool.load_full(), self.trouble.clone());
        let opening = tokio::spawn(async move {
            let opened = pool.get().await.map_err(|error| error.to_string());
            *trouble.lock().unwrap_or_else(PoisonError::into_inner) = opened.as_ref().err().cloned();
            opened
        });
        let opened = opening.await.unwrap_or_else(|error| Err(error.to_string()));
        opened.map_err(StoreError::Redis)
    }

    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }
}

fn pool(url: &str) -> Result<Pool, StoreError> {
    let wrong = |error: &dyn std::fmt::Display| StoreError::Redis(error.to_string());
    let mut url = Url::parse(url).map_err(|error| wrong(&error))?;
    let mut certificates = TlsCertificates { client_tls: None, root_cert: None };
    let (mut certificate, mut key, mut others) = (None, None, Vec::new());
    for (name, value) in url.query_pairs() {
        let read = || fs::read(&*value).map(Some).map_err(|error| wrong(&format!("{value}: {error}")));
        match &*name {
            "sslrootcert" => certificates.root_cert = read()?,
            "sslcert" => certificate = read()?,
            "sslkey" => key = read()?,
            _ => others.push((name.into_owned(), value.into_owned())),
        }
    }
    certificates.client_tls = match (certificate, key) {
        (Some(client_cert), Some(client_key)) => Some(ClientTlsConfig { client_cert, client_key }),
        (None, None) => None,
        _ => return Err(wrong(&"a client certificate and its key must be given together")),
    };
    url.set_query(None);
    if !others.is_empty() {
        url.query_pairs_mut().extend_pairs(others);
    }
    let wants_tls = certificates.root_cert.is_some() || certificates.client_tls.is_some();
    let client = match wants_tls {
        true => Client::build_with_tls(url.as_str(), certificates),
        false => Client::open(url.as_str()),
    };
    let client = client.map_err(|error| wrong(&error))?;
    let manager = Manager::new(client.get_connection_info().clone()).map_err(|error| wrong(&error))?;
    Pool::builder(manager).runtime(Runtime::Tokio1).build().map_err(|error| wrong(&error))
}
