#[cfg(test)]
mod tests;

use std::{
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

use domain::RouteRequest;
use store::{CellRect, Database, StoreError, StreetNetworkKey, street_network, street_network_around};
use thiserror::Error;
use tokio::sync::OnceCell;
use wildside_engine::{Network, NetworkError, Reach};

/// A street network could not be had.
#[derive(Debug, Error)]
pub(crate) enum LoadError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("stored street network: {0}")]
    Network(#[from] NetworkError),
    #[error("keeping a street network on disk: {0}")]
    Disk(#[from] std::io::Error),
    #[error("a street network changed again and again while it was loaded")]
    Restless,
    #[error("the loading was cut short")]
    CutShort,
}

impl LoadError {
    /// It may go well at another time, or on another worker.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Store(error) => error.is_passing(),
            Self::Disk(_) | Self::Restless => true,
            Self::Network(_) | Self::CutShort => false,
        }
    }
}

/// Prepared street networks, each of a region and mapped into memory from a file without a name: what a walk touches is in
/// memory, the rest may be dropped by the system. Walks from the same region share one; the least recently used go when
/// there are too many. A network that an ingest has replaced is noticed by its version, at the next walk.
#[derive(Clone)]
pub(crate) struct Networks {
    database: Database,
    most_bytes: usize,
    /// The most recently used last.
    kept: Arc<Mutex<Vec<Kept>>>,
}

#[derive(Clone)]
struct Kept {
    key: StreetNetworkKey,
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
        let cells =
            CellRect { min_x: cells.min.x, max_x: cells.max.x, min_y: cells.min.y, max_y: cells.max.y };
        // Between the look-up of a version and its loading an ingest may put another one in its place, but hardly thrice.
        for _ in 0..3 {
            let Some(key) = street_network_around(&self.database, cells).await? else {
                return Ok(Arc::new(Network::from_cells([])?));
            };
            let entry = self.entry(key);
            match entry.network.get_or_try_init(|| self.load(key)).await {
                Ok(network) => {
                    let network = network.clone();
                    self.make_room();
                    return Ok(network);
                }
                Err(LoadError::Restless) => self.forget(key),
                Err(error) => return Err(error),
            }
        }
        Err(LoadError::Restless)
    }

    fn entry(&self, key: StreetNetworkKey) -> Kept {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // What was loaded before its streets changed nobody will ask for again.
        let same_tile = |other: &StreetNetworkKey| (other.zoom, other.x, other.y) == (key.zoom, key.x, key.y);
        kept.retain(|entry| !same_tile(&entry.key) || entry.key.version >= key.version);
        let known = kept.iter().position(|entry| entry.key == key);
        let found = if known.is_some() { "hit" } else { "miss" };
        metrics::counter!("network_cache_lookups_total", "result" => found).increment(1);
        let entry = match known {
            Some(index) => kept.remove(index),
            None => Kept { key, network: Arc::default() },
        };
        kept.push(entry.clone());
        entry
    }

    fn forget(&self, key: StreetNetworkKey) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).retain(|entry| entry.key != key);
    }

    async fn load(&self, key: StreetNetworkKey) -> Result<Arc<Network>, LoadError> {
        let bytes = street_network(&self.database, key).await?.ok_or(LoadError::Restless)?;
        let network = tokio::task::spawn_blocking(move || mapped(&bytes)).await;
        Ok(Arc::new(network.map_err(|_| LoadError::CutShort)??))
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

/// Nobody can change a file without a name, and it goes away with its last user.
fn mapped(bytes: &[u8]) -> Result<Network, LoadError> {
    let mut file = tempfile::tempfile()?;
    file.write_all(bytes)?;
    Ok(Network::map(&file)?)
}
