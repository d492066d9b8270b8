use std::time::{Duration, Instant};

use bus::Outcome;

use crate::{
    broker::{Broker, TRACEPARENT, Worker, connect, direct, job},
    in_time, soon,
};

#[tokio::test]
async fn the_same_publication_is_kept_once_and_the_next_one_as_well() {
    let broker = Broker::start().await;
    let job = broker.publish().await;
    for _ in 0..3 {
        broker.bus.publish_job(&job, 0, None).await.unwrap();
    }
    assert_eq!(broker.kept().await, 1);
    broker.bus.publish_job(&job, 1, None).await.unwrap();
    assert_eq!(broker.kept().await, 2);
    // Not even when the first one is over.
    let mut worker = Worker::start(&broker.bus, 2);
    for _ in 0..2 {
        assert_eq!(worker.next().await.ends(Outcome::Done), job);
    }
    broker.nothing_is_kept().await;
    broker.bus.publish_job(&job, 0, None).await.unwrap();
    assert_eq!(broker.kept().await, 0);
}

#[tokio::test]
async fn a_job_is_kept_until_it_is_done() {
    let broker = Broker::start().await;
    let job = broker.publish().await;
    let mut worker = Worker::start(&broker.bus, 1);
    let in_hand = worker.next().await;
    assert_eq!(in_hand.delivery.job, job);
    assert_eq!((broker.kept().await, broker.consumer().await.num_ack_pending), (1, 1));
    in_hand.ends(Outcome::Done);
    broker.nothing_is_kept().await;
    assert!(worker.got_nothing());
}

#[tokio::test]
async fn the_trace_context_travels_with_the_job() {
    let broker = Broker::start().await;
    let mut worker = Worker::start(&broker.bus, 1);
    broker.publish().await;
    let traced = worker.next().await;
    assert_eq!(traced.delivery.traceparent.as_deref(), Some(TRACEPARENT));
    traced.ends(Outcome::Done);
    broker.bus.publish_job(&job(), 0, None).await.unwrap();
    assert_eq!(worker.next().await.delivery.traceparent, None);
}

#[tokio::test]
async fn a_job_for_later_comes_again_after_its_delay() {
    let broker = Broker::start().await;
    let mut worker = Worker::start(&broker.bus, 1);
    let job = broker.publish().await;
    let delay = Duration::from_millis(700);
    for _ in 0..2 {
        worker.next().await.ends(Outcome::Later(delay));
        let put_off = Instant::now();
        let again = worker.next().await;
        let waited = put_off.elapsed();
        assert!(waited > delay - Duration::from_millis(50) && waited < delay * 5, "{waited:?}");
        assert_eq!((&again.delivery.job, again.delivery.traceparent.as_deref()), (&job, Some(TRACEPARENT)));
        again.ends(Outcome::Later(Duration::from_millis(1)));
    }
    worker.next().await.ends(Outcome::Done);
    broker.nothing_is_kept().await;
}

#[tokio::test]
async fn a_job_for_later_does_not_hold_up_the_others() {
    let broker = Broker::start().await;
    let mut worker = Worker::start(&broker.bus, 1);
    broker.publish().await;
    worker.next().await.ends(Outcome::Later(Duration::from_secs(600)));
    let next = broker.publish().await;
    assert_eq!(worker.next().await.ends(Outcome::Done), next);
}

#[tokio::test]
async fn an_impossible_job_never_comes_again() {
    let broker = Broker::start().await;
    let mut worker = Worker::start(&broker.bus, 1);
    broker.publish().await;
    worker.next().await.ends(Outcome::Impossible);
    broker.nothing_is_kept().await;
    let next = broker.publish().await;
    assert_eq!(worker.next().await.ends(Outcome::Done), next);
}

#[tokio::test]
async fn a_job_that_cannot_be_read_is_dropped() {
    let broker = Broker::start().await;
    let client = direct(&broker.nats).await;
    client.publish("jobs.route.nonsense", "{\"request_id\": 7}".into()).await.unwrap();
    client.flush().await.unwrap();
    soon("it is kept", async || broker.kept().await == 1).await;
    let mut worker = Worker::start(&broker.bus, 1);
    broker.nothing_is_kept().await;
    assert!(worker.got_nothing());
}

#[tokio::test]
async fn a_job_that_takes_long_is_not_given_to_another_worker() {
    let broker = Broker::start().await;
    let mut worker = Worker::start(&broker.bus, 1);
    let mut other = Worker::start(&connect(&broker.nats).await, 1);
    broker.publish().await;
    let in_hand = tokio::select! {
        in_hand = worker.next() => in_hand,
        in_hand = other.next() => in_hand,
    };
    // Only time can tell: the broker waits ten seconds for a sign of life.
    tokio::time::sleep(Duration::from_secs(12)).await;
    let consumer = broker.consumer().await;
    assert_eq!((consumer.num_ack_pending, consumer.num_redelivered), (1, 0));
    assert!(worker.got_nothing() && other.got_nothing());
    in_hand.ends(Outcome::Done);
    broker.nothing_is_kept().await;
}

#[tokio::test]
async fn a_job_whose_worker_died_is_given_to_another_one() {
    let broker = Broker::start().await;
    let job = broker.publish().await;
    let mut worker = Worker::start(&broker.bus, 1);
    let in_hand = worker.next().await;
    worker.task.abort();
    assert!(worker.task.await.unwrap_err().is_cancelled());
    assert_eq!(broker.kept().await, 1);
    let mut other = Worker::start(&broker.bus, 1);
    assert_eq!(other.next().await.ends(Outcome::Done), job);
    broker.nothing_is_kept().await;
    drop(in_hand);
}

#[tokio::test]
async fn jobs_wait_at_the_broker_while_all_hands_are_full() {
    let broker = Broker::start().await;
    for _ in 0..7 {
        broker.publish().await;
    }
    let mut worker = Worker::start(&broker.bus, 2);
    let mut in_hand = [worker.next().await, worker.next().await];
    for left in (0..5).rev() {
        let consumer = broker.consumer().await;
        assert_eq!((consumer.num_ack_pending, consumer.num_pending), (2, left + 1));
        assert_eq!(worker.works_on(), 2);
        assert!(worker.got_nothing());
        let [done, busy] = in_hand;
        done.ends(Outcome::Done);
        in_hand = [worker.next().await, busy];
    }
    for last in in_hand {
        last.ends(Outcome::Done);
    }
    broker.nothing_is_kept().await;
}

#[tokio::test]
async fn a_waiting_job_stays_at_the_broker_although_all_hands_are_full_for_long() {
    let broker = Broker::start().await;
    let mut worker = Worker::start(&broker.bus, 1);
    let long = broker.publish().await;
    let in_hand = worker.next().await;
    let waiting = broker.publish().await;
    // Only time can tell: the client library asks for more by itself where its messages are not read for 25 seconds.
    tokio::time::sleep(Duration::from_secs(27)).await;
    let consumer = broker.consumer().await;
    assert_eq!((consumer.num_ack_pending, consumer.num_pending), (1, 1));
    // Another worker, with a hand free, gets it at once.
    let mut other = Worker::start(&connect(&broker.nats).await, 1);
    assert_eq!(other.next().await.ends(Outcome::Done), waiting);
    assert_eq!(in_hand.ends(Outcome::Done), long);
    broker.nothing_is_kept().await;
    // The busy one works on as before.
    other.shutdown.cancel();
    in_time("its end", other.task).await.unwrap();
    let next = broker.publish().await;
    assert_eq!(worker.next().await.ends(Outcome::Done), next);
}

#[tokio::test]
async fn a_worker_that_is_told_to_stop_finishes_what_it_has_in_hand() {
    let broker = Broker::start().await;
    let mut worker = Worker::start(&broker.bus, 2);
    broker.publish().await;
    let in_hand = worker.next().await;
    worker.shutdown.cancel();
    // It has stopped taking jobs once its request for more is gone from the broker.
    soon("it asks for no more", async || broker.consumer().await.num_waiting == 0).await;
    let left = broker.publish().await;
    assert!(!worker.task.is_finished());
    in_hand.ends(Outcome::Done);
    in_time("its end", &mut worker.task).await.unwrap();
    assert!(worker.got_nothing());
    assert_eq!(broker.kept().await, 1);
    assert_eq!(Worker::start(&broker.bus, 1).next().await.ends(Outcome::Done), left);
}

#[tokio::test]
async fn an_idle_worker_and_one_without_streams_stop_at_once() {
    for broker in [Broker::start().await, Broker::bare().await] {
        let worker = Worker::start(&broker.bus, 2);
        worker.shutdown.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(4), worker.task).await;
        ended.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_worker_that_cannot_work_takes_nothing() {
    let broker = Broker::start().await;
    let (able, is_able) = tokio::sync::watch::channel(true);
    let mut sick = Worker::start_while(&broker.bus, 2, is_able);
    soon("it asks for jobs", async || broker.consumer().await.num_waiting == 2).await;
    able.send_replace(false);
    // Those that it has asked for already it hands back.
    let jobs = [broker.publish().await, broker.publish().await, broker.publish().await];
    let mut other = Worker::start(&connect(&broker.nats).await, 1);
    for _ in &jobs {
        assert!(jobs.contains(&other.next().await.ends(Outcome::Done)));
    }
    broker.nothing_is_kept().await;
    assert!(sick.got_nothing());
    able.send_replace(true);
    let next = broker.publish().await;
    let by = tokio::select! {
        in_hand = sick.next() => in_hand,
        in_hand = other.next() => in_hand,
    };
    assert_eq!(by.ends(Outcome::Done), next);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_job_waits_while_a_hand_is_free() {
    // Short jobs by the hundred, as walkers with short walks bring them: async-nats' stream of single messages stalled
    // for ten seconds once in a few hundred (docs/upstream/async-nats-pull-stream.md).
    let broker = Broker::start().await;
    let bus = connect(&broker.nats).await;
    let (done, mut jobs) = tokio::sync::mpsc::unbounded_channel();
    let shutdown = tokio_util::sync::CancellationToken::new();
    let working = tokio::spawn({
        let (bus, shutdown) = (bus.clone(), shutdown.clone());
        async move {
            let able = tokio::sync::watch::channel(true).1;
            let handle = move |delivery: bus::Delivery<bus::GenerateRouteJob>| {
                let done = done.clone();
                async move {
                    done.send(delivery.job).ok();
                    Outcome::Done
                }
            };
            bus.work_on_jobs(2, able, shutdown, handle).await;
        }
    });
    for _ in 0..3_000 {
        let job = broker.publish().await;
        let came = tokio::time::timeout(Duration::from_secs(8), jobs.recv()).await;
        assert_eq!(came.expect("no stall").unwrap(), job);
    }
    shutdown.cancel();
    in_time("its end", working).await.unwrap();
}
