//! Jobs, out and in. Whether a job is acknowledged, given back or dropped is decided here and nowhere else.

use std::{future::Future, sync::Arc, time::Duration};

use async_nats::{
    HeaderMap,
    jetstream::{self, AckKind},
};
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    Bus, BusError, Job,
    messages::{TRACEPARENT, from_payload, to_payload},
    streams::ACK_WAIT,
};

/// How long a slot waits after it could not ask for a job.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// What became of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is over, one way or another.
    Done,
    /// Not now: it should come again after so long.
    Later(Duration),
    /// It can never be done; nobody should get it again.
    Impossible,
}

/// A job as it reaches a worker.
#[derive(Clone, Debug)]
pub struct Delivery<J> {
    /// The job.
    pub job: J,
    /// W3C trace context of the request that it belongs to.
    pub traceparent: Option<String>,
}

impl Bus {
    /// Publishes a job and waits until it is stored.
    pub async fn publish_job<J: Job>(
        &self,
        job: &J,
        publication: i32,
        traceparent: Option<&str>,
    ) -> Result<(), BusError> {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", job.message_id(publication));
        if let Some(traceparent) = traceparent {
            headers.insert(TRACEPARENT, traceparent);
        }
        let stored = async {
            let acknowledgement =
                self.jetstream.publish_with_headers(job.subject(), headers, to_payload(job)).await?;
            acknowledgement.await
        };
        let stored = self.exchange(stored).await;
        self.publishing.note(stored.as_ref().err());
        stored.map(drop).map_err(BusError::Publish)
    }

    /// Messages of a queue that the broker holds, in workers' hands or not.
    pub async fn jobs_held<J: Job>(&self) -> Result<u64, BusError> {
        let info = async {
            let mut consumer = self.job_consumer(J::QUEUE).await?;
            let info = consumer.info().await.map_err(|error| BusError::Streams(error.to_string()))?;
            Ok::<_, BusError>(info.num_pending + info.num_ack_pending as u64)
        };
        self.exchange(info).await.map_err(BusError::Streams)
    }

    /// Handles jobs of a kind, up to `concurrency` at once, until `shutdown`; then finishes those in hand. While `able` is
    /// false no job is asked for.
    pub async fn work_on_jobs<J, H, F>(
        &self,
        concurrency: usize,
        able: watch::Receiver<bool>,
        shutdown: CancellationToken,
        handle: H,
    ) where
        J: Job,
        H: Fn(Delivery<J>) -> F + Send + Sync + 'static,
        F: Future<Output = Outcome> + Send,
    {
        let handle = Arc::new(handle);
        let mut slots = JoinSet::new();
        for _ in 0..concurrency {
            let (bus, able, shutdown, handle) =
                (self.clone(), able.clone(), shutdown.clone(), handle.clone());
            slots.spawn(async move { bus.work_in_slot::<J, H, F>(able, &shutdown, &handle).await });
        }
        while slots.join_next().await.is_some() {}
    }

    /// Asks for a job and handles it, again and again. A job is only asked for when there is a hand for it: one that waits
    /// in a buffer grows old.
    async fn work_in_slot<J, H, F>(
        &self,
        mut able: watch::Receiver<bool>,
        shutdown: &CancellationToken,
        handle: &H,
    ) where
        J: Job,
        H: Fn(Delivery<J>) -> F,
        F: Future<Output = Outcome>,
    {
        let mut consumer = None;
        while matches!(shutdown.run_until_cancelled(able.wait_for(|able| *able)).await, Some(Ok(_))) {
            let pulled = async {
                let known = match consumer.take() {
                    Some(known) => known,
                    None => self.job_consumer(J::QUEUE).await?,
                };
                let message = self.pull_job(&known, shutdown).await?;
                consumer = Some(known);
                Ok::<_, BusError>(message)
            };
            match pulled.await {
                Ok(Some(message)) if *able.borrow() => settle::<J, H, F>(message, handle).await,
                Ok(Some(message)) => {
                    if let Err(error) = message.ack_with(AckKind::Nak(None)).await {
                        tracing::debug!(%error, "a job comes again only after its wait");
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, queue = J::QUEUE.stream, "no jobs can be had; trying again");
                    shutdown.run_until_cancelled(tokio::time::sleep(RETRY_PAUSE)).await;
                }
            }
        }
    }
}

/// Runs one job to its outcome and tells the broker. While it runs, the broker hears that it is in progress.
async fn settle<J, H, F>(message: jetstream::Message, handle: &H)
where
    J: Job,
    H: Fn(Delivery<J>) -> F,
    F: Future<Output = Outcome>,
{
    let (message, acker) = message.split();
    let outcome = match from_payload::<J>(&message.payload) {
        Err(error) => {
            tracing::error!(%error, subject = %message.subject, "a job that cannot be read is dropped");
            Outcome::Impossible
        }
        Ok(job) => {
            let traceparent = message.headers.as_ref().and_then(|headers| headers.get(TRACEPARENT));
            let delivery = Delivery { job, traceparent: traceparent.map(ToString::to_string) };
            let mut work = std::pin::pin!(handle(delivery));
            let mut beat = tokio::time::interval(ACK_WAIT / 3);
            beat.tick().await;
            loop {
                tokio::select! {
                    outcome = &mut work => break outcome,
                    _ = beat.tick() => {
                        if let Err(error) = acker.ack_with(AckKind::Progress).await {
                            tracing::warn!(%error, "could not report a job as in progress");
                        }
                    }
                }
            }
        }
    };
    let told = match outcome {
        // Waits until the broker has the acknowledgement, and with it all that was published before.
        Outcome::Done => acker.double_ack().await,
        Outcome::Later(delay) => acker.ack_with(AckKind::Nak(Some(delay))).await,
        Outcome::Impossible => acker.double_ack_with(AckKind::Term).await,
    };
    if let Err(error) = told {
        // It comes again, is found to be over, and its news is published again.
        tracing::warn!(%error, ?outcome, "the broker did not hear of an outcome");
    }
}
