use anyhow::{Context, anyhow, ensure};
use duckdb::{AccessMode, Config, Connection, InterruptHandle};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Semaphore;

use crate::checks;

/// How DuckDB is run in this process.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    /// The file `spatial.duckdb_extension`, of exactly this DuckDB's version.
    pub spatial: PathBuf,
    /// How many queries run at once; each has a connection and a thread of its own.
    pub connections: usize,
    /// Most memory of one opened file, in MiB.
    pub memory_mib: u32,
    /// A query that takes longer is interrupted.
    pub time_limit: Duration,
}

/// Connections to one DuckDB file, opened for reading, with the spatial extension proven to work on each of them.
pub(crate) struct Database {
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

/// Why a query has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueryError {
    /// It took longer than it may.
    #[error("the query was interrupted after {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// Too many others were before it.
    #[error("no connection was free within {} ms", .0.as_millis())]
    Busy(Duration),
    /// DuckDB said no.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl Database {
    /// Opens a file that nobody else writes to. Extensions are per opened file: spatial is loaded here, once, and every
    /// connection has to prove that it has it. Nothing is ever installed or downloaded.
    ///
    /// One for tiles, and one of a single connection for probes, which must not wait for tiles.
    pub fn open(file: &Path, engine: &Engine) -> anyhow::Result<[Self; 2]> {
        let first = Connection::open_with_flags(file, settings(engine)?.access_mode(AccessMode::ReadOnly)?)
            .map_err(|error| anyhow!("DuckDB cannot open {}: {error}", file.display()))?;
        load_spatial(&first, &engine.spatial)?;
        // From here on a query can neither reach a file nor change a setting.
        first.execute_batch("SET enable_external_access = false; SET lock_configuration = true;")?;
        let mut idle = Vec::with_capacity(engine.connections + 1);
        for _ in 0..engine.connections {
            idle.push(first.try_clone().context("making a second connection")?);
        }
        idle.push(first);
        for connection in &idle {
            for (level, name, outcome) in checks::capabilities(connection) {
                outcome.with_context(|| format!("check {level}, {name}"))?;
            }
        }
        let tiles = idle.split_off(1);
        Ok([tiles, idle].map(|idle| Self { permits: Semaphore::new(idle.len()), idle: Mutex::new(idle) }))
    }

    /// Runs a query on a connection and a thread of its own, as soon as one is free, for which it waits no longer than the
    /// query may take. It is interrupted when it takes too long, and when nobody waits for it any more.
    pub async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        limit: Duration,
        query: impl FnOnce(&Connection) -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T, QueryError> {
        let permit = tokio::time::timeout(limit, self.permits.acquire()).await;
        let permit = permit.map_err(|_| QueryError::Busy(limit))?.context("the database is closed")?;
        let connection = self.idle().pop().context("there is no idle connection")?;
        permit.forget();
        let under_way = UnderWay(Arc::new(Mutex::new(Some(connection.interrupt_handle()))));
        let borrowed = Borrowed { database: self.clone(), connection: Some(connection) };
        let ended = UnderWay(under_way.0.clone());
        let mut running = tokio::task::spawn_blocking(move || {
            let result = borrowed.connection.as_ref().context("the connection is gone").and_then(query);
            // From here on an interruption would meet the next query on this connection.
            ended.lock().take();
            drop(borrowed);
            result
        });
        tokio::select! {
            result = &mut running => Ok(result.context("the query panicked")??),
            () = tokio::time::sleep(limit) => Err(QueryError::TimedOut(limit)),
        }
    }

    /// Runs something on the spot, before anybody else knows of this database.
    pub fn with_any<T>(&self, work: impl FnOnce(&Connection) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let idle = self.idle();
        work(idle.first().context("there is no connection")?)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A query that may still be running; it is interrupted when this goes.
struct UnderWay(Arc<Mutex<Option<Arc<InterruptHandle>>>>);

impl UnderWay {
    fn lock(&self) -> MutexGuard<'_, Option<Arc<InterruptHandle>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(handle) = self.lock().as_ref() {
            handle.interrupt();
        }
    }
}

/// A connection that finds its way back, also from a panic.
struct Borrowed {
    database: Arc<Database>,
    connection: Option<Connection>,
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        self.database.idle().extend(self.connection.take());
        self.database.permits.add_permits(1);
    }
}

/// A DuckDB in memory that may read files, for building.
pub(crate) fn workshop(spatial: &Path, memory_mib: u32) -> anyhow::Result<Connection> {
    let config = Config::default()
        .with("autoinstall_known_extensions", "false")?
        .with("autoload_known_extensions", "false")?
        .max_memory(&format!("{memory_mib}MiB"))?;
    let connection = Connection::open_in_memory_with_flags(config)?;
    load_spatial(&connection, spatial)?;
    Ok(connection)
}

fn settings(engine: &Engine) -> anyhow::Result<Config> {
    // One thread a query: many small queries at once are faster so, and the same query gives the same bytes.
    Ok(Config::default()
        .with("autoinstall_known_extensions", "false")?
        .with("autoload_known_extensions", "false")?
        .threads(1)?
        .max_memory(&format!("{}MiB", engine.memory_mib))?)
}

/// Check 2: the extension is there, is whole, is signed, and is of this DuckDB's version.
fn load_spatial(connection: &Connection, file: &Path) -> anyhow::Result<()> {
    const NAME: &str = "check 2, the spatial extension";
    ensure!(
        file.is_file(),
        "{NAME}: there is no {}\n  The mend: cargo xtask setup, and SPATIAL_EXTENSION with its place",
        file.display()
    );
    let quoted = file.to_str().context("the extension's path is not UTF-8")?.replace('\'', "''");
    connection
        .execute_batch(&format!("LOAD '{quoted}'"))
        .map_err(|error| anyhow!("{NAME}: {} cannot be loaded: {error}", file.display()))
}
