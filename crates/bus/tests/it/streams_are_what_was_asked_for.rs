use async_nats::jetstream;
use bus::{Bus, Outcome};
use tokio::task::JoinSet;

use crate::{
    broker::{Broker, Worker, connect, direct},
    in_time, soon,
};

#[tokio::test]
async fn they_can_be_made_again_without_losing_anything() {
    let broker = Broker::start().await;
    let job = broker.publish().await;
    broker.bus.ensure_streams(1).await.unwrap();
    assert_eq!(broker.kept().await, 1);
    let mut worker = Worker::start(&broker.bus, 1);
    let in_hand = worker.next().await;
    broker.bus.ensure_streams(1).await.unwrap();
    assert_eq!(broker.consumer().await.num_ack_pending, 1);
    assert_eq!(in_hand.ends(Outcome::Done), job);
    broker.nothing_is_kept().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_may_make_them_at_once() {
    let broker = Broker::bare().await;
    let mut makers = JoinSet::new();
    for _ in 0..8 {
        let bus = connect(&broker.nats).await;
        makers.spawn(async move { bus.ensure_streams(1).await });
    }
    for made in makers.join_all().await {
        made.unwrap();
    }
    assert_eq!(broker.bus.ready().await, Ok(()));
}

#[tokio::test]
async fn readiness_names_what_is_missing() {
    let broker = Broker::bare().await;
    let streams = jetstream::new(direct(&broker.nats).await);
    let missing = broker.bus.ready().await.unwrap_err();
    assert!(missing.contains("ROUTE_JOBS") && missing.contains("wildside-admin streams"), "{missing}");
    broker.bus.ensure_streams(1).await.unwrap();
    assert_eq!(broker.bus.ready().await, Ok(()));
    streams.delete_consumer_from_stream("route-worker", "ROUTE_JOBS").await.unwrap();
    let missing = broker.bus.ready().await.unwrap_err();
    assert!(missing.contains("route-worker") && missing.contains("wildside-admin streams"), "{missing}");
    broker.bus.ensure_streams(1).await.unwrap();
    assert_eq!(broker.bus.ready().await, Ok(()));
}

#[tokio::test]
async fn readiness_sees_a_stream_that_is_configured_otherwise_and_it_is_mended() {
    let broker = Broker::start().await;
    let streams = jetstream::new(direct(&broker.nats).await);
    let mut config = streams.get_stream("ROUTE_JOBS").await.unwrap().cached_info().config.clone();
    config.max_age = std::time::Duration::from_secs(300);
    config.duplicate_window = std::time::Duration::from_secs(10);
    streams.update_stream(config).await.unwrap();
    let wrong = broker.bus.ready().await.unwrap_err();
    assert!(wrong.contains("ROUTE_JOBS is not configured"), "{wrong}");
    broker.bus.ensure_streams(1).await.unwrap();
    assert_eq!(broker.bus.ready().await, Ok(()));
}

#[tokio::test]
async fn a_service_may_start_before_its_broker() {
    let nowhere = format!("nats://127.0.0.1:{}", testbed::free_port().unwrap());
    let bus = in_time("connecting in the background", Bus::connect(&nowhere, "bus-tests")).await.unwrap();
    let reason = async || bus.ready().await.unwrap_err();
    soon("the reason", async || reason().await.contains("not connected: IO error: Connection refused")).await;
    assert!(Bus::connect("not an address", "bus-tests").await.is_err());
}
