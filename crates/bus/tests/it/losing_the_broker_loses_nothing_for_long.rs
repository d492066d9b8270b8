use bus::Outcome;

use crate::{
    broker::{Broker, Worker, job},
    soon,
};

#[tokio::test]
async fn a_job_outlives_a_broker_that_was_killed() {
    let broker = Broker::start().await;
    let job = broker.publish().await;
    broker.nats.kill_9();
    broker.nats.restart().await.unwrap();
    let mut worker = Worker::start(&broker.bus, 1);
    assert_eq!(worker.next().await.ends(Outcome::Done), job);
    broker.nothing_is_kept().await;
}

#[tokio::test]
async fn a_worker_goes_on_after_its_broker_was_restarted() {
    let broker = Broker::start().await;
    let mut worker = Worker::start(&broker.bus, 1);
    broker.publish().await;
    worker.next().await.ends(Outcome::Done);
    broker.nothing_is_kept().await;
    broker.nats.restart().await.unwrap();
    soon("readiness", async || broker.bus.ready().await.is_ok()).await;
    let next = broker.publish().await;
    assert_eq!(worker.next().await.ends(Outcome::Done), next);
    broker.nothing_is_kept().await;
}

#[tokio::test]
async fn a_job_can_be_acknowledged_although_the_broker_was_restarted_meanwhile() {
    let broker = Broker::start().await;
    let mut worker = Worker::start(&broker.bus, 1);
    broker.publish().await;
    let in_hand = worker.next().await;
    broker.nats.restart().await.unwrap();
    soon("readiness", async || broker.bus.ready().await.is_ok()).await;
    in_hand.ends(Outcome::Done);
    broker.nothing_is_kept().await;
}

#[tokio::test]
async fn after_the_loss_of_all_it_kept_the_same_connections_go_on() {
    let broker = Broker::start().await;
    let mut worker = Worker::start(&broker.bus, 1);
    let lost = broker.publish().await;
    let in_hand = worker.next().await;
    broker.nats.wipe().await.unwrap();
    // What the sweeper does: look, make the streams anew, and publish again what is open.
    soon("new streams", async || broker.bus.ensure_streams(1).await.is_ok()).await;
    assert_eq!(broker.bus.ready().await, Ok(()));
    broker.bus.publish_job(&lost, 1, None).await.unwrap();
    in_hand.ends(Outcome::Done);
    assert_eq!(worker.next().await.ends(Outcome::Done), lost);
    broker.nothing_is_kept().await;
}

#[tokio::test]
async fn an_idle_worker_hears_of_jobs_after_the_loss_too() {
    let broker = Broker::start().await;
    let mut worker = Worker::start(&broker.bus, 3);
    soon("it asks for jobs", async || broker.consumer().await.num_waiting > 0).await;
    broker.nats.wipe().await.unwrap();
    soon("new streams", async || broker.bus.ensure_streams(1).await.is_ok()).await;
    let job = broker.publish().await;
    assert_eq!(worker.next().await.ends(Outcome::Done), job);
    broker.nothing_is_kept().await;
}

#[tokio::test]
async fn publishing_without_a_broker_is_an_error_and_not_a_wait_for_ever() {
    let broker = Broker::start().await;
    broker.nats.stop().await;
    let job = job();
    let published = broker.bus.publish_job(&job, 0, None);
    let published = tokio::time::timeout(std::time::Duration::from_secs(8), published).await;
    assert!(published.unwrap().is_err());
}

#[tokio::test]
async fn a_broker_that_takes_no_messages_is_not_ready_until_it_takes_one() {
    let broker = Broker::start().await;
    assert_eq!(broker.bus.ready().await, Ok(()));
    // As after a full disk: everything is answered, and nothing is taken.
    let jetstream = broker.jetstream().await;
    let stream = jetstream.get_stream("ROUTE_JOBS").await.unwrap();
    let config = stream.cached_info().config.clone();
    let full = async_nats::jetstream::stream::Config {
        max_bytes: 1,
        discard: async_nats::jetstream::stream::DiscardPolicy::New,
        ..config.clone()
    };
    jetstream.update_stream(&full).await.unwrap();
    assert!(broker.bus.publish_job(&job(), 0, None).await.is_err());
    let why = broker.bus.ready().await.unwrap_err();
    assert!(why.contains("does not take messages") && why.contains("maximum bytes"), "{why}");
    jetstream.update_stream(&config).await.unwrap();
    broker.publish().await;
    assert_eq!(broker.bus.ready().await, Ok(()));
}
