//! Builds, serves and exports static map layers in one DuckDB file.
//!
//! In reading order: [`Config`] is what it is told. `base_map` makes a file out of an extract of OpenStreetMap; `sources`
//! says what is served of which file. `database` opens one and `checks` makes it prove itself; `tileset` is a source
//! that has passed, `catalog` all of them together with the cache, `reload` how they are replaced. `router` is the table
//! of addresses, `canonical` how they are written and `endpoints` what they answer; `style`, `glyphs` and `sprites` are what a map needs besides tiles.
//! `export` and `archive` write and read PMTiles.

mod app;
mod archive;
mod base_map;
mod canonical;
mod catalog;
mod checks;
mod config;
mod corridor;
mod database;
mod endpoints;
mod export;
#[doc(hidden)]
pub mod fuzz;
mod glyphs;
mod layer_query;
mod private_copy;
mod reload;
mod router;
mod seal;
mod serve;
mod sources;
mod sprites;
mod style;
mod tile_id;
mod tileset;

pub use config::{Command, Config};
pub use sources::BadDefinitions;

/// The program.
pub async fn run(config: Config) -> anyhow::Result<()> {
    match config.command {
        Command::Serve(config) => serve::serve(config).await,
        Command::Build(config) => base_map::build(config).await,
        Command::Export(config) => export::export(config).await,
    }
}
