//! What NATS keeps. Made by `wildside-admin streams`, and again by the gateway's sweeper when they are gone; never by a
//! worker, so that a scaler that watches the consumer finds it before the first worker runs.

use std::time::Duration;

use async_nats::jetstream::{
    consumer::{AckPolicy, pull},
    stream::{Config, DiscardPolicy, RetentionPolicy, StorageType},
};

use crate::{Bus, BusError, GenerateRouteJob};

pub(crate) const ROUTE_JOBS: &str = "ROUTE_JOBS";
pub(crate) const ROUTE_WORKER: &str = "route-worker";

/// A job that is not acknowledged, and not reported as in progress, for so long is given to another worker.
pub(crate) const ACK_WAIT: Duration = Duration::from_secs(10);
/// At least replicas x concurrency: more jobs than that are never in workers' hands.
const MOST_UNACKED: i64 = 1_000;

fn route_jobs(replicas: usize) -> Config {
    Config {
        name: ROUTE_JOBS.into(),
        description: Some("Route requests waiting for a worker; the truth is in PostgreSQL".into()),
        subjects: vec![GenerateRouteJob::SUBJECTS.into()],
        retention: RetentionPolicy::WorkQueue,
        storage: StorageType::File,
        discard: DiscardPolicy::Old,
        num_replicas: replicas,
        // The sweeper gives a request up after ten minutes; what is older than that nobody waits for.
        max_age: Duration::from_secs(15 * 60),
        duplicate_window: Duration::from_secs(120),
        ..Config::default()
    }
}

fn route_worker() -> pull::Config {
    pull::Config {
        durable_name: Some(ROUTE_WORKER.into()),
        description: Some("All route workers together".into()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        // Attempts are counted in the request's row: a broker that stops delivering would leave the message behind.
        max_deliver: -1,
        max_ack_pending: MOST_UNACKED,
        ..pull::Config::default()
    }
}

impl Bus {
    /// Makes streams and consumers, or brings them up to date. Several may do it at once.
    pub async fn ensure_streams(&self, replicas: usize) -> Result<(), BusError> {
        let wrong = |error: &dyn std::fmt::Display| BusError::Streams(error.to_string());
        self.jetstream.create_or_update_stream(route_jobs(replicas)).await.map_err(|error| wrong(&error))?;
        self.jetstream
            .create_consumer_on_stream(route_worker(), ROUTE_JOBS)
            .await
            .map_err(|error| wrong(&error))?;
        self.check_server()?;
        self.check_streams().await
    }

    /// Makes what is missing, after the broker has lost it. What is there stays as it is: how many copies are kept is
    /// for `wildside-admin streams` to change.
    pub async fn restore_streams(&self, replicas: usize) -> Result<(), BusError> {
        let restored = async {
            let wrong = |error: &dyn std::fmt::Display| BusError::Streams(error.to_string());
            let stream = self
                .jetstream
                .get_or_create_stream(route_jobs(replicas))
                .await
                .map_err(|error| wrong(&error))?;
            stream
                .get_or_create_consumer(ROUTE_WORKER, route_worker())
                .await
                .map_err(|error| wrong(&error))?;
            self.check_streams().await
        };
        self.exchange(restored).await.map_err(BusError::Streams)
    }

    /// The streams are there and are what was asked for: an old server drops settings that it does not know.
    pub(crate) async fn check_streams(&self) -> Result<(), BusError> {
        let missing = |what, error: &dyn std::fmt::Display| {
            BusError::Streams(format!("{what}: {error}; run wildside-admin streams"))
        };
        let stream =
            self.jetstream.get_stream(ROUTE_JOBS).await.map_err(|error| missing(ROUTE_JOBS, &error))?;
        let (found, wanted) = (&stream.cached_info().config, route_jobs(1));
        if found.retention != wanted.retention
            || found.subjects != wanted.subjects
            || found.duplicate_window != wanted.duplicate_window
            || found.max_age != wanted.max_age
        {
            return Err(BusError::Streams(format!("{ROUTE_JOBS} is not configured as this build needs it")));
        }
        let consumer =
            stream.consumer_info(ROUTE_WORKER).await.map_err(|error| missing(ROUTE_WORKER, &error))?;
        if consumer.config.ack_wait != ACK_WAIT || consumer.config.max_deliver != route_worker().max_deliver {
            return Err(BusError::Streams(format!(
                "{ROUTE_WORKER} is not configured as this build needs it"
            )));
        }
        Ok(())
    }
}
