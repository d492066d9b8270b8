use std::pin::Pin;

use bus::{AreaEnriched, Bus, News};
use domain::{RequestId, RequestStatus, StatusEvent, ThemeId, UserId};
use futures_util::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    broker::{Broker, TRACEPARENT, connect, direct},
    in_time, soon,
};

fn event(rev: i64) -> StatusEvent {
    StatusEvent {
        user_id: UserId(Uuid::now_v7()),
        request_id: RequestId(Uuid::now_v7()),
        status: RequestStatus::Pending,
        route_id: None,
        error: None,
        rev,
        progress: None,
        estimated_wait_s: None,
    }
}

/// What a notifier hears.
struct Listener {
    bus: Bus,
    news: Pin<Box<dyn Stream<Item = News> + Send>>,
    shutdown: CancellationToken,
}

impl Listener {
    async fn start(broker: &Broker) -> Self {
        let (bus, shutdown) = (connect(&broker.nats).await, CancellationToken::new());
        let news = Box::pin(bus.news(shutdown.clone()).await.unwrap());
        // A connection keeps its order: when this is answered, the subscription has arrived.
        assert_eq!(bus.ready().await, Ok(()));
        Self { bus, news, shutdown }
    }

    async fn next(&mut self) -> News {
        in_time("news", self.news.next()).await.unwrap()
    }

    /// The next news that is not about a gap.
    async fn next_status(&mut self) -> News {
        loop {
            match self.next().await {
                News::Gap => {}
                status => return status,
            }
        }
    }
}

#[tokio::test]
async fn every_listener_hears_it_in_order_and_with_its_trace() {
    let broker = Broker::start().await;
    let mut listeners = [Listener::start(&broker).await, Listener::start(&broker).await];
    let events: Vec<StatusEvent> = (1..=20).map(event).collect();
    for event in &events {
        let traceparent = (event.rev % 2 == 0).then_some(TRACEPARENT);
        broker.bus.publish_status(event.clone(), traceparent).await.unwrap();
    }
    for listener in &mut listeners {
        for event in &events {
            let traceparent = (event.rev % 2 == 0).then(|| TRACEPARENT.to_owned());
            let heard = listener.next_status().await;
            assert_eq!(heard, News::Status { event: event.clone(), traceparent });
        }
    }
}

#[tokio::test]
async fn that_there_is_a_walk_is_heard_before_that_there_is_a_better_one() {
    let broker = Broker::start().await;
    let mut listener = Listener::start(&broker).await;
    let events: Vec<StatusEvent> = (1..=20).map(event).collect();
    let enriched = |event: &StatusEvent| AreaEnriched {
        user_id: event.user_id,
        request_id: event.request_id,
        theme_id: ThemeId(Uuid::nil()),
        places_added: 3,
    };
    for event in &events {
        broker.bus.publish_status(event.clone(), None).await.unwrap();
        broker.bus.publish_enriched(&enriched(event)).await.unwrap();
    }
    for event in &events {
        let status = News::Status { event: event.clone(), traceparent: None };
        assert_eq!(listener.next_status().await, status);
        assert_eq!(listener.next_status().await, News::Enriched(enriched(event)));
    }
}

#[tokio::test]
async fn news_that_cannot_be_read_is_passed_over() {
    let broker = Broker::start().await;
    let mut listener = Listener::start(&broker).await;
    let client = direct(&broker.nats).await;
    client.publish("status.a.b", "{}".into()).await.unwrap();
    client.flush().await.unwrap();
    let good = event(1);
    broker.bus.publish_status(good.clone(), None).await.unwrap();
    assert_eq!(listener.next_status().await, News::Status { event: good, traceparent: None });
}

#[tokio::test]
async fn after_a_restart_of_the_broker_listeners_know_of_the_gap_and_hear_on() {
    let broker = Broker::start().await;
    let mut listeners = [Listener::start(&broker).await, Listener::start(&broker).await];
    let (before, after) = (event(1), event(2));
    broker.bus.publish_status(before.clone(), None).await.unwrap();
    for listener in &mut listeners {
        let heard = listener.next_status().await;
        assert_eq!(heard, News::Status { event: before.clone(), traceparent: None });
    }
    broker.nats.kill_9();
    broker.nats.restart().await.unwrap();
    for listener in &mut listeners {
        assert_eq!(listener.next().await, News::Gap);
        soon("readiness", async || listener.bus.ready().await.is_ok()).await;
    }
    soon("readiness", async || broker.bus.ready().await.is_ok()).await;
    broker.bus.publish_status(after.clone(), None).await.unwrap();
    for listener in &mut listeners {
        let heard = listener.next_status().await;
        assert_eq!(heard, News::Status { event: after.clone(), traceparent: None });
    }
}

#[tokio::test]
async fn news_ends_when_the_listener_is_told_to_stop() {
    let broker = Broker::start().await;
    let mut listener = Listener::start(&broker).await;
    listener.shutdown.cancel();
    while let Some(news) = in_time("the end", listener.news.next()).await {
        assert_eq!(news, News::Gap);
    }
}
