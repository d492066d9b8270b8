//! What the fuzz targets call: readers of what others write that have no public door of their own.

use crate::{sources::Definitions, tile_id::TileId};

/// Zoom, column and row of a tile.
pub fn parse_tile(z: &str, x: &str, y: &str) -> Option<(u8, u32, u32)> {
    TileId::parse(z, x, y).map(|TileId { z, x, y }| (z, x, y))
}

/// The names of the sources that a file defines.
pub fn parse_sources(yaml: &str) -> anyhow::Result<Vec<String>> {
    Ok(Definitions::parse(yaml)?.iter().map(|(name, _)| name.to_owned()).collect())
}
