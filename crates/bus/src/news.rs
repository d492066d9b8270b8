//! News of route requests and of what they led to, on its way from workers to every notifier. It is not kept: whoever
//! may have missed some reads the truth from PostgreSQL, and [`News::Gap`] says when.

use async_nats::HeaderMap;
use domain::StatusEvent;
use futures_util::{Stream, StreamExt, stream};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::{
    AreaEnriched, Bus, BusError, RouteStatus,
    messages::{NEWS_SUBJECTS, TRACEPARENT, from_payload, to_payload},
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
    /// A request led to places that were not known.
    Enriched(AreaEnriched),
    /// Some news may have been missed.
    Gap,
}

impl Bus {
    /// Sends news to whoever listens, and waits until it is on its way. That the broker has it is known after
    /// [`Bus::confirm`].
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

    /// The same, with the news that a request led to places that were not known.
    pub async fn publish_enriched(&self, news: &AreaEnriched) -> Result<(), BusError> {
        let published = self.client.publish(news.subject(), to_payload(news));
        self.exchange(published).await.map_err(BusError::Publish)
    }

    /// Waits until the broker has all that was published before. One connection keeps its order, so it has what came
    /// before a message of ours that comes back.
    pub async fn confirm(&self) -> Result<(), BusError> {
        let round_trip = async {
            let inbox = self.client.new_inbox();
            let mut echo = self.client.subscribe(inbox.clone()).await.map_err(|error| error.to_string())?;
            self.client.publish(inbox, Default::default()).await.map_err(|error| error.to_string())?;
            echo.next().await.map(drop).ok_or_else(|| "the connection has ended".to_owned())
        };
        self.exchange(round_trip).await.map_err(BusError::Connection)
    }

    /// All news from now on, until `shutdown`.
    pub async fn news(
        &self,
        shutdown: CancellationToken,
    ) -> Result<impl Stream<Item = News> + use<>, BusError> {
        let subscription = self.client.subscribe(NEWS_SUBJECTS).await;
        let messages = subscription.map_err(|error| BusError::Connection(error.to_string()))?;
        // A subscription counts when the broker has it. While the broker is away that is after the reconnect, and the
        // gap that comes with it.
        tokio::time::timeout(std::time::Duration::from_secs(1), self.client.flush()).await.ok();
        let messages = messages.filter_map(async |message| {
            if AreaEnriched::is_sent_to(&message.subject) {
                return read(&message).map(News::Enriched);
            }
            let RouteStatus(event) = read(&message)?;
            let traceparent = message.headers.as_ref().and_then(|headers| headers.get(TRACEPARENT));
            Some(News::Status { event, traceparent: traceparent.map(ToString::to_string) })
        });
        let gaps = stream::unfold(self.gaps.clone(), async |mut gaps| {
            gaps.changed().await.ok()?;
            Some((News::Gap, gaps))
        });
        let news = stream::select_all([messages.boxed(), gaps.boxed()]);
        Ok(news.take_until(shutdown.cancelled_owned()))
    }
}

fn read<T: DeserializeOwned>(message: &async_nats::Message) -> Option<T> {
    from_payload(&message.payload)
        .inspect_err(|error| tracing::error!(%error, subject = %message.subject, "news that cannot be read is dropped"))
        .ok()
}
