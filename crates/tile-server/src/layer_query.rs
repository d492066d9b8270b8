use std::collections::BTreeMap;

use duckdb::{Connection, ToSql, params_from_iter};

use crate::{
    sources::{Layer, Source},
    tile_id::{Envelope, TileId},
};

/// Side of a tile in its own units.
pub(crate) const EXTENT: u16 = 4096;

/// The encoder cuts off what is behind the point, and a whole number that was computed can be a billionth below itself.
const NUDGE: f64 = 1e-6;

/// What makes one layer of a tile.
#[derive(Clone, Debug)]
pub(crate) struct LayerQuery {
    zooms: std::ops::RangeInclusive<u8>,
    buffer: u16,
    name: String,
    table: String,
    columns: String,
    grid_zoom: Option<u8>,
}

impl LayerQuery {
    /// Features get no id: the encoder takes only those of 32 bits, which OpenStreetMap's have outgrown.
    pub fn new(layer: &Layer, source: &Source) -> Self {
        Self {
            zooms: layer.zooms(source),
            buffer: layer.buffer,
            name: layer.name.clone(),
            table: layer.table().to_owned(),
            columns: layer.columns.keys().map(|column| format!("\"{column}\", ")).collect(),
            grid_zoom: layer.grid_zoom,
        }
    }

    /// The boxes of the rows decide first; the exact shape is cut by ST_AsMVTGeom, which gives NULL for what is not in the
    /// tile. Those rows are counted here and not left out by a WHERE, which DuckDB would move to before the boxes. No column
    /// can be called `a row`, so it is always the whole one.
    fn sql(&self, number: usize, zoom: u8) -> String {
        let Self { name, table, columns, .. } = self;
        let shape = self.shape(zoom);
        // After the zoom and the tile itself, each layer has a box of four.
        let [west, south, east, north] = [1, 2, 3, 4].map(|side| 5 + 4 * number + side);
        format!(
            "SELECT {number} AS number, ST_AsMVT(\"a row\", '{name}', {EXTENT}, 'geom') AS layer, count(geom) AS features
             FROM (
                 SELECT {columns}{shape} AS geom
                 FROM \"{table}\"
                 WHERE xmin <= ${east} AND ymin <= ${north} AND xmax >= ${west} AND ymax >= ${south}
                   AND $1 BETWEEN minz AND maxz
             ) \"a row\""
        )
    }

    /// A shape in the units of the tile. ST_AsMVTGeom brings corners to the tile's grid with care for areas that would
    /// cross themselves then, which takes longer than all else where there are many small ones. On the grid already, and
    /// wholly in the tile, they are only moved to where its corner is the origin.
    fn shape(&self, zoom: u8) -> String {
        let cut = format!(
            "TRY(ST_AsMVTGeom(
                 geom, {{'min_x': $2::DOUBLE, 'min_y': $3::DOUBLE, 'max_x': $4::DOUBLE, 'max_y': $5::DOUBLE}}::BOX_2D,
                 {EXTENT}, {}, true))",
            self.buffer
        );
        if self.grid_zoom != Some(zoom) {
            return cut;
        }
        format!(
            "CASE WHEN xmin >= $2 AND ymin >= $3 AND xmax <= $4 AND ymax <= $5
             THEN ST_Affine(
                 geom, {EXTENT} / ($4 - $2), 0, 0, {EXTENT} / ($3 - $5),
                 {EXTENT} * $2 / ($2 - $4) + {NUDGE}, {EXTENT} * $5 / ($5 - $3) + {NUDGE})
             ELSE {cut} END"
        )
    }
}

/// Makes the layers of a tile that are shown at its zoom, one after the other; nothing where all of them are empty. All in
/// one query: to plan one costs DuckDB more than to run it where a tile is small.
pub(crate) fn make<'a>(
    connection: &Connection,
    layers: impl Iterator<Item = &'a LayerQuery>,
    id: TileId,
) -> anyhow::Result<Vec<u8>> {
    let layers: Vec<&LayerQuery> = layers.filter(|layer| layer.zooms.contains(&id.z)).collect();
    if layers.is_empty() {
        return Ok(Vec::new());
    }
    let parts: Vec<String> =
        layers.iter().enumerate().map(|(number, layer)| layer.sql(number, id.z)).collect();
    let sql = parts.join(" UNION ALL ");
    let inner = id.envelope();
    let outer = layers.iter().map(|layer| {
        let margin = (inner.xmax - inner.xmin) * f64::from(layer.buffer) / f64::from(EXTENT);
        inner.widened(margin)
    });
    let sides = [inner]
        .into_iter()
        .chain(outer)
        .flat_map(|Envelope { xmin, ymin, xmax, ymax }| [xmin, ymin, xmax, ymax]);
    let (zoom, sides) = (i32::from(id.z), sides.collect::<Vec<f64>>());
    let parameters = std::iter::once(&zoom as &dyn ToSql).chain(sides.iter().map(|side| side as &dyn ToSql));
    let mut query = connection.prepare_cached(&sql)?;
    let mut rows = query.query(params_from_iter(parameters))?;
    // Sorted here, which saves a twentieth of the time that DuckDB takes for a small tile.
    let mut parts = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (number, layer, features): (i32, Option<Vec<u8>>, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        // A layer without features is not empty: it has a name and an extent.
        if let Some(layer) = layer.filter(|_| features > 0) {
            parts.insert(number, layer);
        }
    }
    // Layers of a tile are a repeated field of a message, and such fields are simply put one after the other.
    Ok(parts.into_values().collect::<Vec<_>>().concat())
}
