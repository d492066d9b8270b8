use std::time::Duration;

use domain::{PoiId, RequestId, RequestStatus};
use store::{
    MAX_LOST_ATTEMPTS, Release, claim_next, claimable_in, complete, fail, release, renew_lease,
    status_snapshot,
};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::stage::{LONG, Stage, route};

#[tokio::test]
async fn a_request_is_granted_once_and_then_it_is_leased() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let wish = stage.accepted(walker).await;
    let lease = Duration::from_secs(60);
    let attempt = claim_next(&stage.database, lease).await.unwrap().unwrap();
    assert_eq!((attempt.request_id, attempt.user_id, attempt.route_id), (wish.id, walker, wish.route_id));
    assert_eq!((attempt.number, &attempt.cache_key), (1, &wish.cache_key));
    assert_eq!(attempt.request, wish.request);
    assert!(claim_next(&stage.database, lease).await.unwrap().is_none());
    let left = claimable_in(&stage.database, wish.id).await.unwrap().unwrap();
    assert!(left <= lease && left > lease / 2, "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_claims_at_once_one_is_granted() {
    let stage = Stage::new().await;
    let wish = stage.accepted(stage.walker().await).await;
    let mut claims = JoinSet::new();
    for _ in 0..12 {
        let stage = stage.clone();
        claims.spawn(async move { claim_next(&stage.database, LONG).await.unwrap() });
    }
    let claims = claims.join_all().await;
    let granted: Vec<_> = claims.iter().flatten().map(|attempt| attempt.request_id).collect();
    assert_eq!(granted, [wish.id]);
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
    assert_eq!(release(database, wish.id, late, Release::Counted).await.unwrap(), None);
    assert_eq!(stage.sql(untouched).await, before);
    assert_eq!(stage.count("routes").await, 0);

    let event = complete(database, wish.id, owner, &good).await.unwrap().unwrap();
    assert_eq!((event.status, event.route_id), (RequestStatus::Complete, Some(wish.route_id)));
    let before = stage.sql(untouched).await;
    for attempt in [late, owner, owner + 1] {
        assert_eq!(complete(database, wish.id, attempt, &other).await.unwrap(), None);
        assert_eq!(fail(database, wish.id, attempt, "I give up.").await.unwrap(), None);
        assert!(!renew_lease(database, wish.id, attempt, LONG).await.unwrap());
        assert_eq!(release(database, wish.id, attempt, Release::Counted).await.unwrap(), None);
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
    claim_next(&stage.database, Duration::from_secs(5)).await.unwrap().unwrap();
    assert!(renew_lease(&stage.database, wish.id, 1, LONG).await.unwrap());
    let left = claimable_in(&stage.database, wish.id).await.unwrap().unwrap();
    assert!(left > LONG / 2, "{left:?}");
}

#[tokio::test]
async fn a_released_request_is_claimed_again_after_a_pause_that_grows() {
    let stage = Stage::new().await;
    let wish = stage.accepted(stage.walker().await).await;
    for (number, pause_s) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30)] {
        let attempt = stage.granted(wish.id).await;
        assert_eq!(attempt.number, number);
        let pause = release(&stage.database, wish.id, number, Release::Passing).await.unwrap();
        assert_eq!(pause, Some(Duration::from_secs(pause_s)));
        assert!(claim_next(&stage.database, LONG).await.unwrap().is_none());
        let left = claimable_in(&stage.database, wish.id).await.unwrap().unwrap();
        assert!(left <= Duration::from_secs(pause_s), "{left:?}");
        stage.sql("UPDATE route_requests SET due_at = now()").await;
    }
    // However often that happens, it is nothing that the request has done.
    assert_eq!(stage.sql("SELECT lost_attempts, releases FROM route_requests").await, "0|7");
}

#[tokio::test]
async fn a_request_that_costs_too_many_attempts_fails_and_its_walker_is_to_be_notified() {
    for by_release in [false, true] {
        let stage = Stage::new().await;
        let walker = stage.walker().await;
        let wish = stage.accepted(walker).await;
        for number in 1..=MAX_LOST_ATTEMPTS {
            assert_eq!(stage.granted(wish.id).await.number, number);
            if by_release {
                release(&stage.database, wish.id, number, Release::Counted).await.unwrap().unwrap();
                stage.sql("UPDATE route_requests SET due_at = now()").await;
            } else {
                stage.expire_lease(wish.id).await;
            }
        }
        assert!(claim_next(&stage.database, LONG).await.unwrap().is_none());
        assert_eq!(claimable_in(&stage.database, wish.id).await.unwrap(), None);
        let event = status_snapshot(&stage.database, walker).await.unwrap().remove(0);
        assert_eq!((event.user_id, event.request_id), (walker, wish.id));
        assert_eq!((event.status, event.route_id), (RequestStatus::Failed, None));
        assert!(event.error.as_ref().is_some_and(|error| !error.is_empty()));
        assert_eq!(event.rev, i64::from(MAX_LOST_ATTEMPTS + 1) * 100 + 99);
        assert_eq!(stage.count("route_requests WHERE notified_at IS NULL").await, 1);
    }
}

#[tokio::test]
async fn a_request_that_its_previous_release_handed_back_has_lost_no_attempt() {
    let stage = Stage::new().await;
    let wish = stage.accepted(stage.walker().await).await;
    stage.granted(wish.id).await;
    stage.sql("UPDATE route_requests SET lease_until = NULL").await;
    assert_eq!(stage.granted(wish.id).await.number, 2);
    assert_eq!(stage.sql("SELECT lost_attempts FROM route_requests").await, "0");
}

#[tokio::test]
async fn the_last_attempt_may_still_succeed() {
    let stage = Stage::new().await;
    let wish = stage.accepted(stage.walker().await).await;
    stage.sql(&format!("UPDATE route_requests SET lost_attempts = {}", MAX_LOST_ATTEMPTS - 1)).await;
    let last = stage.granted(wish.id).await.number;
    assert!(complete(&stage.database, wish.id, last, &route(&[])).await.unwrap().is_some());
}

#[tokio::test]
async fn what_is_over_or_was_never_there_cannot_be_claimed() {
    let stage = Stage::new().await;
    let wish = stage.completed(stage.walker().await, &route(&[])).await;
    assert!(claim_next(&stage.database, LONG).await.unwrap().is_none());
    assert_eq!(claimable_in(&stage.database, wish.id).await.unwrap(), None);
    assert_eq!(claimable_in(&stage.database, RequestId(Uuid::now_v7())).await.unwrap(), None);
}

#[tokio::test]
async fn a_request_that_this_build_cannot_read_fails_and_the_next_one_is_taken() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let (broken, next) = (stage.accepted(walker).await, stage.accepted(walker).await);
    stage.sql(&format!("UPDATE route_requests SET params = '{{}}' WHERE id = '{}'", broken.id)).await;
    assert_eq!(stage.granted(next.id).await.request_id, next.id);
    assert_eq!(claim_next(&stage.database, LONG).await.unwrap().map(|attempt| attempt.request_id), None);
    assert_eq!(stage.count("route_requests WHERE status = 'failed'").await, 1);
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
