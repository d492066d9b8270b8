use domain::{PoiId, RequestStatus, RevokedSessions as Scope, UserId};
use serde_json::Value;
use store::{
    Account, CachedFor, Release, cached_for, claim_next, complete, delete_route, erase_user, export_user,
    release, renew_lease, set_saved,
};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::stage::{LONG, Stage, Wish, route};

/// Rows that speak of a walker, in every table that has a column for one, but for the revocation.
async fn rows_of(stage: &Stage, walker: UserId) -> String {
    let tables = stage
        .sql(
            "SELECT table_name || '.' || column_name FROM information_schema.columns
             WHERE table_schema = 'public' AND column_name = 'user_id' AND table_name <> 'session_revocations'",
        )
        .await;
    let mut counts = Vec::new();
    for table in tables.lines().map(|line| line.split('.').next().unwrap()) {
        counts
            .push(format!("SELECT '{table}' WHERE EXISTS (SELECT FROM {table} WHERE user_id = '{walker}')"));
    }
    assert!(counts.len() >= 3, "{tables}");
    counts.push(format!("SELECT 'users' WHERE EXISTS (SELECT FROM users WHERE id = '{walker}')"));
    stage.sql(&counts.join(" UNION ALL ")).await
}

#[tokio::test]
async fn an_erased_walker_leaves_no_row_and_others_keep_theirs() {
    let stage = Stage::new().await;
    let (walker, other, places) = (stage.walker().await, stage.walker().await, stage.places(&[4, 8]).await);
    let (done, open) = (stage.completed(walker, &route(&places)).await, stage.accepted(walker).await);
    set_saved(&stage.database, walker, done.route_id, true, 5).await.unwrap();
    let others = stage.completed(other, &route(&places)).await;
    let erased = erase_user(&stage.database, walker).await.unwrap();
    assert_eq!(rows_of(&stage, walker).await, "");
    assert_eq!((erased.revocation.user_id, erased.revocation.scope), (walker, Scope::OfErased));
    let mut requests = [done.id, open.id];
    requests.sort();
    assert_eq!(erased.requests, requests);
    assert_eq!(erased.cache_keys, vec![done.cache_key, open.cache_key]);
    assert_eq!((stage.count("routes").await, stage.count("route_pois").await), (1, 2));
    assert!(store::route(&stage.database, other, others.route_id).await.unwrap().is_some());
    // Nothing brings them back, and doing it again does no harm.
    assert_eq!(Wish::of(walker).accept_as(&stage, None).await.unwrap().1, Account::Erased);
    assert!(erase_user(&stage.database, walker).await.unwrap().requests.is_empty());
    assert_eq!(rows_of(&stage, walker).await, "");
    // The same for one who has only a cookie.
    let visitor = UserId(Uuid::now_v7());
    erase_user(&stage.database, visitor).await.unwrap();
    assert_eq!(Wish::of(visitor).accept_as(&stage, None).await.unwrap().1, Account::Erased);
}

#[tokio::test]
async fn a_worker_that_has_a_deleted_request_in_hand_brings_nothing_back() {
    let stage = Stage::new().await;
    let (walker, places) = (stage.walker().await, stage.places(&[4]).await);
    for erases in [false, true] {
        let wish = stage.accepted(walker).await;
        let attempt = stage.granted(wish.id).await;
        if erases {
            erase_user(&stage.database, walker).await.unwrap();
        } else {
            let deleted = delete_route(&stage.database, walker, wish.route_id).await.unwrap().unwrap();
            let cancelled = deleted.cancelled.unwrap();
            assert_eq!((cancelled.status, cancelled.rev), (RequestStatus::Failed, 199));
            // Whatever the worker says of its attempt is older.
            assert!(attempt.progress(1.0).rev < cancelled.rev);
        }
        assert!(!renew_lease(&stage.database, wish.id, attempt.number, LONG).await.unwrap());
        let written = complete(&stage.database, wish.id, attempt.number, &route(&places)).await.unwrap();
        assert!(written.is_none());
        let released = release(&stage.database, wish.id, attempt.number, Release::Passing).await.unwrap();
        assert_eq!(released, None);
        assert!(claim_next(&stage.database, LONG).await.unwrap().is_none());
        let key = &wish.cache_key;
        assert_eq!(cached_for(&stage.database, wish.id, key).await.unwrap(), CachedFor::Nobody);
        assert_eq!((stage.count("route_requests").await, stage.count("routes").await), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_while_everything_goes_on_leaves_nothing_and_nobody_waits_in_a_circle() {
    let stage = Stage::new().await;
    let places = stage.places(&[4]).await;
    for _ in 0..10 {
        let walker = UserId(Uuid::now_v7());
        let mut claimed = Vec::new();
        for _ in 0..4 {
            let wish = stage.accepted(walker).await;
            claimed.push(stage.granted(wish.id).await);
        }
        let mut work: JoinSet<()> = JoinSet::new();
        for attempt in claimed {
            let (stage, places) = (stage.clone(), places.clone());
            work.spawn(async move {
                let (id, number) = (attempt.request_id, attempt.number);
                complete(&stage.database, id, number, &route(&places)).await.unwrap();
            });
        }
        for _ in 0..4 {
            let stage = stage.clone();
            work.spawn(async move { _ = Wish::of(walker).accept(&stage).await.unwrap() });
        }
        let erasing = stage.clone();
        work.spawn(async move { _ = erase_user(&erasing.database, walker).await.unwrap() });
        work.join_all().await;
        assert_eq!(rows_of(&stage, walker).await, "");
    }
}

#[tokio::test]
async fn a_route_is_deleted_by_its_walker_only() {
    let stage = Stage::new().await;
    let (walker, other, places) = (stage.walker().await, stage.walker().await, stage.places(&[4]).await);
    let wish = stage.completed(walker, &route(&places)).await;
    assert!(delete_route(&stage.database, other, wish.route_id).await.unwrap().is_none());
    set_saved(&stage.database, walker, wish.route_id, true, 5).await.unwrap();
    let deleted = delete_route(&stage.database, walker, wish.route_id).await.unwrap().unwrap();
    assert_eq!((deleted.cache_key, deleted.cancelled.is_none()), (wish.cache_key, true));
    assert_eq!((stage.count("routes").await, stage.count("route_requests").await), (0, 0));
    assert!(delete_route(&stage.database, walker, wish.route_id).await.unwrap().is_none());
}

/// The whole document, read as JSON.
async fn exported(stage: &Stage, walker: UserId) -> Value {
    let mut export = export_user(&stage.database, walker).await.unwrap();
    let mut document = String::new();
    while let Some(piece) = export.next().await.unwrap() {
        document.push_str(&piece);
    }
    serde_json::from_str(&document).unwrap_or_else(|error| panic!("{error}: {document}"))
}

#[tokio::test]
async fn an_export_is_all_that_is_held_about_a_walker_and_nothing_of_others() {
    let stage = Stage::new().await;
    let (walker, other) = (stage.walker().await, stage.walker().await);
    let places: Vec<PoiId> = stage.places(&[4, 8]).await;
    let mut wishes = Vec::new();
    for n in 0..45 {
        wishes.push(Wish::of(walker).named(&format!("key {n}")));
        wishes[n].accept(&stage).await.unwrap();
    }
    let attempt = stage.granted(wishes[0].id).await;
    complete(&stage.database, wishes[0].id, attempt.number, &route(&places)).await.unwrap().unwrap();
    set_saved(&stage.database, walker, wishes[0].route_id, true, 5).await.unwrap();
    stage.completed(other, &route(&places)).await;
    let document = exported(&stage, walker).await;
    assert_eq!(document["user"]["id"], walker.to_string());
    let requests = document["route_requests"].as_array().unwrap();
    let ids: Vec<&str> = requests.iter().map(|request| request["request_id"].as_str().unwrap()).collect();
    assert_eq!(ids, wishes.iter().map(|wish| wish.id.to_string()).collect::<Vec<_>>());
    let first = &requests[0];
    // As text: a score of 32 bits has more digits as a JSON value of 64.
    let made: Value = serde_json::from_str(&serde_json::to_string(&route(&places)).unwrap()).unwrap();
    assert_eq!(first["route"], made);
    assert!(first["saved_at"].is_string() && requests[1]["saved_at"].is_null());
    assert_eq!((&first["status"], &requests[1]["status"]), (&"complete".into(), &"pending".into()));
    assert_eq!(requests[44]["idempotency_key"], "key 44");
    assert_eq!(first["params"]["duration_minutes"], 60);

    // Of one who has left, and of one who never wrote anything, there is next to nothing.
    erase_user(&stage.database, walker).await.unwrap();
    let document = exported(&stage, walker).await;
    assert_eq!(document["ended_sessions"][0]["scope"], "of_erased");
    for nobody in [walker, UserId(Uuid::now_v7())] {
        let document = exported(&stage, nobody).await;
        assert_eq!(document["route_requests"], serde_json::json!([]));
        assert!(document["user"]["created_at"].is_null());
    }
}
