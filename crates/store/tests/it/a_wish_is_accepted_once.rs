use domain::{PoiId, RequestStatus, UserId};
use store::{Acceptance, Account, complete};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::stage::{Stage, Wish, route};

#[tokio::test]
async fn the_same_key_is_answered_with_the_same_ids() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let first = Wish::of(walker).named("monday");
    assert_eq!(first.accept(&stage).await.unwrap(), Acceptance::Pending);
    for _ in 0..3 {
        let again = Wish::of(walker).named("monday");
        assert_eq!(again.accept(&stage).await.unwrap(), first.replayed(false));
    }
    assert_eq!(stage.count("route_requests").await, 1);
}

#[tokio::test]
async fn a_repetition_is_answered_although_the_walker_has_no_room_left() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let first = Wish { open_limit: 1, ..Wish::of(walker).named("monday") };
    first.accept(&stage).await.unwrap();
    let again = Wish { open_limit: 1, ..Wish::of(walker).named("monday") };
    assert_eq!(again.accept(&stage).await.unwrap(), first.replayed(false));
}

#[tokio::test]
async fn a_key_is_not_used_for_another_wish() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    Wish::of(walker).named("monday").accept(&stage).await.unwrap();
    let other = Wish { body_hash: vec![2], ..Wish::of(walker).named("monday") };
    assert_eq!(other.accept(&stage).await.unwrap(), Acceptance::KeyReused);
    assert_eq!(stage.count("route_requests").await, 1);
}

#[tokio::test]
async fn a_key_belongs_to_its_walker() {
    let stage = Stage::new().await;
    for _ in 0..2 {
        let wish = Wish::of(stage.walker().await).named("monday");
        assert_eq!(wish.accept(&stage).await.unwrap(), Acceptance::Pending);
    }
}

#[tokio::test]
async fn wishes_without_a_key_are_all_different() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    for _ in 0..2 {
        assert_eq!(Wish::of(walker).accept(&stage).await.unwrap(), Acceptance::Pending);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_of_the_same_key_at_once_make_one_row() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let mut sent = JoinSet::new();
    for _ in 0..12 {
        let (stage, wish) = (stage.clone(), Wish::of(walker).named("monday"));
        sent.spawn(async move { (wish.accept(&stage).await.unwrap(), wish) });
    }
    let answers = sent.join_all().await;
    let (_, winner) = answers.iter().find(|(answer, _)| *answer == Acceptance::Pending).unwrap();
    let replayed = answers.iter().filter(|(answer, _)| *answer == winner.replayed(false)).count();
    assert_eq!(replayed, 11);
    assert_eq!(stage.count("route_requests").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_the_limit_are_open_however_many_come_at_once() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let mut sent = JoinSet::new();
    for _ in 0..20 {
        let (stage, wish) = (stage.clone(), Wish { open_limit: 3, ..Wish::of(walker) });
        sent.spawn(async move { wish.accept(&stage).await.unwrap() });
    }
    let answers = sent.join_all().await;
    let of = |wanted: Acceptance| answers.iter().filter(|answer| **answer == wanted).count();
    assert_eq!((of(Acceptance::Pending), of(Acceptance::TooManyOpen)), (3, 17));
    assert_eq!(stage.count("route_requests").await, 3);
}

#[tokio::test]
async fn a_request_that_is_over_makes_room_and_others_walkers_take_none() {
    let stage = Stage::new().await;
    let (walker, other) = (stage.walker().await, stage.walker().await);
    stage.accepted(other).await;
    let first = stage.accepted(walker).await;
    let next = Wish { open_limit: 1, ..Wish::of(walker) };
    assert_eq!(next.accept(&stage).await.unwrap(), Acceptance::TooManyOpen);
    let attempt = stage.granted(first.id).await;
    assert_eq!(next.accept(&stage).await.unwrap(), Acceptance::TooManyOpen);
    complete(&stage.database, first.id, attempt.number, &route(&[])).await.unwrap().unwrap();
    assert_eq!(next.accept(&stage).await.unwrap(), Acceptance::Pending);
}

#[tokio::test]
async fn a_known_route_makes_a_complete_request_in_one_go() {
    let stage = Stage::new().await;
    let known = route(&stage.places(&[4, 9]).await);
    let (walker, other) = (stage.walker().await, stage.walker().await);
    // There is no room for open requests, and none is needed.
    let wish = Wish { open_limit: 0, ..Wish::of(walker).named("monday") };
    assert_eq!(wish.accept_with(&stage, Some(&known)).await.unwrap(), Acceptance::Complete);
    let state = store::route(&stage.database, walker, wish.route_id).await.unwrap().unwrap();
    assert_eq!((state.status, state.request_id), (RequestStatus::Complete, wish.id));
    assert_eq!(state.route, Some(known.clone()));
    assert_eq!(stage.sql("SELECT poi_id, \"order\" FROM route_pois ORDER BY 2").await, "4|1\n9|2");
    let again = Wish::of(walker).named("monday");
    assert_eq!(again.accept_with(&stage, Some(&known)).await.unwrap(), wish.replayed(true));
    // Another walker's copy of the same route is a route of its own.
    let theirs = Wish::of(other);
    assert_eq!(theirs.accept_with(&stage, Some(&known)).await.unwrap(), Acceptance::Complete);
    assert!(store::route(&stage.database, other, theirs.route_id).await.unwrap().is_some());
    assert_eq!(stage.count("routes").await, 2);
}

#[tokio::test]
async fn a_known_route_to_a_place_that_is_gone_is_made_anew() {
    let stage = Stage::new().await;
    let mut stops = stage.places(&[4]).await;
    stops.push(PoiId(8));
    let wish = Wish::of(stage.walker().await);
    assert_eq!(wish.accept_with(&stage, Some(&route(&stops))).await.unwrap(), Acceptance::Pending);
    assert_eq!(stage.sql("SELECT status, from_cache FROM route_requests").await, "pending|f");
    assert_eq!((stage.count("routes").await, stage.count("route_pois").await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn first_wishes_at_once_write_one_walker() {
    let stage = Stage::new().await;
    let walker = UserId(Uuid::now_v7());
    let mut wishes = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let stage = stage.clone();
        wishes.spawn(async move {
            let wish = Wish::of(walker);
            wish.accept_as(&stage, None).await.unwrap()
        });
    }
    let accepted = wishes.join_all().await;
    assert!(accepted.iter().all(|(acceptance, _)| *acceptance == Acceptance::Pending), "{accepted:?}");
    assert_eq!(accepted.iter().filter(|(_, account)| *account == Account::New).count(), 1, "{accepted:?}");
    assert_eq!((stage.count("users").await, stage.count("route_requests").await), (1, 10));
}

#[tokio::test]
async fn a_walker_whose_row_was_deleted_has_no_more_wishes() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    stage.accepted(walker).await;
    stage.sql(&format!("DELETE FROM users WHERE id = '{walker}'")).await;
    let refused = Wish::of(walker).accept_as(&stage, None).await.unwrap();
    assert_eq!(refused, (Acceptance::Erased, Account::Erased));
    assert_eq!((stage.count("users").await, stage.count("route_requests").await), (0, 0));
}
