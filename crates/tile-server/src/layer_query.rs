use duckdb::{Connection, params};

use crate::{
    sources::{Layer, Source},
    tile_id::{Envelope, TileId},
};

/// Side of a tile in its own units.
const EXTENT: u16 = 4096;

/// The query that makes one layer of a tile.
#[derive(Clone, Debug)]
pub(crate) struct LayerQuery {
    zooms: std::ops::RangeInclusive<u8>,
    buffer: u16,
    sql: String,
}

impl LayerQuery {
    /// Features get no id: the encoder takes only those of 32 bits, which OpenStreetMap's have outgrown.
    pub fn new(layer: &Layer, source: &Source) -> Self {
        let (name, table, buffer) = (&layer.name, layer.table(), layer.buffer);
        let columns: String = layer.columns.keys().map(|column| format!("{column}, ")).collect();
        // The boxes of the rows decide first; the exact shape is cut by ST_AsMVTGeom, which gives NULL for what is not in
        // the tile. Those rows are counted here and not left out by a WHERE, which DuckDB would move to before the boxes.
        let sql = format!(
            "SELECT ST_AsMVT(t, '{name}', {EXTENT}, 'geom'), count(geom)
             FROM (
                 SELECT {columns}TRY(ST_AsMVTGeom(
                     geom, {{'min_x': $1::DOUBLE, 'min_y': $2::DOUBLE, 'max_x': $3::DOUBLE, 'max_y': $4::DOUBLE}}::BOX_2D,
                     {EXTENT}, {buffer}, true)) AS geom
                 FROM {table}
                 WHERE xmin <= $7 AND ymin <= $8 AND xmax >= $5 AND ymax >= $6 AND $9 BETWEEN minz AND maxz
             ) t"
        );
        Self { zooms: layer.zooms(source), buffer, sql }
    }

    /// Adds the layer to a tile, if it has anything there.
    pub fn append(&self, connection: &Connection, id: TileId, tile: &mut Vec<u8>) -> anyhow::Result<()> {
        if !self.zooms.contains(&id.z) {
            return Ok(());
        }
        let inner = id.envelope();
        let margin = (inner.xmax - inner.xmin) * f64::from(self.buffer) / f64::from(EXTENT);
        let outer: Envelope = inner.widened(margin);
        let mut query = connection.prepare_cached(&self.sql)?;
        let parameters = params![
            inner.xmin, inner.ymin, inner.xmax, inner.ymax, outer.xmin, outer.ymin, outer.xmax, outer.ymax,
            id.z,
        ];
        let (layer, features): (Option<Vec<u8>>, i64) =
            query.query_row(parameters, |row| Ok((row.get(0)?, row.get(1)?)))?;
        // A layer without features is not empty: it has a name and an extent.
        if let Some(layer) = layer.filter(|_| features > 0) {
            // Layers of a tile are a repeated field of a message, and such fields are simply put one after the other.
            tile.extend(layer);
        }
        Ok(())
    }
}
