//! What other tests and `cargo xtask up` rely on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod a_database_is_ones_own;
mod a_map_shows_the_walk;
mod a_place_on_the_map_has_its_id;
mod a_process_ends_with_its_value;
mod api_conformance;
mod failures_of_ours;
mod fair_queue;
mod nobody_elses_route_is_drawn;
mod nothing_accepted_is_lost;
mod one_request_has_one_trace;
mod route_tile_encodings;
mod secrets;
mod servers_keep_out_of_each_others_way;
mod servers_survive_what_tests_do_to_them;
mod walkers_who_ask_make_it_better;
mod walks_keep_their_promises;
mod what_happens_beside_the_walks;

use std::{path::Path, time::Duration};

/// Whether a process of this number is there.
fn is_alive(id: u32) -> bool {
    Path::new(&format!("/proc/{id}")).exists()
}

/// Waits for something that happens soon.
async fn soon(mut happened: impl FnMut() -> bool) -> bool {
    for _ in 0..500 {
        if happened() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}
