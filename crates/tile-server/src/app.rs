use arc_swap::ArcSwap;
use bytes::Bytes;
use moka::future::Cache;
use std::sync::Arc;

use crate::{
    catalog::{Catalog, TileCache},
    glyphs::Fonts,
    sprites::Sprites,
};

/// What handlers share.
pub(crate) struct App {
    /// Replaced as a whole when a file or a definition changes.
    pub catalog: ArcSwap<Catalog>,
    pub tiles: TileCache,
    pub fonts: Arc<Fonts>,
    /// Ranges of glyphs that were made, by font and first code point.
    pub glyphs: Cache<(String, u32), Option<Bytes>>,
    pub sprites: Sprites,
    /// Where browsers reach /tiles, such as `https://wildside.example`.
    pub public_url: String,
}
