//! What a worker does while no jobs reach it: requests that wait although the broker brings no jobs (it is away, or
//! refuses to take any) are found in the database.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use store::claim_next;

use crate::{
    app::App,
    generate_route::{LEASE, work_on},
};

/// A worker that has heard of no job for so long looks for itself.
const LOOK_AFTER: Duration = Duration::from_secs(5);

/// How often an idle worker looks.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Knows for how long no job has reached a worker that has nothing in hand.
#[derive(Clone)]
pub(crate) struct Idle(Arc<Mutex<State>>);

struct State {
    in_hand: usize,
    /// When the last job came or ended.
    latest: Instant,
}

impl Idle {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { in_hand: 0, latest: Instant::now() })))
    }

    /// A job has come; it is in hand until what is returned is dropped.
    pub(crate) fn job(&self) -> Job {
        let mut state = self.lock();
        state.in_hand += 1;
        state.latest = Instant::now();
        drop(state);
        Job(self.clone())
    }

    fn is_long(&self) -> bool {
        let state = self.lock();
        state.in_hand == 0 && state.latest.elapsed() >= LOOK_AFTER
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job in hand.
pub(crate) struct Job(Idle);

impl Drop for Job {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.in_hand -= 1;
        state.latest = Instant::now();
    }
}

/// In one slot: takes up requests while no jobs come, until the program is asked to stop; then finishes the one in hand.
pub(crate) async fn look_for_requests(app: App) {
    let mut able = app.health.able();
    loop {
        let pause = async {
            tokio::time::sleep(LOOK_INTERVAL).await;
            able.wait_for(|able| *able).await.is_ok()
        };
        if app.shutdown.run_until_cancelled(pause).await != Some(true) {
            return;
        }
        while app.idle.is_long() && !app.shutdown.is_cancelled() {
            match claim_next(&app.database, LEASE).await {
                Ok(Some(attempt)) => {
                    tracing::warn!(request_id = %attempt.request_id, "found a request that no job told of");
                    work_on(&app, attempt).await;
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::debug!(%error, "could not look for requests");
                    break;
                }
            }
        }
    }
}
