use store::{forget_idempotency_keys, remove_old_routes, set_saved};

use crate::stage::{Stage, Wish, route};

#[tokio::test]
async fn old_idempotency_keys_are_forgotten_a_batch_at_a_time() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    for name in ["a", "b", "c", "new"] {
        Wish::of(walker).named(name).accept(&stage).await.unwrap();
    }
    stage.sql("UPDATE route_requests SET created_at = now() - interval '25 hours' WHERE idempotency_key <> 'new'").await;
    assert_eq!(forget_idempotency_keys(&stage.database, 2).await.unwrap(), 2);
    assert_eq!(forget_idempotency_keys(&stage.database, 2).await.unwrap(), 1);
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
    set_saved(&stage.database, walker, saved.route_id, true).await.unwrap();
    let age =
        format!("UPDATE route_requests SET created_at = now() - interval '91 days' WHERE id <> '{}'", new.id);
    stage.sql(&age).await;
    assert_eq!(remove_old_routes(&stage.database, 10).await.unwrap(), 1);
    let left = stage.sql("SELECT id FROM route_requests ORDER BY id").await;
    let mut expected = [saved.id, new.id, open.id].map(|id| id.to_string());
    expected.sort();
    assert_eq!(left, expected.join("\n"));
    assert_eq!(stage.count(&format!("routes WHERE request_id = '{}'", old.id)).await, 0);
}
