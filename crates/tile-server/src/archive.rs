//! PMTiles files as a source: what `tile-server export` writes, or any other archive of gzipped vector tiles.

use anyhow::{Context, ensure};
use bytes::Bytes;
use flate2::read::GzDecoder;
use futures_util::TryStreamExt;
use pmtiles::{
    AsyncBackend, AsyncPmTilesReader, BackendResponse, Compression, PmtResult, TileCoord, TileType,
};
use serde_json::Value;
use std::{fs::File, io, os::unix::fs::FileExt, sync::Arc};

use crate::tile_id::{Envelope, TileId};

/// An opened archive.
pub(crate) struct Archive {
    reader: Arc<AsyncPmTilesReader<Blocks>>,
    /// What its layers are, as TileJSON says it.
    pub vector_layers: Value,
    pub bounds: Envelope,
}

/// Reads a file by position. A memory map would end the process where somebody cuts the file off.
struct Blocks(Arc<File>);

impl AsyncBackend for Blocks {
    async fn read(&self, offset: u64, length: usize) -> PmtResult<BackendResponse> {
        let file = self.0.clone();
        let read = move || {
            let mut bytes = vec![0; length];
            let mut done = 0;
            while done < length {
                match file.read_at(&mut bytes[done..], offset + done as u64)? {
                    0 => break,
                    more => done += more,
                }
            }
            bytes.truncate(done);
            Ok::<_, std::io::Error>(bytes)
        };
        let bytes = tokio::task::spawn_blocking(read).await.map_err(std::io::Error::other)??;
        Ok(BackendResponse::new(Bytes::from(bytes)))
    }
}

impl Archive {
    /// Opens one, and refuses what cannot be served as it is.
    pub async fn open(file: File) -> anyhow::Result<Self> {
        let reader = AsyncPmTilesReader::try_from_source(Blocks(Arc::new(file)))
            .await
            .context("this is no PMTiles archive of version 3")?;
        let reader = Arc::new(reader);
        let header = reader.get_header();
        ensure!(header.tile_type == TileType::Mvt, "its tiles are no vector tiles");
        ensure!(header.tile_compression == Compression::Gzip, "its tiles are not gzipped");
        let bounds = Envelope::of_degrees([
            header.min_longitude,
            header.min_latitude,
            header.max_longitude,
            header.max_latitude,
        ]);
        let metadata = reader.get_metadata().await.context("reading its metadata")?;
        let metadata: Value = serde_json::from_str(&metadata).context("reading its metadata")?;
        let vector_layers = metadata["vector_layers"].clone();
        ensure!(vector_layers.is_array(), "its metadata tells no vector_layers");
        let archive = Self { reader, vector_layers, bounds };
        archive.unpack_all().await?;
        Ok(archive)
    }

    /// An archive has no seal, but what is gzipped has a checksum.
    async fn unpack_all(&self) -> anyhow::Result<()> {
        let mut entries = self.reader.clone().entries();
        while let Some(entry) = entries.try_next().await.context("reading its directory")? {
            let Some(coord) = entry.iter_coords().next() else { continue };
            let unpack = async {
                let tile = self.reader.get_tile(coord).await?.context("it is not there")?;
                anyhow::Ok(io::copy(&mut GzDecoder::new(&tile[..]), &mut io::sink())?)
            };
            unpack.await.with_context(|| format!("its tile {coord:?} is damaged"))?;
        }
        Ok(())
    }

    /// A tile as it lies there.
    pub async fn tile(&self, id: TileId) -> anyhow::Result<Option<Bytes>> {
        Ok(self.reader.get_tile(TileCoord::new(id.z, id.x, id.y)?).await?)
    }
}
