use domain::UserId;
use store::{
    Account, forget_idempotency_keys, forget_revocations, note_activity, remove_inactive_users,
    remove_old_routes, revoke_session, set_saved,
};
use uuid::Uuid;

use crate::stage::{Stage, Wish, route};

#[tokio::test]
async fn old_idempotency_keys_are_forgotten_a_batch_at_a_time() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    for name in ["a", "b", "c", "new"] {
        Wish::of(walker).named(name).accept(&stage).await.unwrap();
    }
    stage.sql("UPDATE route_requests SET created_at = now() - interval '25 hours' WHERE idempotency_key <> 'new'").await;
    assert_eq!(forget_idempotency_keys(&stage.database, 24, 2).await.unwrap(), 2);
    assert_eq!(forget_idempotency_keys(&stage.database, 24, 2).await.unwrap(), 1);
    assert_eq!(stage.sql("SELECT string_agg(idempotency_key, ',') FROM route_requests").await, "new");
    assert_eq!(stage.count("route_requests").await, 4);
}

#[tokio::test]
async fn old_routes_go_and_saved_and_open_and_new_ones_stay() {
    let stage = Stage::new().await;
    let (walker, places) = (stage.walker().await, stage.places(&[4, 8]).await);
    let route = route(&places);
    let [old, saved, new] = [
        stage.completed(walker, &route).await,
        stage.completed(walker, &route).await,
        stage.completed(walker, &route).await,
    ];
    let open = stage.accepted(walker).await;
    set_saved(&stage.database, walker, saved.route_id, true, 500).await.unwrap();
    let age =
        format!("UPDATE route_requests SET created_at = now() - interval '91 days' WHERE id <> '{}'", new.id);
    stage.sql(&age).await;
    assert_eq!(remove_old_routes(&stage.database, 90, 10).await.unwrap(), 1);
    let left = stage.sql("SELECT id FROM route_requests ORDER BY id").await;
    let mut expected = [saved.id, new.id, open.id].map(|id| id.to_string());
    expected.sort();
    assert_eq!(left, expected.join("\n"));
    assert_eq!(stage.count(&format!("routes WHERE request_id = '{}'", old.id)).await, 0);
}

#[tokio::test]
async fn walkers_who_were_not_here_for_long_go_with_all_that_is_theirs() {
    let stage = Stage::new().await;
    let places = stage.places(&[4, 8]).await;
    let [gone, visitor, writer, new] =
        [stage.walker().await, stage.walker().await, stage.walker().await, stage.walker().await];
    let saved = stage.completed(gone, &route(&places)).await;
    set_saved(&stage.database, gone, saved.route_id, true, 500).await.unwrap();
    stage
        .sql(&format!(
            "UPDATE users SET active_at = now() - interval '401 days' WHERE id <> '{new}';
             UPDATE route_requests SET updated_at = now() - interval '401 days', created_at = now() - interval '401 days'"
        ))
        .await;
    // One renewed their cookie since, the other asked for a walk.
    note_activity(&stage.database, visitor).await.unwrap();
    stage.accepted(writer).await;
    assert_eq!(remove_inactive_users(&stage.database, 500, 10).await.unwrap(), 0);
    assert_eq!(remove_inactive_users(&stage.database, 400, 10).await.unwrap(), 1);
    let mut left = [visitor, writer, new].map(|walker| walker.to_string());
    left.sort();
    assert_eq!(stage.sql("SELECT id FROM users ORDER BY id").await, left.join("\n"));
    assert_eq!(stage.count("routes").await, 0);
    // A cookie that is found later does not bring them back.
    assert_eq!(Wish::of(gone).accept_as(&stage, None).await.unwrap().1, Account::Erased);
}

#[tokio::test]
async fn revocations_are_forgotten_when_no_cookie_can_be_good_any_more() {
    let stage = Stage::new().await;
    let walker = UserId(Uuid::now_v7());
    for session in 1..=3 {
        revoke_session(&stage.database, walker, Uuid::from_u128(session)).await.unwrap();
    }
    assert_eq!(forget_revocations(&stage.database, 10).await.unwrap(), 0);
    let days =
        stage.sql("SELECT min(extract(day FROM expires_at - revoked_at)) FROM session_revocations").await;
    assert!(days.parse::<i32>().unwrap() >= 400, "{days}");
    let first = Uuid::from_u128(1);
    stage
        .sql(&format!("UPDATE session_revocations SET expires_at = now() WHERE session_id <> '{first}'"))
        .await;
    assert_eq!(forget_revocations(&stage.database, 1).await.unwrap(), 1);
    assert_eq!(forget_revocations(&stage.database, 1).await.unwrap(), 1);
    assert_eq!(stage.sql("SELECT session_id FROM session_revocations").await, first.to_string());
}
