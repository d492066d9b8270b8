use std::sync::{Arc, Mutex, PoisonError};

use domain::RouteRequest;
use store::{Database, StoreError, data_version, street_cells};
use thiserror::Error;
use tokio::sync::OnceCell;
use wildside_engine::{CellRange, Network, NetworkError, Reach};

/// A street network could not be had.
#[derive(Debug, Error)]
pub(crate) enum LoadError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("stored street network: {0}")]
    Network(#[from] NetworkError),
    #[error("the loading was cut short")]
    CutShort,
}

/// Street networks in memory, each of the squares that one walk can reach. Walks from about the same place, for about
/// the same time, share one; the least recently used go when there are too many.
#[derive(Clone)]
pub(crate) struct Networks {
    database: Database,
    most_bytes: usize,
    /// The most recently used last.
    kept: Arc<Mutex<Vec<Kept>>>,
}

#[derive(Clone)]
struct Kept {
    cells: CellRange,
    data_version: i64,
    network: Arc<OnceCell<Arc<Network>>>,
}

impl Kept {
    fn bytes(&self) -> usize {
        self.network.get().map_or(0, |network| network.memory_bytes())
    }
}

impl Networks {
    pub(crate) fn new(database: Database, most_bytes: usize) -> Self {
        Self { database, most_bytes, kept: Arc::default() }
    }

    /// The network around a request. Several jobs that want the same one load it once.
    pub(crate) async fn around(&self, request: &RouteRequest) -> Result<Arc<Network>, LoadError> {
        let cells = Reach::of(request).cells();
        let version = data_version(&self.database).await?;
        let entry = self.entry(cells, version);
        let network = entry.network.get_or_try_init(|| self.load(cells)).await?.clone();
        self.make_room();
        Ok(network)
    }

    fn entry(&self, cells: CellRange, data_version: i64) -> Kept {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // What was loaded before the data changed nobody will ask for again.
        kept.retain(|entry| entry.data_version >= data_version);
        let known = kept.iter().position(|entry| entry.cells == cells && entry.data_version == data_version);
        let found = if known.is_some() { "hit" } else { "miss" };
        metrics::counter!("network_cache_lookups_total", "result" => found).increment(1);
        let entry = match known {
            Some(index) => kept.remove(index),
            None => Kept { cells, data_version, network: Arc::default() },
        };
        kept.push(entry.clone());
        entry
    }

    async fn load(&self, cells: CellRange) -> Result<Arc<Network>, LoadError> {
        let blobs =
            street_cells(&self.database, cells.min.x..=cells.max.x, cells.min.y..=cells.max.y).await?;
        let build = move || Network::from_cells(blobs.iter().map(Vec::as_slice));
        let network = tokio::task::spawn_blocking(build).await.map_err(|_| LoadError::CutShort)??;
        Ok(Arc::new(network))
    }

    /// The newest one stays, however large it is: a job is about to use it.
    fn make_room(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes: usize = kept.iter().map(Kept::bytes).sum();
        while bytes > self.most_bytes && kept.len() > 1 {
            bytes -= kept.remove(0).bytes();
        }
        metrics::gauge!("network_cache_bytes").set(bytes as f64);
    }
}
