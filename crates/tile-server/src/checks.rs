//! What DuckDB has to prove before a tile is served: a missing capability or a damaged file would otherwise be found by a
//! walker. Levels 1 to 5 are about the program, 6 about the file.

use anyhow::{Context, bail, ensure};
use duckdb::Connection;

use crate::{layer_query, sources::Source, tile_id::WORLD};

/// A level, what it is about, and how it went.
pub(crate) type Check = (u8, &'static str, anyhow::Result<()>);

/// Levels 1 to 5 on one connection.
pub(crate) fn capabilities(connection: &Connection) -> [Check; 5] {
    [
        (1, "the connection is alive", alive(connection)),
        (2, "the spatial extension is there", present(connection)),
        (3, "spatial is loaded on this connection", loaded(connection)),
        (4, "tiles have envelopes", envelopes(connection)),
        (5, "vector tiles are encoded", encodes(connection)),
    ]
}

fn alive(connection: &Connection) -> anyhow::Result<()> {
    let answer: i32 = connection.query_row("SELECT 6 * 7", [], |row| row.get(0))?;
    ensure!(answer == 42, "6 * 7 is {answer}");
    Ok(())
}

/// `duckdb_extensions()` would tell, but looks into folders, which is forbidden by now; its functions tell as well.
fn present(connection: &Connection) -> anyhow::Result<()> {
    let sql = "SELECT count(DISTINCT function_name) FROM duckdb_functions()
               WHERE function_name IN ('ST_TileEnvelope', 'ST_AsMVTGeom', 'ST_AsMVT')";
    let found: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    ensure!(found == 3, "DuckDB {} has {found} of the 3 functions that make tiles", connection.version()?);
    Ok(())
}

fn loaded(connection: &Connection) -> anyhow::Result<()> {
    let text: String = connection.query_row("SELECT ST_AsText(ST_Point(1, 2))", [], |row| row.get(0))?;
    ensure!(text == "POINT (1 2)", "a point is written as {text}");
    Ok(())
}

fn envelopes(connection: &Connection) -> anyhow::Result<()> {
    let sql = "SELECT ST_XMin(e), ST_YMax(e) FROM (SELECT ST_TileEnvelope(1, 1, 0) AS e)";
    let (west, north): (f64, f64) = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    ensure!(west.abs() < 1e-6 && (north - WORLD).abs() < 1e-3, "tile 1/1/0 is at {west}, {north}");
    Ok(())
}

/// One point in the middle of a tile, as the specification of vector tiles writes it down.
fn encodes(connection: &Connection) -> anyhow::Result<()> {
    let sql = "SELECT ST_AsMVT(t, 'a', 4096, 'geom') FROM (
        SELECT ST_AsMVTGeom(ST_Point(5, 5), {'min_x': 0, 'min_y': 0, 'max_x': 10, 'max_y': 10}::BOX_2D) AS geom
    ) t";
    let tile: Option<Vec<u8>> = connection.query_row(sql, [], |row| row.get(0))?;
    let tile = tile.context("the tile is NULL")?;
    // A feature of type point whose geometry is: move to (2048, 2048).
    let feature = [0x18, 0x01, 0x22, 0x05, 0x09, 0x80, 0x20, 0x80, 0x20];
    ensure!(tile.windows(feature.len()).any(|part| part == feature), "a point is encoded as {tile:02x?}");
    Ok(())
}

/// What every table has besides its properties.
const OWN: [(&str, &str); 7] = [
    ("geom", "GEOMETRY"),
    ("minz", "INTEGER"),
    ("maxz", "INTEGER"),
    ("xmin", "DOUBLE"),
    ("ymin", "DOUBLE"),
    ("xmax", "DOUBLE"),
    ("ymax", "DOUBLE"),
];

/// Level 6: each table is there, has the columns that are asked of it, and every block of it can be read.
pub(crate) fn tables(connection: &Connection, source: &Source) -> anyhow::Result<()> {
    let layers = source.layers.iter().map(|layer| (layer.value.table(), &layer.value));
    for (table, layer) in layers {
        let mut found = connection.prepare(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ? AND NOT internal",
        )?;
        let found: Vec<(String, String)> =
            found.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        ensure!(!found.is_empty(), "there is no table {table}");
        let properties = layer.columns.iter().map(|(name, kind)| (name.as_str(), kind.name()));
        for (name, kind) in OWN.into_iter().chain(properties) {
            match found.iter().find(|(found, _)| found == name) {
                None => bail!("table {table} has no column {name}"),
                Some((_, is)) if is != kind => bail!("column {name} of table {table} is {is} and not {kind}"),
                Some(_) => {}
            }
        }
        // A damaged block passes the opening of the file; it is found when it is read for the first time.
        let sql = format!("SELECT bit_xor(hash(\"a row\"))::VARCHAR FROM \"{table}\" \"a row\"");
        let read: Result<Option<String>, _> = connection.query_row(&sql, [], |row| row.get(0));
        read.with_context(|| format!("reading table {table}"))?;
        if let Some(zoom) = layer.grid_zoom {
            on_grid(connection, table, zoom)?;
        }
    }
    Ok(())
}

/// The corners of what is shown at a zoom lie on its grid; whether those of the boxes do tells it.
fn on_grid(connection: &Connection, table: &str, zoom: u8) -> anyhow::Result<()> {
    let step = 2.0 * WORLD / f64::from(layer_query::EXTENT) / f64::from(1_u32 << zoom);
    let beside = ["xmin", "ymin", "xmax", "ymax"]
        .map(|side| format!("abs({side} / {step} - round({side} / {step})) > 0.001"))
        .join(" OR ");
    let sql = format!("SELECT count(*) FROM \"{table}\" WHERE {zoom} BETWEEN minz AND maxz AND ({beside})");
    let beside: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
    ensure!(beside == 0, "{beside} shapes of table {table} do not lie on the grid of zoom {zoom}");
    Ok(())
}
