use std::time::Duration;

use domain::{PoiId, RequestId, RequestStatus};
use store::{Claim, MOST_ATTEMPTS, claim, complete, fail, hand_back, renew_lease, status_snapshot};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::stage::{LONG, Stage, route};

#[tokio::test]
async fn a_request_is_granted_once_and_then_it_is_leased() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let wish = stage.accepted(walker).await;
    let lease = Duration::from_secs(60);
    let Claim::Granted(attempt) = claim(&stage.database, wish.id, lease).await.unwrap() else {
        panic!("not granted")
    };
    assert_eq!((attempt.request_id, attempt.user_id, attempt.route_id), (wish.id, walker, wish.route_id));
    assert_eq!((attempt.number, &attempt.cache_key), (1, &wish.cache_key));
    assert_eq!(attempt.request, wish.request);
    let Claim::Leased(left) = claim(&stage.database, wish.id, lease).await.unwrap() else {
        panic!("not leased")
    };
    assert!(left <= lease && left > lease / 2, "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_claims_at_once_one_is_granted() {
    let stage = Stage::new().await;
    let wish = stage.accepted(stage.walker().await).await;
    let mut claims = JoinSet::new();
    for _ in 0..12 {
        let stage = stage.clone();
        claims.spawn(async move { claim(&stage.database, wish.id, LONG).await.unwrap() });
    }
    let claims = claims.join_all().await;
    assert_eq!(claims.iter().filter(|claim| matches!(claim, Claim::Granted(_))).count(), 1);
    assert_eq!(claims.iter().filter(|claim| matches!(claim, Claim::Leased(_))).count(), 11);
}

#[tokio::test]
async fn an_attempt_whose_lease_ran_out_changes_nothing_any_more() {
    let stage = Stage::new().await;
    let stops = stage.places(&[4]).await;
    let wish = stage.accepted(stage.walker().await).await;
    let late = stage.granted(wish.id).await.number;
    stage.expire_lease(wish.id).await;
    let owner = stage.granted(wish.id).await.number;
    assert_eq!((late, owner), (1, 2));

    let untouched = "SELECT status, attempt, rev, lease_until, updated_at FROM route_requests";
    let before = stage.sql(untouched).await;
    let database = &stage.database;
    let (good, other) = (route(&stops), route(&[]));
    assert_eq!(complete(database, wish.id, late, &other).await.unwrap(), None);
    assert_eq!(fail(database, wish.id, late, "I give up.").await.unwrap(), None);
    assert!(!renew_lease(database, wish.id, late, LONG * 2).await.unwrap());
    hand_back(database, wish.id, late).await.unwrap();
    assert_eq!(stage.sql(untouched).await, before);
    assert_eq!(stage.count("routes").await, 0);

    let event = complete(database, wish.id, owner, &good).await.unwrap().unwrap();
    assert_eq!((event.status, event.route_id), (RequestStatus::Complete, Some(wish.route_id)));
    let before = stage.sql(untouched).await;
    for attempt in [late, owner, owner + 1] {
        assert_eq!(complete(database, wish.id, attempt, &other).await.unwrap(), None);
        assert_eq!(fail(database, wish.id, attempt, "I give up.").await.unwrap(), None);
        assert!(!renew_lease(database, wish.id, attempt, LONG).await.unwrap());
        hand_back(database, wish.id, attempt).await.unwrap();
    }
    assert_eq!(stage.sql(untouched).await, before);
    let state = store::route(database, wish.user_id, wish.route_id).await.unwrap().unwrap();
    assert_eq!(state.route, Some(good));
    assert_eq!(stage.count("routes").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_ends_at_the_same_moment_one_counts() {
    let stage = Stage::new().await;
    let wish = stage.accepted(stage.walker().await).await;
    let attempt = stage.granted(wish.id).await.number;
    let walk = route(&[]);
    let (done, failed) = tokio::join!(
        complete(&stage.database, wish.id, attempt, &walk),
        fail(&stage.database, wish.id, attempt, "I give up.")
    );
    let (done, failed) = (done.unwrap().is_some(), failed.unwrap().is_some());
    assert!(done != failed);
    assert_eq!(stage.count("routes").await, i64::from(done));
}

#[tokio::test]
async fn a_route_is_written_as_a_whole_or_not_at_all() {
    let stage = Stage::new().await;
    let stops = stage.places(&[4]).await;
    let wish = stage.accepted(stage.walker().await).await;
    let attempt = stage.granted(wish.id).await.number;
    let impossible = route(&[stops[0], PoiId(8)]);
    assert!(complete(&stage.database, wish.id, attempt, &impossible).await.is_err());
    assert_eq!((stage.count("routes").await, stage.count("route_pois").await), (0, 0));
    assert_eq!(stage.sql("SELECT status, attempt, rev FROM route_requests").await, "in_progress|1|100");
    assert!(complete(&stage.database, wish.id, attempt, &route(&stops)).await.unwrap().is_some());
    assert_eq!((stage.count("routes").await, stage.count("route_pois").await), (1, 1));
}

#[tokio::test]
async fn a_renewed_lease_holds_longer() {
    let stage = Stage::new().await;
    let wish = stage.accepted(stage.walker().await).await;
    claim(&stage.database, wish.id, Duration::from_secs(5)).await.unwrap();
    assert!(renew_lease(&stage.database, wish.id, 1, LONG).await.unwrap());
    let Claim::Leased(left) = claim(&stage.database, wish.id, LONG).await.unwrap() else {
        panic!("not leased")
    };
    assert!(left > LONG / 2, "{left:?}");
}

#[tokio::test]
async fn what_is_handed_back_may_be_claimed_at_once() {
    let stage = Stage::new().await;
    let wish = stage.accepted(stage.walker().await).await;
    let first = stage.granted(wish.id).await.number;
    hand_back(&stage.database, wish.id, first).await.unwrap();
    assert_eq!(stage.granted(wish.id).await.number, first + 1);
}

#[tokio::test]
async fn after_the_last_attempt_the_request_fails_and_the_walker_is_told() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let wish = stage.accepted(walker).await;
    for number in 1..=MOST_ATTEMPTS {
        assert_eq!(stage.granted(wish.id).await.number, number);
        hand_back(&stage.database, wish.id, number).await.unwrap();
    }
    let Claim::Over(event) = claim(&stage.database, wish.id, LONG).await.unwrap() else { panic!("not over") };
    assert_eq!((event.user_id, event.request_id), (walker, wish.id));
    assert_eq!((event.status, event.route_id), (RequestStatus::Failed, None));
    assert!(event.error.as_ref().is_some_and(|error| !error.is_empty()));
    assert_eq!(event.rev, i64::from(MOST_ATTEMPTS) * 100 + 99);
    // Whoever comes later gets the same news, for the walker may not have heard it.
    let Claim::Over(again) = claim(&stage.database, wish.id, LONG).await.unwrap() else { panic!("not over") };
    assert_eq!(again, event);
    assert_eq!(status_snapshot(&stage.database, walker).await.unwrap(), [event]);
}

#[tokio::test]
async fn the_last_attempt_may_still_succeed() {
    let stage = Stage::new().await;
    let wish = stage.accepted(stage.walker().await).await;
    stage.sql(&format!("UPDATE route_requests SET attempt = {}", MOST_ATTEMPTS - 1)).await;
    let last = stage.granted(wish.id).await.number;
    assert!(complete(&stage.database, wish.id, last, &route(&[])).await.unwrap().is_some());
}

#[tokio::test]
async fn a_claim_on_what_is_over_tells_how_it_ended() {
    let stage = Stage::new().await;
    let wish = stage.completed(stage.walker().await, &route(&[])).await;
    let Claim::Over(event) = claim(&stage.database, wish.id, LONG).await.unwrap() else { panic!("not over") };
    assert_eq!((event.status, event.route_id), (RequestStatus::Complete, Some(wish.route_id)));
}

#[tokio::test]
async fn a_request_that_nobody_made_cannot_be_claimed() {
    let stage = Stage::new().await;
    let nobodys = RequestId(Uuid::now_v7());
    assert!(matches!(claim(&stage.database, nobodys, LONG).await.unwrap(), Claim::Unknown));
}

#[tokio::test]
async fn revs_only_grow_from_the_first_news_to_the_last() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let wish = stage.accepted(walker).await;
    let rev_of_row = async || status_snapshot(&stage.database, walker).await.unwrap()[0].rev;
    let mut revs = vec![rev_of_row().await];
    for _ in 1..=3 {
        let attempt = stage.granted(wish.id).await;
        revs.push(rev_of_row().await);
        for progress in [0.05, 0.3, 0.31, 0.99, 1.0] {
            let event = attempt.progress(progress);
            assert_eq!((event.status, event.progress), (RequestStatus::InProgress, Some(progress)));
            revs.push(event.rev);
        }
        // Nonsense stays within its attempt.
        for nonsense in [-1.0, 7.0, f32::NAN] {
            let rev = attempt.progress(nonsense).rev;
            assert!(rev / 100 == i64::from(attempt.number) && rev % 100 < 99, "{rev}");
        }
        stage.expire_lease(wish.id).await;
    }
    let last = stage.granted(wish.id).await;
    revs.push(rev_of_row().await);
    revs.push(complete(&stage.database, wish.id, last.number, &route(&[])).await.unwrap().unwrap().rev);
    assert!(revs.is_sorted_by(|earlier, later| earlier < later), "{revs:?}");
}
