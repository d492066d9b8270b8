//! What the rest of the product relies on when it writes something down, against a real PostgreSQL and a real Redis.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod a_cached_route_is_the_route;
mod a_walker_hears_what_is_new;
mod a_wish_is_accepted_once;
mod attempts;
mod erasure;
mod grants;
mod interests_are_not_overwritten;
mod knocks_are_counted_exactly;
mod links;
mod manners_are_kept;
mod notifications;
mod queue;
mod redis_is_never_waited_for;
mod routes_come_back_as_they_were;
mod sessions_end;
mod stage;
mod sweep;
mod the_map_asks_as_a_role_of_its_own;
mod the_schema_refuses_what_cannot_be;
mod what_is_learnt_respects_what_is_known;
mod what_is_old_is_put_away;

use std::time::Duration;

/// Waits until something has happened; the test fails where it does not happen soon.
async fn soon(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    for _ in 0..1_000 {
        if happened().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}: did not happen within ten seconds");
}
