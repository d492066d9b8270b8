//! What the rest of the product relies on when one service tells another something, against a real NATS.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod a_job_is_handled_until_it_is_over;
mod broker;
mod links;
mod losing_the_broker_loses_nothing_for_long;
mod messages_are_as_their_samples_say;
mod news_reaches_everybody;
mod streams_are_what_was_asked_for;

use std::{future::Future, time::Duration};

/// Waits until something has happened; the test fails where it does not happen within half a minute.
async fn soon(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !happened().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    in_time(what, wait).await;
}

/// What must come within half a minute.
async fn in_time<T>(what: &str, result: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(Duration::from_secs(30), result).await;
    result.unwrap_or_else(|_| panic!("{what}: not within half a minute"))
}
