use domain::{RequestStatus, StatusEvent};
use store::{fail, status_snapshot};

use crate::stage::{Stage, Wish, route};

async fn changed_ago(stage: &Stage, wish: &Wish, minutes: u32) {
    let sql = "UPDATE route_requests SET updated_at = now() - interval";
    stage.sql(&format!("{sql} '{minutes} minutes' WHERE id = '{}'", wish.id)).await;
}

#[tokio::test]
async fn open_requests_and_those_of_the_last_hour_are_told_oldest_first() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let latest = stage.accepted(walker).await;
    let ended = stage.completed(walker, &route(&[])).await;
    let forgotten = stage.completed(walker, &route(&[])).await;
    let failed = stage.accepted(walker).await;
    fail(&stage.database, failed.id, 0, "There is no street.").await.unwrap().unwrap();
    let working = stage.accepted(walker).await;
    stage.granted(working.id).await;
    let waiting = stage.accepted(walker).await;
    for (wish, minutes) in
        [(&latest, 0), (&ended, 59), (&forgotten, 61), (&failed, 30), (&working, 90), (&waiting, 3_000)]
    {
        changed_ago(&stage, wish, minutes).await;
    }

    let event = |wish: &Wish, status, rev| StatusEvent {
        user_id: walker,
        request_id: wish.id,
        status,
        route_id: None,
        error: None,
        rev,
        progress: None,
        estimated_wait_s: None,
    };
    let expected = [
        event(&waiting, RequestStatus::Pending, 0),
        event(&working, RequestStatus::InProgress, 100),
        StatusEvent { route_id: Some(ended.route_id), ..event(&ended, RequestStatus::Complete, 199) },
        StatusEvent {
            error: Some("There is no street.".into()),
            ..event(&failed, RequestStatus::Failed, 99)
        },
        event(&latest, RequestStatus::Pending, 0),
    ];
    assert_eq!(status_snapshot(&stage.database, walker).await.unwrap(), expected);
}

#[tokio::test]
async fn nobody_hears_of_others_requests() {
    let stage = Stage::new().await;
    let (ours, theirs) = (stage.walker().await, stage.walker().await);
    let wish = stage.accepted(ours).await;
    stage.accepted(theirs).await;
    let told = status_snapshot(&stage.database, ours).await.unwrap();
    assert_eq!(told.iter().map(|event| event.request_id).collect::<Vec<_>>(), [wish.id]);
    assert_eq!(status_snapshot(&stage.database, stage.walker().await).await.unwrap(), []);
}
