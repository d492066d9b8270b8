use std::collections::HashSet;

use domain::RequestStatus;
use store::{
    MAX_LOST_ATTEMPTS, Release, Republication, complete, fail, fail_hopeless, open_requests, release,
    take_for_republication,
};
use tokio::task::JoinSet;

use crate::stage::{Stage, route};

async fn taken(stage: &Stage) -> Vec<Republication> {
    take_for_republication(&stage.database, 100).await.unwrap()
}

#[tokio::test]
async fn a_job_that_was_just_published_is_not_missed() {
    let stage = Stage::new().await;
    let wish = stage.accepted(stage.walker().await).await;
    assert_eq!(open_requests(&stage.database).await.unwrap(), 0);
    assert_eq!(taken(&stage).await, []);
    stage.published_ago(wish.id, 11).await;
    assert_eq!(open_requests(&stage.database).await.unwrap(), 1);
    let found = taken(&stage).await;
    assert_eq!(found.iter().map(|taken| taken.request_id).collect::<Vec<_>>(), [wish.id]);
    assert!(found[0].traceparent.as_ref().is_some_and(|parent| parent.contains("0af7651916cd43dd")));
    // Taking it counts as publishing it.
    assert_eq!(taken(&stage).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn sweepers_at_work_at_the_same_time_share_what_is_stale() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    for _ in 0..40 {
        stage.accepted(walker).await;
    }
    stage.sql("UPDATE route_requests SET published_at = now() - interval '1 minute'").await;
    let mut sweepers = JoinSet::new();
    for _ in 0..4 {
        let database = stage.database.clone();
        sweepers.spawn(async move {
            let mut taken = Vec::new();
            loop {
                match take_for_republication(&database, 7).await.unwrap() {
                    none if none.is_empty() => return taken,
                    some => taken.extend(some),
                }
            }
        });
    }
    let taken: Vec<Republication> = sweepers.join_all().await.into_iter().flatten().collect();
    let rows: HashSet<_> = taken.iter().map(|taken| taken.request_id).collect();
    assert_eq!((taken.len(), rows.len()), (40, 40));
    assert!(taken.iter().all(|taken| taken.publication == 1));
    assert_eq!(stage.count("route_requests WHERE publications = 2").await, 40);
}

#[tokio::test]
async fn each_publication_has_a_number_of_its_own() {
    let stage = Stage::new().await;
    let wish = stage.accepted(stage.walker().await).await;
    for publication in 1..=6 {
        stage.published_ago(wish.id, 11).await;
        assert_eq!(taken(&stage).await[0].publication, publication);
    }
}

#[tokio::test]
async fn the_oldest_come_first() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let (young, old) = (stage.accepted(walker).await, stage.accepted(walker).await);
    stage.published_ago(young.id, 20).await;
    stage.published_ago(old.id, 25).await;
    assert_eq!(take_for_republication(&stage.database, 1).await.unwrap()[0].request_id, old.id);
    assert_eq!(take_for_republication(&stage.database, 1).await.unwrap()[0].request_id, young.id);
}

#[tokio::test]
async fn a_request_in_a_workers_hands_is_left_alone() {
    let stage = Stage::new().await;
    let wish = stage.accepted(stage.walker().await).await;
    stage.granted(wish.id).await;
    stage.sql("UPDATE route_requests SET created_at = now() - interval '1 hour', lost_attempts = 5").await;
    stage.published_ago(wish.id, 3_600).await;
    assert_eq!(taken(&stage).await, []);
    assert_eq!(fail_hopeless(&stage.database, 100).await.unwrap(), []);
    stage.expire_lease(wish.id).await;
    assert_eq!(taken(&stage).await.len(), 1);
    assert_eq!(fail_hopeless(&stage.database, 100).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_released_request_is_taken_too() {
    let stage = Stage::new().await;
    let wish = stage.accepted(stage.walker().await).await;
    let attempt = stage.granted(wish.id).await;
    release(&stage.database, wish.id, attempt.number, Release::Passing).await.unwrap().unwrap();
    stage.published_ago(wish.id, 16).await;
    assert_eq!(taken(&stage).await.len(), 1);
}

#[tokio::test]
async fn what_is_over_is_neither_missed_nor_hopeless() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    stage.completed(walker, &route(&[])).await;
    let failed = stage.accepted(walker).await;
    fail(&stage.database, failed.id, 0, "No street.").await.unwrap().unwrap();
    stage
        .sql("UPDATE route_requests SET published_at = now() - interval '1 day', created_at = now() - interval '1 day'")
        .await;
    assert_eq!(open_requests(&stage.database).await.unwrap(), 0);
    assert_eq!(taken(&stage).await, []);
    assert_eq!(fail_hopeless(&stage.database, 100).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn hopeless_requests_fail_once_and_the_walker_is_told() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let young = stage.accepted(walker).await;
    let waited_long = stage.accepted(walker).await;
    let tried_often = stage.accepted(walker).await;
    stage
        .sql(&format!(
            "UPDATE route_requests SET created_at = now() - interval '601 seconds' WHERE id = '{}';
             UPDATE route_requests SET attempt = 5, lost_attempts = {MAX_LOST_ATTEMPTS}, status = 'in_progress' WHERE id = '{}';
             UPDATE route_requests SET created_at = now() - interval '590 seconds' WHERE id = '{}'",
            waited_long.id, tried_often.id, young.id
        ))
        .await;
    let (some, others) =
        tokio::join!(fail_hopeless(&stage.database, 100), fail_hopeless(&stage.database, 100));
    let mut events = [some.unwrap(), others.unwrap()].concat();
    events.sort_by_key(|event| event.rev);
    let told: Vec<_> = events.iter().map(|event| (event.request_id, event.rev)).collect();
    assert_eq!(told, [(waited_long.id, 99), (tried_often.id, 599)]);
    for event in &events {
        assert_eq!((event.user_id, event.status, event.route_id), (walker, RequestStatus::Failed, None));
        assert!(event.error.is_some());
    }
    assert_eq!(stage.count("route_requests WHERE status = 'pending'").await, 1);
    // A worker that comes back with a walk after that is too late.
    let late = complete(&stage.database, tried_often.id, 5, &route(&[])).await.unwrap();
    assert_eq!(late, None);
}
