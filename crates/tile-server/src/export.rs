use std::{
    fs::{self, File},
    io::BufWriter,
    sync::Arc,
};

use anyhow::{Context, bail, ensure};
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use pmtiles::{Compression, PmTilesWriter, TileCoord, TileType};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::{
    config::{Area, Export},
    corridor::Corridor,
    sources::Definitions,
    tile_id::{Envelope, TileId},
    tileset::{LayerChoice, Tileset},
};

/// Writes tiles, as they would be served, into a PMTiles file. Until it is whole, nothing under its name changes.
pub(crate) async fn export(config: Export) -> anyhow::Result<()> {
    let definitions = Definitions::read(&config.files.sources)?;
    let source = definitions.iter().find(|(name, _)| *name == config.source);
    let (name, source) = source.with_context(|| format!("there is no source {:?}", config.source))?;
    let place = config.files.workplace();
    let tileset = Arc::new(Tileset::open(name, source, &place).await?);
    let (minzoom, maxzoom) =
        (config.minzoom.unwrap_or(source.minzoom), config.maxzoom.unwrap_or(source.maxzoom));
    ensure!(minzoom <= maxzoom, "--minzoom {minzoom} is above --maxzoom {maxzoom}");
    ensure!(
        minzoom >= source.minzoom && maxzoom <= source.maxzoom,
        "{name} has zooms {} to {}",
        source.minzoom,
        source.maxzoom
    );
    let (tiles, area) = tiles(&config, &tileset, minzoom..=maxzoom)?;
    let unfinished = config.out.with_added_extension(format!("part-{}", std::process::id()));
    let file = File::create(&unfinished).with_context(|| format!("making {}", unfinished.display()))?;
    let written = write(file, &tileset, tiles, &area, (minzoom, maxzoom), place.engine.connections).await;
    let written = written.and_then(|count| {
        fs::rename(&unfinished, &config.out)
            .with_context(|| format!("replacing {}", config.out.display()))?;
        Ok(count)
    });
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    tell(&config, written?)
}

#[expect(clippy::print_stdout, reason = "an operator waits for it")]
fn tell(config: &Export, count: usize) -> anyhow::Result<()> {
    println!("{}: {count} tiles, {} KiB", config.out.display(), fs::metadata(&config.out)?.len() >> 10);
    Ok(())
}

/// The tiles of the area that may hold anything, in the order of the archive, and the box around them.
fn tiles(
    config: &Export,
    tileset: &Tileset,
    zooms: std::ops::RangeInclusive<u8>,
) -> anyhow::Result<(Vec<TileId>, Envelope)> {
    let corridor = match &config.area {
        Area { corridor: Some(file), .. } => Some(Corridor::read(file, f64::from(config.buffer))?),
        _ => None,
    };
    let wanted = match (&corridor, &config.area.bbox) {
        (Some(corridor), _) => corridor.envelope(),
        (None, Some(bbox)) => Envelope::of_degrees(bbox.0),
        (None, None) => tileset.bounds,
    };
    if !wanted.touches(&tileset.bounds) {
        bail!("{} has nothing there: it reaches over {:?}", tileset.name, tileset.bounds.degrees());
    }
    let area = wanted.common(&tileset.bounds);
    let mut tiles = Vec::new();
    for z in zooms {
        match &corridor {
            Some(corridor) => tiles.extend(corridor.tiles(z)),
            None => {
                // Beside the map there are tiles that hold what reaches over its edge.
                let reach = tileset.reach(z);
                let wanted = if config.area.bbox.is_some() { wanted.common(&reach) } else { reach };
                let (columns, rows) = TileId::range(z, &wanted);
                tiles.extend(columns.flat_map(|x| rows.clone().map(move |y| TileId { z, x, y })));
            }
        }
    }
    let mut numbered: Vec<(u64, TileId)> = tiles
        .into_iter()
        .map(|id| Ok((pmtiles::TileId::from(coord(id)?).value(), id)))
        .collect::<anyhow::Result<_>>()?;
    numbered.sort_unstable();
    Ok((numbered.into_iter().map(|(_, id)| id).collect(), area))
}

fn coord(id: TileId) -> anyhow::Result<TileCoord> {
    Ok(TileCoord::new(id.z, id.x, id.y)?)
}

async fn write(
    file: File,
    tileset: &Arc<Tileset>,
    tiles: Vec<TileId>,
    area: &Envelope,
    (minzoom, maxzoom): (u8, u8),
    at_once: usize,
) -> anyhow::Result<usize> {
    let [west, south, east, north] = area.degrees();
    let source = &tileset.source;
    let metadata = json!({
        "name": tileset.name, "description": source.description, "attribution": source.attribution,
        "version": format!("{:016x}", tileset.version), "vector_layers": tileset.vector_layers(),
    });
    let mut archive = PmTilesWriter::new(TileType::Mvt)
        .precompressed(Compression::Gzip)
        .bounds(west, south, east, north)
        .center(f64::midpoint(west, east), f64::midpoint(south, north))
        .center_zoom(maxzoom.min(14).max(minzoom))
        .min_zoom(minzoom)
        .max_zoom(maxzoom)
        .metadata(metadata.to_string())
        .create(BufWriter::new(file))?;
    let progress = progress(tiles.len());
    // Every connection is kept busy, and the writer gets the tiles in their order.
    let turns = Semaphore::new(at_once);
    let mut made = stream::iter(tiles)
        .map(async |id| {
            let _turn = turns.acquire().await?;
            anyhow::Ok((id, tileset.tile(id, LayerChoice::All).await?))
        })
        .buffered(at_once * 8);
    let mut count = 0;
    while let Some(made) = made.next().await {
        let (id, tile) = made?;
        if let Some(tile) = tile {
            archive.add_tile(coord(id)?, &tile)?;
            count += 1;
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    archive.finalize()?;
    Ok(count)
}

fn progress(tiles: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} tiles, {per_sec}, {eta} left");
    ProgressBar::new(tiles as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
