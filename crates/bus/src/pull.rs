//! One job at a time from the broker. async-nats' own stream of messages stalls now and then where a batch is one message
//! (docs/upstream/async-nats-pull-stream.md), and its batches do not wake up for a message that follows a heartbeat.

use std::time::Duration;

use async_nats::{
    StatusCode, Subscriber,
    jetstream::{
        AckKind, Message,
        consumer::{Consumer, pull},
    },
};
use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;

use crate::{Bus, BusError, streams::Queue};

/// How long a request for a job waits at the broker.
const EXPIRY: Duration = Duration::from_secs(20);
/// How often the broker says that a request is still waiting.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// A request of which nothing was heard for so long is lost.
const MAX_SILENCE: Duration = Duration::from_secs(5);

/// A consumer of a queue, for asking again and again.
pub(crate) type JobConsumer = Consumer<pull::Config>;

impl Bus {
    pub(crate) async fn job_consumer(&self, queue: &Queue) -> Result<JobConsumer, BusError> {
        let consumer =
            self.exchange(self.jetstream.get_consumer_from_stream(queue.consumer, queue.stream)).await;
        consumer.map_err(BusError::Streams)
    }

    /// Asks for one job. `None` where there was none within [`EXPIRY`], or where `shutdown` came first.
    pub(crate) async fn pull_job(
        &self,
        consumer: &JobConsumer,
        shutdown: &CancellationToken,
    ) -> Result<Option<Message>, BusError> {
        let mut gaps = self.gaps.clone();
        gaps.mark_unchanged();
        let inbox = self.client.new_inbox();
        let answers = self.client.subscribe(inbox.clone()).await;
        let mut answers = answers.map_err(|error| BusError::Connection(error.to_string()))?;
        let one = pull::BatchConfig {
            batch: 1,
            expires: Some(EXPIRY),
            idle_heartbeat: HEARTBEAT,
            ..pull::BatchConfig::default()
        };
        let asked = consumer.request_batch(one, inbox.into()).await;
        asked.map_err(|error| BusError::Connection(error.to_string()))?;
        loop {
            let answer = tokio::select! {
                biased;
                answer = tokio::time::timeout(MAX_SILENCE, answers.next()) => answer,
                () = shutdown.cancelled() => {
                    self.hand_back_late(answers).await;
                    return Ok(None);
                }
                // A broker that was away has forgotten what it was asked.
                _ = gaps.changed() => return Ok(None),
            };
            let silent = || BusError::Connection("the broker does not answer requests for jobs".into());
            let message = answer.map_err(|_| silent())?.ok_or_else(silent)?;
            match message.status {
                None | Some(StatusCode::OK) => {
                    return Ok(Some(Message { message, context: self.jetstream.clone() }));
                }
                Some(StatusCode::IDLE_HEARTBEAT) => {}
                Some(StatusCode::TIMEOUT) => return Ok(None),
                Some(status) => {
                    let why = message.description.map(|why| why.to_string()).unwrap_or_default();
                    return Err(BusError::Streams(format!("{status} {why}")));
                }
            }
        }
    }

    /// A job that crosses with the end of its request is for another worker, at once.
    async fn hand_back_late(&self, mut answers: Subscriber) {
        if answers.drain().await.is_err() {
            return;
        }
        let late = async {
            while let Some(message) = answers.next().await {
                if matches!(message.status, None | Some(StatusCode::OK)) {
                    let message = Message { message, context: self.jetstream.clone() };
                    if let Err(error) = message.ack_with(AckKind::Nak(None)).await {
                        tracing::debug!(%error, "a job comes again only after its wait");
                    }
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(1), late).await.ok();
    }
}
