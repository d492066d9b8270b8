//! What NATS keeps. Made by `wildside-admin streams`, and again by the gateway's sweeper when they are gone; never by a
//! worker, so that a scaler that watches the consumer finds it before the first worker runs.

use std::time::Duration;

use async_nats::jetstream::{
    consumer::{AckPolicy, pull},
    stream::{Config, DiscardPolicy, RetentionPolicy, StorageType},
};

use crate::{Bus, BusError};

/// A job that is not acknowledged, and not reported as in progress, for so long is given to another worker.
pub(crate) const ACK_WAIT: Duration = Duration::from_secs(10);

const HOUR: Duration = Duration::from_secs(3600);

/// A stream of jobs and the one consumer that its workers share. Streams of their own keep the jobs that nobody waits
/// for from standing in the way of the others.
#[derive(Debug)]
pub struct Queue {
    pub(crate) stream: &'static str,
    pub(crate) consumer: &'static str,
    description: &'static str,
    subjects: &'static str,
    /// What is older nobody waits for: the row in PostgreSQL brings a new one.
    max_age: Duration,
    /// For so long a second message of the same id is dropped.
    duplicate_window: Duration,
    /// Jobs in the hands of all workers together.
    most_unacked: i64,
}

pub(crate) const ROUTE_JOBS: Queue = Queue {
    stream: "ROUTE_JOBS",
    consumer: "route-worker",
    description: "Route requests waiting for a worker; the truth is in PostgreSQL",
    subjects: "jobs.route.*",
    // The sweeper gives a request up after ten minutes.
    max_age: Duration::from_secs(15 * 60),
    duplicate_window: Duration::from_secs(120),
    // At least replicas x concurrency: more jobs than that are never in workers' hands.
    most_unacked: 1_000,
};

pub(crate) const ENRICHMENT_JOBS: Queue = Queue {
    stream: "ENRICHMENT_JOBS",
    consumer: "enrichment-worker",
    description: "Areas that walkers found too little in; the truth is in PostgreSQL",
    subjects: "jobs.enrichment.*.*",
    max_age: HOUR,
    duplicate_window: Duration::from_secs(120),
    // As many as may ask the Overpass API at once: a third would only wait for its turn.
    most_unacked: 2,
};

pub(crate) const MAINTENANCE_JOBS: Queue = Queue {
    stream: "MAINTENANCE_JOBS",
    consumer: "maintenance",
    description: "Times to tidy up",
    subjects: "jobs.maintenance",
    max_age: Duration::from_secs(24 * 3600),
    // A replica that starts in the middle of a slot does not do the slot's work again.
    duplicate_window: Duration::from_secs(24 * 3600),
    most_unacked: 1,
};

const QUEUES: [&Queue; 3] = [&ROUTE_JOBS, &ENRICHMENT_JOBS, &MAINTENANCE_JOBS];

impl Queue {
    fn stream(&self, replicas: usize) -> Config {
        Config {
            name: self.stream.into(),
            description: Some(self.description.into()),
            subjects: vec![self.subjects.into()],
            retention: RetentionPolicy::WorkQueue,
            storage: StorageType::File,
            discard: DiscardPolicy::Old,
            num_replicas: replicas,
            max_age: self.max_age,
            duplicate_window: self.duplicate_window,
            ..Config::default()
        }
    }

    fn consumer(&self) -> pull::Config {
        pull::Config {
            durable_name: Some(self.consumer.into()),
            description: Some("All workers together".into()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            // Attempts are counted in the database: a broker that stops delivering would leave the message behind.
            max_deliver: -1,
            max_ack_pending: self.most_unacked,
            ..pull::Config::default()
        }
    }
}

impl Bus {
    /// Makes streams and consumers, or brings them up to date. Several may do it at once.
    pub async fn ensure_streams(&self, replicas: usize) -> Result<(), BusError> {
        self.wait_until_connected().await?;
        let wrong = |error: &dyn std::fmt::Display| BusError::Streams(self.explain_timeout(error));
        for queue in QUEUES {
            let stream = self.jetstream.create_or_update_stream(queue.stream(replicas));
            stream.await.map_err(|error| wrong(&error))?;
            let consumer = self.jetstream.create_consumer_on_stream(queue.consumer(), queue.stream);
            consumer.await.map_err(|error| wrong(&error))?;
        }
        self.check_server()?;
        self.check_streams().await
    }

    /// Makes what is missing, after the broker has lost it. What is there stays as it is: how many copies are kept is
    /// for `wildside-admin streams` to change.
    pub async fn restore_streams(&self, replicas: usize) -> Result<(), BusError> {
        let restored = async {
            let wrong = |error: &dyn std::fmt::Display| BusError::Streams(error.to_string());
            for queue in QUEUES {
                let stream = self.jetstream.get_or_create_stream(queue.stream(replicas));
                let stream = stream.await.map_err(|error| wrong(&error))?;
                let consumer = stream.get_or_create_consumer(queue.consumer, queue.consumer());
                consumer.await.map_err(|error| wrong(&error))?;
            }
            self.check_streams().await
        };
        self.exchange(restored).await.map_err(BusError::Streams)
    }

    /// The streams are there and are what was asked for: an old server drops settings that it does not know.
    pub(crate) async fn check_streams(&self) -> Result<(), BusError> {
        for queue in QUEUES {
            self.check_queue(queue).await?;
        }
        Ok(())
    }

    async fn check_queue(&self, queue: &Queue) -> Result<(), BusError> {
        let missing = |what, error: &dyn std::fmt::Display| {
            BusError::Streams(format!("{what}: {error}; run wildside-admin streams"))
        };
        let other = |what| BusError::Streams(format!("{what} is not configured as this build needs it"));
        let stream = self.jetstream.get_stream(queue.stream).await;
        let stream = stream.map_err(|error| missing(queue.stream, &error))?;
        let (found, wanted) = (&stream.cached_info().config, queue.stream(1));
        if found.retention != wanted.retention
            || found.subjects != wanted.subjects
            || found.duplicate_window != wanted.duplicate_window
            || found.max_age != wanted.max_age
        {
            return Err(other(queue.stream));
        }
        let consumer = stream.consumer_info(queue.consumer).await;
        let consumer = consumer.map_err(|error| missing(queue.consumer, &error))?;
        let wanted = queue.consumer();
        if consumer.config.ack_wait != wanted.ack_wait
            || consumer.config.max_deliver != wanted.max_deliver
            || consumer.config.max_ack_pending != wanted.max_ack_pending
        {
            return Err(other(queue.consumer));
        }
        Ok(())
    }
}
