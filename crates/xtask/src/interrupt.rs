use std::future::pending;
use tokio::signal::unix::{SignalKind, signal};

/// Ends when someone wants this program to end: Ctrl-C, a polite kill, or a terminal that was closed.
pub(crate) async fn asked() {
    let heard = |kind| async move {
        match signal(kind) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => pending().await,
        }
    };
    tokio::select! {
        () = heard(SignalKind::interrupt()) => (),
        () = heard(SignalKind::terminate()) => (),
        () = heard(SignalKind::hangup()) => (),
    }
}
