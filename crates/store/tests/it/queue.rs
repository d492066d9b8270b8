use domain::{RequestId, RouteRequest, UserId};
use serde_json::json;
use store::{
    Acceptance, AdmissionLimits, Rejection, claim_next, complete, queue_state, remove_worker, report_worker,
};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::stage::{LONG, NO_LIMITS, Stage, Wish, route};

/// A request for a walk of so many minutes, from a network of this name.
fn from(source: &str, walker: UserId, minutes: u16) -> Wish {
    let request = RouteRequest::parse(&json!({
        "start_location": {"type": "Point", "coordinates": [24.9384, 60.1699]},
        "duration_minutes": minutes,
        "interest_theme_ids": ["f47ac10b-58cc-4372-a567-0e02b2c3d479"]
    }));
    Wish { request: request.unwrap(), source: Some(source.into()), ..Wish::of(walker) }
}

async fn accepted(stage: &Stage, wish: Wish) -> RequestId {
    assert!(matches!(wish.accept(stage).await.unwrap(), Acceptance::Pending { .. }));
    wish.id
}

/// A worker with one slot that takes a second for a walk of an hour.
async fn worker(stage: &Stage) -> Uuid {
    let id = Uuid::new_v4();
    report_worker(&stage.database, id, 1, 1.0).await.unwrap();
    id
}

async fn served(stage: &Stage) -> Option<RequestId> {
    let attempt = claim_next(&stage.database, LONG).await.unwrap()?;
    complete(&stage.database, attempt.request_id, attempt.number, &route(&[])).await.unwrap().unwrap();
    Some(attempt.request_id)
}

#[tokio::test]
async fn requests_of_one_source_are_served_in_the_order_in_which_they_came() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let mut came = Vec::new();
    for minutes in [60, 30, 240, 60] {
        came.push(accepted(&stage, from("a", walker, minutes)).await);
    }
    for expected in came {
        assert_eq!(served(&stage).await, Some(expected));
    }
    assert_eq!(served(&stage).await, None);
}

#[tokio::test]
async fn a_short_walk_is_not_behind_the_long_ones_of_another_source() {
    let stage = Stage::new().await;
    let mut flood = Vec::new();
    for _ in 0..60 {
        // However many accounts the source makes.
        flood.push(accepted(&stage, from("a", stage.walker().await, 480)).await);
    }
    assert_eq!(served(&stage).await, Some(flood[0]));
    let in_hand = claim_next(&stage.database, LONG).await.unwrap().unwrap();
    assert_eq!(in_hand.request_id, flood[1]);
    let bystander = accepted(&stage, from("b", stage.walker().await, 30)).await;
    assert_eq!(served(&stage).await, Some(bystander));
    assert_eq!(served(&stage).await, Some(flood[2]));
}

#[tokio::test]
async fn sources_share_the_workers_by_what_their_requests_cost() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let mut long = Vec::new();
    for _ in 0..10 {
        long.push(accepted(&stage, from("long", walker, 240)).await);
    }
    for _ in 0..60 {
        accepted(&stage, from("short", walker, 45)).await;
    }
    let (long_cost, short_cost) = (from("", walker, 240).request.cost(), from("", walker, 45).request.cost());
    let (mut spent_long, mut spent_short) = (0.0, 0.0);
    for _ in 0..30 {
        match served(&stage).await.unwrap() {
            id if long.contains(&id) => spent_long += long_cost,
            _ => spent_short += short_cost,
        }
        assert!((spent_long - spent_short).abs() <= long_cost + short_cost, "{spent_long} {spent_short}");
    }
}

#[tokio::test]
async fn a_source_that_was_away_has_no_credit_from_before() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    for _ in 0..20 {
        accepted(&stage, from("a", walker, 60)).await;
        served(&stage).await.unwrap();
    }
    let first = accepted(&stage, from("a", walker, 60)).await;
    let mut late = Vec::new();
    for _ in 0..5 {
        late.push(accepted(&stage, from("b", walker, 60)).await);
    }
    let second = accepted(&stage, from("a", walker, 60)).await;
    assert_eq!(served(&stage).await, Some(first));
    assert_eq!(served(&stage).await, Some(late[0]));
    let third = [served(&stage).await.unwrap(), served(&stage).await.unwrap()];
    assert!(third.contains(&second) && third.contains(&late[1]), "{third:?}");
}

#[tokio::test]
async fn a_source_may_have_so_much_open_and_no_more_however_many_walkers_it_is() {
    let stage = Stage::new().await;
    let limits = AdmissionLimits { open_cost_per_source: 10.0, ..NO_LIMITS };
    let hour = async |source: &str| {
        let wish = Wish { limits, ..from(source, stage.walker().await, 60) };
        (wish.accept(&stage).await.unwrap(), wish.id)
    };
    let (_, first) = hour("a").await;
    for _ in 1..10 {
        assert!(matches!(hour("a").await.0, Acceptance::Pending { .. }));
    }
    assert_eq!(hour("a").await.0, Acceptance::Rejected(Rejection::OpenPerSource));
    assert!(matches!(hour("b").await.0, Acceptance::Pending { .. }));
    let attempt = stage.granted(first).await;
    complete(&stage.database, first, attempt.number, &route(&[])).await.unwrap().unwrap();
    assert!(matches!(hour("a").await.0, Acceptance::Pending { .. }));
    // Whoever has nothing open may ask for any walk.
    let tight = AdmissionLimits { open_cost_per_source: 1.0, ..NO_LIMITS };
    let long = Wish { limits: tight, ..from("c", stage.walker().await, 480) };
    assert!(matches!(long.accept(&stage).await.unwrap(), Acceptance::Pending { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_a_source_holds_however_many_come_at_once() {
    let stage = Stage::new().await;
    let mut sent = JoinSet::new();
    for _ in 0..20 {
        let limits = AdmissionLimits { open_cost_per_source: 4.0, ..NO_LIMITS };
        let (stage, wish) = (stage.clone(), Wish { limits, ..from("a", stage.walker().await, 60) });
        sent.spawn(async move { wish.accept(&stage).await.unwrap() });
    }
    let answers = sent.join_all().await;
    let accepted = answers.iter().filter(|answer| matches!(answer, Acceptance::Pending { .. })).count();
    assert_eq!(accepted, 4);
    let tags = stage.sql("SELECT count(DISTINCT finish_tag) FROM route_requests").await;
    assert_eq!(tags, "4", "each has a place of its own");
}

#[tokio::test]
async fn the_wait_is_what_is_ahead_divided_by_what_the_workers_do() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let wait = async |source: &str, minutes: u16| match from(source, walker, minutes).accept(&stage).await {
        Ok(Acceptance::Pending { wait_s }) => wait_s,
        other => panic!("{other:?}"),
    };
    assert_eq!(wait("a", 60).await, None, "nobody can tell");
    let slow = worker(&stage).await;
    assert_eq!(wait("a", 60).await, Some(1.0));
    assert_eq!(wait("a", 60).await, Some(2.0));
    // Another source does not wait for all of that: it is its turn after the first one.
    assert_eq!(wait("b", 30).await, Some(0.0));
    let ahead: f64 = stage.sql("SELECT sum(cost::float8) FROM route_requests").await.parse().unwrap();
    let expected = async || queue_state(&stage.database).await.unwrap().expected_wait_s.unwrap();
    assert!((expected().await - ahead).abs() < 1e-3);
    worker(&stage).await;
    assert!((expected().await - ahead / 2.0).abs() < 1e-3);
    remove_worker(&stage.database, slow).await.unwrap();
    assert!((expected().await - ahead).abs() < 1e-3);
    stage.sql("UPDATE route_workers SET seen_at = now() - interval '16 seconds'").await;
    let state = queue_state(&stage.database).await.unwrap();
    assert_eq!((state.waiting, state.expected_wait_s), (4, None));
    assert!(state.oldest_s > 0.0);
}

#[tokio::test]
async fn who_would_wait_too_long_is_not_accepted_and_others_are() {
    let stage = Stage::new().await;
    worker(&stage).await;
    let limits = AdmissionLimits { max_wait_s: 5.0, ..NO_LIMITS };
    let ask = async |source: &str| {
        let wish = Wish { limits, ..from(source, stage.walker().await, 60) };
        wish.accept(&stage).await.unwrap()
    };
    for _ in 0..6 {
        assert!(matches!(ask("a").await, Acceptance::Pending { wait_s: Some(_) }));
    }
    assert_eq!(ask("a").await, Acceptance::Rejected(Rejection::Busy(Some(6.0))));
    assert!(matches!(ask("b").await, Acceptance::Pending { .. }));
    assert_eq!(stage.count("route_requests").await, 7, "a rejected request leaves nothing");
}

#[tokio::test]
async fn while_no_worker_is_alive_requests_are_accepted_up_to_a_bound() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    stage.accepted(walker).await;
    stage
        .sql(
            "INSERT INTO route_requests (id, route_id, user_id, body_hash, params, cache_key)
             SELECT gen_random_uuid(), gen_random_uuid(), user_id, body_hash, params, cache_key
             FROM route_requests, generate_series(1, 498)",
        )
        .await;
    assert_eq!(Wish::of(walker).accept(&stage).await.unwrap(), Acceptance::Pending { wait_s: None });
    let refused = Acceptance::Rejected(Rejection::Busy(None));
    assert_eq!(Wish::of(walker).accept(&stage).await.unwrap(), refused);
}

#[tokio::test]
async fn the_network_of_a_request_is_forgotten_when_it_ends() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let id = accepted(&stage, from("192.0.2.7", walker, 60)).await;
    assert_eq!(stage.sql("SELECT source FROM route_requests").await, "192.0.2.7");
    assert_eq!(served(&stage).await, Some(id));
    let known = from("192.0.2.7", walker, 60);
    assert_eq!(known.accept_with(&stage, Some(&route(&[]))).await.unwrap(), Acceptance::Complete);
    assert_eq!(stage.count("route_requests WHERE source IS NOT NULL").await, 0);
}
