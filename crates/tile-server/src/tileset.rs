use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use crate::{
    archive::Archive,
    checks,
    database::{Database, Engine, QueryError},
    layer_query::{self, LayerQuery},
    private_copy::PrivateCopy,
    sources::Source,
    tile_id::{Envelope, TileId},
};

/// Where files come from and how they are opened.
#[derive(Clone, Debug)]
pub(crate) struct Workplace {
    /// The files that the definitions name.
    pub data_dir: PathBuf,
    /// Private copies of them.
    pub scratch_dir: PathBuf,
    pub engine: Engine,
}

/// A source that has passed every check: one version of its file, as one version of its definition says.
pub(crate) struct Tileset {
    pub name: String,
    pub source: Source,
    /// Tells this version from every other: of the file's content and of the definition.
    pub version: u64,
    pub bounds: Envelope,
    stamp: Stamp,
    time_limit: Duration,
    content: Content,
}

enum Content {
    Layers { tiles: Arc<Database>, probes: Arc<Database>, queries: Arc<[LayerQuery]> },
    Archive(Box<Archive>),
}

/// What of a source is in a tile. Any choice of layers would be a tile of its own in every cache, 63 times what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum LayerChoice {
    All,
    /// By its place in the definition.
    One(usize),
}

/// When and as what a file was last written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: SystemTime,
    length: u64,
    /// Whoever keeps the time of a file still replaces it.
    inode: u64,
}

impl Stamp {
    /// Of a file as it is now.
    pub fn of(file: &Path) -> anyhow::Result<Self> {
        let about = fs::metadata(file).with_context(|| format!("looking at {}", file.display()))?;
        Ok(Self { modified: about.modified()?, length: about.len(), inode: about.ino() })
    }
}

impl Tileset {
    /// Opens a source and puts it through all checks.
    pub async fn open(name: &str, source: &Source, place: &Workplace) -> anyhow::Result<Self> {
        let began = Instant::now();
        let file = place.data_dir.join(&source.file);
        let stamp = Stamp::of(&file)?;
        let (scratch, from) = (place.scratch_dir.clone(), file.clone());
        let sealed = !source.layers.is_empty();
        let copy = tokio::task::spawn_blocking(move || PrivateCopy::make(&from, &scratch, sealed)).await??;
        let version = version(name, source, copy.sha256());
        let (content, bounds) = if source.layers.is_empty() {
            let archive = Archive::open(File::open(copy.path())?).await;
            let archive = archive.with_context(|| format!("opening {}", file.display()))?;
            let bounds = archive.bounds;
            (Content::Archive(archive.into()), bounds)
        } else {
            let engine = place.engine.clone();
            let opening = tokio::task::spawn_blocking({
                let source = source.clone();
                move || open_layers(&copy, &source, &engine)
            });
            opening.await?.with_context(|| format!("{} cannot be served", file.display()))?
        };
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(source = name, version = format!("{version:016x}"), ms, "all checks passed");
        Ok(Self {
            name: name.to_owned(),
            source: source.clone(),
            version,
            bounds,
            stamp,
            time_limit: place.engine.time_limit,
            content,
        })
    }

    /// Whether the file or the definition is another one by now.
    pub fn is_outdated(&self, source: &Source, stamp: &Stamp) -> bool {
        self.stamp != *stamp || format!("{:?}", self.source) != format!("{source:?}")
    }

    /// The layer of this name.
    pub fn choose(&self, name: &str) -> Option<LayerChoice> {
        self.source.layers.iter().position(|layer| layer.value.name == name).map(LayerChoice::One)
    }

    /// Where tiles of a zoom may hold anything: no buffer reaches further than half a tile.
    pub fn reach(&self, zoom: u8) -> Envelope {
        let tile = TileId { z: zoom, x: 0, y: 0 }.envelope();
        self.bounds.widened((tile.xmax - tile.xmin) / 2.0)
    }

    /// Whether there may be anything in a tile: for the rest of the world neither a query nor a cache is needed.
    pub fn may_hold(&self, id: TileId) -> bool {
        self.reach(id.z).touches(&id.envelope())
    }

    /// A tile, gzipped; nothing where the map is empty.
    pub async fn tile(&self, id: TileId, choice: LayerChoice) -> Result<Option<Bytes>, QueryError> {
        if !self.may_hold(id) {
            return Ok(None);
        }
        match &self.content {
            Content::Archive(archive) => Ok(archive.tile(id).await?),
            Content::Layers { tiles, queries, .. } => {
                let layers = queries.clone();
                tiles.run(self.time_limit, move |connection| make_tile(connection, &layers, id, choice)).await
            }
        }
    }

    /// How each capability check goes now, on a connection of its own: that all others are busy is no failure.
    pub async fn health(&self) -> Result<Vec<(u8, &'static str, Result<(), String>)>, QueryError> {
        /// Within which the admin server wants its answer.
        const PATIENCE: Duration = Duration::from_secs(2);
        let Content::Layers { probes, .. } = &self.content else { return Ok(Vec::new()) };
        let told = |(level, name, outcome): checks::Check| {
            (level, name, outcome.map_err(|error| format!("{error:#}")))
        };
        probes
            .run(PATIENCE, move |connection| {
                Ok(checks::capabilities(connection).into_iter().map(told).collect())
            })
            .await
    }

    /// What check 6 is about.
    pub fn what_was_read(&self) -> &'static str {
        match &self.content {
            Content::Layers { .. } => "every table can be read",
            Content::Archive(_) => "every tile can be unpacked",
        }
    }

    /// What the layers hold, as TileJSON says it.
    pub fn vector_layers(&self) -> Value {
        if let Content::Archive(archive) = &self.content {
            return archive.vector_layers.clone();
        }
        let layers = self.source.layers.iter().map(|layer| {
            let zooms = layer.value.zooms(&self.source);
            let columns = layer.value.columns.iter();
            let fields: serde_json::Map<String, Value> =
                columns.map(|(name, kind)| (name.clone(), kind.tilejson().into())).collect();
            json!({"id": layer.value.name, "fields": fields, "minzoom": zooms.start(), "maxzoom": zooms.end()})
        });
        layers.collect()
    }
}

fn version(name: &str, source: &Source, sha256: &[u8; 32]) -> u64 {
    let hash = Sha256::new().chain_update(sha256).chain_update(name).chain_update(format!("{source:?}"));
    hash.finalize().iter().take(8).fold(0, |version, byte| version << 8 | u64::from(*byte))
}

/// Checks 1 to 6 of a DuckDB file, and where on Earth it is.
fn open_layers(copy: &PrivateCopy, source: &Source, engine: &Engine) -> anyhow::Result<(Content, Envelope)> {
    let [tiles, probes] = Database::open(copy.path(), engine)?;
    let queries: Arc<[LayerQuery]> =
        source.layers.iter().map(|layer| LayerQuery::new(&layer.value, source)).collect();
    let bounds = tiles.with_any(|connection| {
        checks::tables(connection, source).context("check 6, the tables")?;
        let bounds = bounds(connection, source)?;
        // And each layer can be drawn: a tile in the middle, where it is smallest.
        for (query, layer) in queries.iter().zip(&source.layers) {
            let id = TileId::in_the_middle(*layer.value.zooms(source).end(), &bounds);
            layer_query::make(connection, std::iter::once(query), id)
                .with_context(|| format!("check 6, the tables: drawing layer {}", layer.value.name))?;
        }
        Ok(bounds)
    })?;
    Ok((Content::Layers { tiles: tiles.into(), probes: probes.into(), queries }, bounds))
}

fn bounds(connection: &duckdb::Connection, source: &Source) -> anyhow::Result<Envelope> {
    let tables = source
        .layers
        .iter()
        .map(|layer| format!("SELECT xmin, ymin, xmax, ymax FROM \"{}\"", layer.value.table()));
    let all = tables.collect::<Vec<_>>().join(" UNION ALL ");
    let sql = format!("SELECT min(xmin), min(ymin), max(xmax), max(ymax) FROM ({all})");
    let found: [Option<f64>; 4] =
        connection.query_row(&sql, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
    let [Some(xmin), Some(ymin), Some(xmax), Some(ymax)] = found else { bail!("its tables are empty") };
    ensure!(
        xmin.is_finite() && ymin.is_finite() && xmax.is_finite() && ymax.is_finite(),
        "its bounds are endless"
    );
    Ok(Envelope { xmin, ymin, xmax, ymax })
}

fn make_tile(
    connection: &duckdb::Connection,
    layers: &[LayerQuery],
    id: TileId,
    choice: LayerChoice,
) -> anyhow::Result<Option<Bytes>> {
    let chosen = match choice {
        LayerChoice::All => layers,
        LayerChoice::One(place) => layers.get(place..=place).unwrap_or_default(),
    };
    let tile = layer_query::make(connection, chosen.iter(), id)?;
    if tile.is_empty() {
        return Ok(None);
    }
    let mut gzip = GzEncoder::new(Vec::with_capacity(tile.len() / 2), Compression::default());
    gzip.write_all(&tile)?;
    Ok(Some(gzip.finish()?.into()))
}
