use anyhow::Context;
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::HeaderValue;
use moka::future::Cache;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, io::Read, path::Path, sync::Arc};

use crate::{
    database::QueryError,
    sources::Definitions,
    tile_id::TileId,
    tileset::{LayerChoice, Stamp, Tileset, Workplace},
};

/// Everything that is served at one moment. A request takes one catalog and stays with it.
pub(crate) struct Catalog(BTreeMap<String, Arc<Tileset>>);

impl Catalog {
    /// Opens every source that the definitions name. What has not changed since the last time is taken over.
    pub async fn open(definitions: &Path, place: &Workplace, last: Option<&Self>) -> anyhow::Result<Self> {
        let definitions = Definitions::read(definitions)?;
        let mut tilesets = BTreeMap::new();
        for (name, source) in definitions.iter() {
            let stamp = Stamp::of(&place.data_dir.join(&source.file))?;
            let known =
                last.and_then(|last| last.0.get(name)).filter(|known| !known.is_outdated(source, &stamp));
            let tileset = match known {
                Some(known) => known.clone(),
                None => {
                    Tileset::open(name, source, place).await.with_context(|| format!("source {name}"))?.into()
                }
            };
            tilesets.insert(name.to_owned(), tileset);
        }
        Ok(Self(tilesets))
    }

    pub fn get(&self, name: &str) -> Option<&Arc<Tileset>> {
        self.0.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Tileset>> {
        self.0.values()
    }
}

/// A tile that is not empty.
pub(crate) struct Tile {
    pub gzip: Bytes,
    /// Strong, of the content: it stays the same where a new ingest changes nothing.
    pub etag: HeaderValue,
    pub etag_of_plain: HeaderValue,
}

impl Tile {
    fn new(gzip: Bytes) -> anyhow::Result<Self> {
        let hash = Sha256::digest(&gzip);
        let hash: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let etag = HeaderValue::from_str(&format!("\"{hash}\""))?;
        Ok(Self { gzip, etag, etag_of_plain: HeaderValue::from_str(&format!("\"{hash}-plain\""))? })
    }

    /// For the few that do not understand gzip.
    pub fn plain(&self) -> std::io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        GzDecoder::new(&self.gzip[..]).read_to_end(&mut plain)?;
        Ok(plain)
    }
}

/// Which tile of which version of which source.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    version: u64,
    id: TileId,
    choice: LayerChoice,
}

/// Tiles that were made, gzipped, up to so many bytes. Many who ask for the same one at once make it once.
#[derive(Clone)]
pub(crate) struct TileCache(Cache<Key, Option<Arc<Tile>>>);

impl TileCache {
    /// What an entry costs besides its bytes.
    const OVERHEAD: usize = 256;

    pub fn new(mib: u32) -> Self {
        let weigh = |_: &Key, tile: &Option<Arc<Tile>>| {
            let bytes = Self::OVERHEAD + tile.as_ref().map_or(0, |tile| tile.gzip.len());
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().weigher(weigh).max_capacity(u64::from(mib) << 20).build())
    }

    /// The tile, if it was made before. One that is known to be empty is none within.
    pub async fn known(
        &self,
        tileset: &Tileset,
        id: TileId,
        choice: LayerChoice,
    ) -> Option<Option<Arc<Tile>>> {
        self.0.get(&Key { version: tileset.version, id, choice }).await
    }

    /// The tile, made where it is not known; nothing where it is empty.
    pub async fn make(
        &self,
        tileset: &Tileset,
        id: TileId,
        choice: LayerChoice,
    ) -> Result<Option<Arc<Tile>>, Arc<QueryError>> {
        let key = Key { version: tileset.version, id, choice };
        let make = async {
            let began = std::time::Instant::now();
            let tile = tileset.tile(id, choice).await;
            metrics::histogram!("tile_query_duration_seconds", "source" => tileset.name.clone())
                .record(began.elapsed().as_secs_f64());
            Ok::<_, QueryError>(tile?.map(Tile::new).transpose()?.map(Arc::new))
        };
        self.0.try_get_with(key, make).await
    }

    /// How many bytes it holds, about.
    pub fn bytes(&self) -> u64 {
        self.0.weighted_size()
    }
}
