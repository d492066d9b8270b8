//! Writes each table of a base map as CSV, and `tables.sql`, with which psql loads them into PostGIS: for the bench that
//! runs tile-server beside Martin. `base_map_as_csv BASE.duckdb SPATIAL.duckdb_extension FOLDER`

use anyhow::{Context, bail};
use duckdb::{AccessMode, Config, Connection};
use std::{env, fs, path::Path};

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [base, spatial, folder] = &args[..] else {
        bail!("a base map, an extension and a folder are wanted")
    };
    let config = Config::default().access_mode(AccessMode::ReadOnly)?;
    let connection = Connection::open_with_flags(base, config).with_context(|| format!("opening {base}"))?;
    connection.execute_batch(&format!("LOAD {}", quoted(spatial)))?;
    let mut script = String::new();
    for table in strings(&connection, "SELECT table_name FROM duckdb_tables() ORDER BY table_name")? {
        // Boxes and Hilbert order are DuckDB's index; PostGIS has its own.
        let of_table = format!(
            "FROM duckdb_columns() WHERE table_name = '{table}'
               AND column_name NOT IN ('geom', 'xmin', 'ymin', 'xmax', 'ymax') ORDER BY column_index"
        );
        let names = strings(&connection, &format!("SELECT column_name {of_table}"))?.join(", ");
        let types = strings(
            &connection,
            &format!(
                "SELECT concat(column_name, ' ', replace(replace(data_type, 'DOUBLE', 'float8'), 'FLOAT', 'float4')) {of_table}"
            ),
        )?;
        let file = Path::new(folder).join(format!("{table}.csv"));
        let file = quoted(file.to_str().context("a path must be UTF-8")?);
        connection.execute_batch(&format!(
            "COPY (SELECT {names}, ST_AsHEXWKB(geom) FROM {table}) TO {file} (FORMAT csv, HEADER false)"
        ))?;
        script += &format!(
            "CREATE TABLE {table} ({}, geom geometry(Geometry, 3857));\n\\copy {table} FROM {file} CSV\n",
            types.join(", ")
        );
    }
    fs::write(Path::new(folder).join("tables.sql"), script).context("writing tables.sql")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn strings(connection: &Connection, sql: &str) -> anyhow::Result<Vec<String>> {
    let mut found = connection.prepare(sql)?;
    let found = found.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(found)
}
