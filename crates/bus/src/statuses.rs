//! News of route requests, on their way from workers to every notifier. They are not kept: whoever may have missed
//! some reads the truth from PostgreSQL, and [`News::Gap`] says when.

use async_nats::HeaderMap;
use domain::StatusEvent;
use futures_util::{Stream, StreamExt, stream};
use tokio_util::sync::CancellationToken;

use crate::{
    Bus, BusError, RouteStatus,
    messages::{TRACEPARENT, from_payload, to_payload},
};

/// What a notifier hears.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A request has come further.
    Status {
        /// How far.
        event: StatusEvent,
        /// W3C trace context of the request.
        traceparent: Option<String>,
    },
    /// Some news may have been missed.
    Gap,
}

impl Bus {
    /// Sends news to whoever listens, and waits until it is on its way. That it arrived at the broker is known when a
    /// later [`Outcome::Done`](crate::Outcome::Done) is acknowledged: one connection keeps its order.
    pub async fn publish_status(
        &self,
        event: StatusEvent,
        traceparent: Option<&str>,
    ) -> Result<(), BusError> {
        let status = RouteStatus(event);
        let mut headers = HeaderMap::new();
        if let Some(traceparent) = traceparent {
            headers.insert(TRACEPARENT, traceparent);
        }
        let published = self.client.publish_with_headers(status.subject(), headers, to_payload(&status));
        self.exchange(published).await.map_err(BusError::Publish)
    }

    /// All news from now on, until `shutdown`.
    pub async fn news(
        &self,
        shutdown: CancellationToken,
    ) -> Result<impl Stream<Item = News> + use<>, BusError> {
        let subscription = self
            .client
            .subscribe(RouteStatus::SUBJECTS)
            .await
            .map_err(|error| BusError::Connection(error.to_string()))?;
        // The subscription counts when the broker has it. While the broker is away that is after the reconnect, and
        // the gap that comes with it.
        tokio::time::timeout(std::time::Duration::from_secs(1), self.client.flush()).await.ok();
        let statuses = subscription.filter_map(async |message| match from_payload::<RouteStatus>(&message.payload) {
            Ok(RouteStatus(event)) => {
                let traceparent = message.headers.as_ref().and_then(|headers| headers.get(TRACEPARENT));
                Some(News::Status { event, traceparent: traceparent.map(ToString::to_string) })
            }
            Err(error) => {
                tracing::error!(%error, subject = %message.subject, "news that cannot be read is dropped");
                None
            }
        });
        let gaps = stream::unfold(self.gaps.clone(), async |mut gaps| {
            gaps.changed().await.ok()?;
            Some((News::Gap, gaps))
        });
        Ok(stream::select(statuses.boxed(), gaps.boxed()).take_until(shutdown.cancelled_owned()))
    }
}
