//! Redis makes things quicker and is never needed: every call here has a time limit, and after one that failed the
//! next second's calls do not even try, so that an absent Redis costs nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use deadpool_redis::{Config, Connection, Pool, Runtime, redis::RedisError};

use crate::StoreError;

/// Longest time that a caller waits for Redis.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long Redis is left alone after a failure.
const COOL_DOWN: Duration = Duration::from_secs(1);

/// A pool of connections to Redis.
#[derive(Clone)]
pub struct Redis {
    pool: Pool,
    started: Instant,
    /// Milliseconds after `started` until which no call is tried.
    away_until_ms: Arc<AtomicU64>,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").finish_non_exhaustive()
    }
}

impl Redis {
    /// Makes the pool; connections are opened when they are needed.
    pub fn new(url: &str) -> Result<Self, StoreError> {
        let pool = Config::from_url(url)
            .create_pool(Some(Runtime::Tokio1))
            .map_err(|error| StoreError::Redis(error.to_string()))?;
        Ok(Self { pool, started: Instant::now(), away_until_ms: Arc::default() })
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
            let connection = self.pool.get().await.map_err(|error| StoreError::Redis(error.to_string()))?;
            commands(connection).await.map_err(|error| StoreError::Redis(error.to_string()))
        };
        tokio::time::timeout(PATIENCE, work)
            .await
            .unwrap_or_else(|_| Err(StoreError::Redis("no answer in time".into())))
    }

    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }
}
