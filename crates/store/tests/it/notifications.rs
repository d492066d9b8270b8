use store::{fail_hopeless, mark_notified, pending_notifications};

use crate::stage::{Stage, Wish, route};

async fn let_time_pass(stage: &Stage, seconds: u32) {
    stage
        .sql(&format!("UPDATE route_requests SET updated_at = updated_at - interval '{seconds} seconds'"))
        .await;
}

#[tokio::test]
async fn an_end_is_pending_until_it_was_announced() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let complete = stage.completed(walker, &route(&[])).await;
    let failed = stage.accepted(walker).await;
    let attempt = stage.granted(failed.id).await;
    store::fail(&stage.database, failed.id, attempt.number, "No street.").await.unwrap().unwrap();
    let hopeless = stage.accepted(walker).await;
    let age = "UPDATE route_requests SET created_at = now() - interval '11 minutes' WHERE status = 'pending'";
    stage.sql(age).await;
    assert_eq!(fail_hopeless(&stage.database, 10).await.unwrap().len(), 1);
    stage.accepted(walker).await;

    let pending = async || {
        let events = pending_notifications(&stage.database, 10).await.unwrap();
        events.into_iter().map(|event| event.request_id).collect::<Vec<_>>()
    };
    assert_eq!(pending().await, [], "whoever ended them has some seconds to say so");
    let_time_pass(&stage, 6).await;
    assert_eq!(pending().await, [complete.id, failed.id, hopeless.id]);
    mark_notified(&stage.database, failed.id).await.unwrap();
    assert_eq!(pending().await, [complete.id, hopeless.id]);
    let_time_pass(&stage, 3_600).await;
    assert_eq!(pending().await, [], "nobody waits any more");
}

#[tokio::test]
async fn a_known_route_is_announced_by_its_answer() {
    let stage = Stage::new().await;
    let wish = Wish::of(stage.walker().await);
    wish.accept_with(&stage, Some(&route(&[]))).await.unwrap();
    let_time_pass(&stage, 6).await;
    assert_eq!(pending_notifications(&stage.database, 10).await.unwrap(), []);
}
