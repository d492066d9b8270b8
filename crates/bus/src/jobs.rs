//! Jobs, out and in. Whether a job is acknowledged, given back or dropped is decided here and nowhere else.

use std::{future::Future, sync::Arc, time::Duration};

use async_nats::{
    HeaderMap,
    jetstream::{self, AckKind, consumer::pull},
};
use futures_util::StreamExt;
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    Bus, BusError, Job,
    messages::{TRACEPARENT, from_payload, to_payload},
    streams::{ACK_WAIT, Queue},
};

/// A stream of messages that nobody reads takes its request for lost after 25 seconds and asks again by itself: the job
/// that it gets would grow old in a buffer. So it is let go well before.
const LONGEST_UNREAD: Duration = Duration::from_secs(10);

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
        self.exchange(stored).await.map(drop).map_err(BusError::Publish)
    }

    /// Handles jobs of a kind, up to `concurrency` at once, until `shutdown`; then finishes those in hand.
    pub async fn work_on_jobs<J, H, F>(&self, concurrency: usize, shutdown: CancellationToken, handle: H)
    where
        J: Job,
        H: Fn(Delivery<J>) -> F + Send + Sync + 'static,
        F: Future<Output = Outcome> + Send,
    {
        let (handle, slots) = (Arc::new(handle), Arc::new(Semaphore::new(concurrency)));
        let mut in_hand = JoinSet::new();
        while !shutdown.is_cancelled() {
            // With all hands full there is nothing to ask for.
            let Some(Ok(hand)) = shutdown.run_until_cancelled(slots.acquire()).await else { break };
            drop(hand);
            let mut messages = match self.job_messages(J::QUEUE).await {
                Ok(messages) => messages,
                Err(error) => {
                    tracing::warn!(%error, queue = J::QUEUE.stream, "no jobs can be had; trying again");
                    shutdown.run_until_cancelled(tokio::time::sleep(Duration::from_secs(1))).await;
                    continue;
                }
            };
            loop {
                while in_hand.try_join_next().is_some() {}
                let next = async {
                    // A job is only asked for when there is a hand for it: one that waits in a buffer grows old.
                    let slot = tokio::time::timeout(LONGEST_UNREAD, slots.clone().acquire_owned()).await;
                    Some((slot.ok()?.ok()?, messages.next().await?))
                };
                match shutdown.run_until_cancelled(next).await {
                    None => break,
                    Some(None) => break,
                    Some(Some((_, Err(error)))) => {
                        // A missed heartbeat heals by itself; a consumer that is gone does not, so look again.
                        tracing::warn!(%error, queue = J::QUEUE.stream, "the stream of jobs faltered");
                        tokio::time::sleep(Duration::from_millis(200)).await;
                        break;
                    }
                    Some(Some((slot, Ok(message)))) => {
                        let handle = handle.clone();
                        in_hand.spawn(async move {
                            settle::<J, H, F>(message, &*handle).await;
                            drop(slot);
                        });
                    }
                }
            }
        }
        while in_hand.join_next().await.is_some() {}
    }

    async fn job_messages(&self, queue: &Queue) -> Result<pull::Stream, BusError> {
        let gone = |error: &dyn std::fmt::Display| BusError::Streams(error.to_string());
        let consumer: jetstream::consumer::Consumer<pull::Config> = self
            .jetstream
            .get_consumer_from_stream(queue.consumer, queue.stream)
            .await
            .map_err(|error| gone(&error))?;
        consumer
            .stream()
            .max_messages_per_batch(1)
            .expires(Duration::from_secs(20))
            .heartbeat(Duration::from_secs(5))
            .messages()
            .await
            .map_err(|error| gone(&error))
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
