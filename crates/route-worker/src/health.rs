//! Whether this worker can work. One that fails for reasons of its own would be the quickest of all to take jobs, so it
//! stops taking any until it has shown to itself that it can write where work has to write: to the database, and to a
//! file in the temporary directory.

use std::{
    io::Write,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use store::Database;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Failures in a row after which no more jobs are taken.
const MAX_FAILURES: u32 = 3;
/// How often a worker says that it is alive, and looks whether it can work.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// The same while it cannot.
const SICK_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Bytes that are written to the temporary directory to see whether it takes them.
const PROBE_BYTES: usize = 1024 * 1024;
/// Assumed of a worker that has done nothing yet: seconds for a request of cost 1.
const ASSUMED_SECONDS_PER_COST: f32 = 0.1;
/// Weight of the latest request in the mean of seconds per cost.
const LATEST_WEIGHT: f32 = 0.1;

/// Shared by all slots of a worker.
#[derive(Clone)]
pub(crate) struct Health {
    id: Uuid,
    slots: u16,
    state: Arc<Mutex<State>>,
    able: watch::Sender<bool>,
}

struct State {
    failures: u32,
    /// Why it cannot work.
    reason: Option<String>,
    seconds_per_cost: f32,
}

impl Health {
    /// Of a worker that has not shown yet that it can work.
    pub(crate) fn new(slots: u16) -> Self {
        let state = State {
            failures: 0,
            reason: Some("not checked yet".into()),
            seconds_per_cost: ASSUMED_SECONDS_PER_COST,
        };
        let (able, _) = watch::channel(false);
        Self { id: Uuid::new_v4(), slots, state: Arc::new(Mutex::new(state)), able }
    }

    /// True while jobs may be taken.
    pub(crate) fn able(&self) -> watch::Receiver<bool> {
        self.able.subscribe()
    }

    /// For readiness: the reason why no jobs are taken.
    pub(crate) fn ready(&self) -> Result<(), String> {
        self.lock().reason.clone().map_or(Ok(()), Err)
    }

    /// Something failed that is not the request's fault.
    pub(crate) fn note_failure(&self, error: &str) {
        let mut state = self.lock();
        state.failures += 1;
        if state.failures >= MAX_FAILURES && state.reason.is_none() {
            tracing::error!(error, "cannot work; no jobs are taken until that has passed");
            state.reason = Some(error.to_owned());
            self.able.send_replace(false);
        }
    }

    /// A request has come to its end.
    pub(crate) fn note_success(&self) {
        self.lock().failures = 0;
    }

    /// How long a request of this cost has kept a slot busy.
    pub(crate) fn note_work(&self, cost: f32, took: Duration) {
        let mut state = self.lock();
        let latest = (took.as_secs_f32() / cost).max(0.001);
        state.seconds_per_cost += (latest - state.seconds_per_cost) * LATEST_WEIGHT;
    }

    /// Says that this worker is alive, and checks whether it can work, until `shutdown`.
    pub(crate) async fn watch(self, database: Database, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            let checked = self.check(&database).await;
            self.note_check(checked);
            let interval = if *self.able.borrow() { CHECK_INTERVAL } else { SICK_CHECK_INTERVAL };
            shutdown.run_until_cancelled(tokio::time::sleep(interval)).await;
        }
        // Where this fails, the row grows old.
        store::remove_worker(&database, self.id).await.ok();
    }

    async fn check(&self, database: &Database) -> Result<(), String> {
        let seconds_per_cost = self.lock().seconds_per_cost;
        let written = store::report_worker(database, self.id, self.slots, seconds_per_cost).await;
        written.map_err(|error| error.to_string())?;
        let probed = tokio::task::spawn_blocking(write_temporary_file).await;
        let probed = probed.map_err(|error| error.to_string())?;
        probed.map_err(|error| format!("no file can be written to the temporary directory: {error}"))
    }

    fn note_check(&self, checked: Result<(), String>) {
        let mut state = self.lock();
        match checked {
            Ok(()) => {
                if state.reason.take().is_some() {
                    tracing::info!("able to work");
                    state.failures = 0;
                    self.able.send_replace(true);
                }
            }
            Err(error) => {
                if state.reason.is_none() {
                    tracing::error!(error, "cannot work; no jobs are taken until that has passed");
                    self.able.send_replace(false);
                }
                state.reason = Some(error);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_temporary_file() -> std::io::Result<()> {
    let mut file = tempfile::tempfile()?;
    file.write_all(&vec![1; PROBE_BYTES])?;
    file.flush()
}
