//! Makes the base map: an extract of OpenStreetMap, read by DuckDB itself, becomes one table a layer.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
    time::Instant,
};

use ::extract::{Extract, Progress};
use anyhow::{Context, anyhow, ensure};

use crate::{config::Build, database, seal};

/// How the extract becomes lines and areas, and how those become layers.
const STEPS: [(&str, &str); 2] =
    [("lines and areas", include_str!("elements.sql")), ("layers", include_str!("layers.sql"))];

/// Rows of a table that lie together. DuckDB's own measure is fifteen times that.
const ROWS_A_GROUP: u32 = 8192;

/// Builds a file. Until it is whole, nothing under its name changes.
pub(crate) async fn build(config: Build) -> anyhow::Result<()> {
    tokio::task::spawn_blocking(move || build_now(&config)).await?
}

#[expect(clippy::print_stdout, reason = "an operator waits for it")]
fn build_now(config: &Build) -> anyhow::Result<()> {
    let began = Instant::now();
    refuse_other_files(&config.extract)?;
    // DuckDB passes over some damage without a word; what is whole is read without surprises.
    Extract::open(&config.extract, Progress::Quiet)
        .with_context(|| format!("reading {}", config.extract.display()))?;
    let unfinished = config.out.with_added_extension(format!("part-{}", std::process::id()));
    let built = make(config, &unfinished).and_then(|()| {
        seal::put(&unfinished)?;
        fs::rename(&unfinished, &config.out).with_context(|| format!("replacing {}", config.out.display()))
    });
    if built.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    built?;
    let kib = fs::metadata(&config.out)?.len() >> 10;
    println!("{}: {kib} KiB in {:.1} s", config.out.display(), began.elapsed().as_secs_f64());
    Ok(())
}

/// DuckDB reads some broken extracts as empty ones; an extract begins with a block that calls itself a header.
fn refuse_other_files(extract: &Path) -> anyhow::Result<()> {
    let mut start = Vec::new();
    let file = File::open(extract).with_context(|| format!("opening {}", extract.display()))?;
    file.take(32).read_to_end(&mut start)?;
    let is_extract = start.windows(9).any(|part| part == b"OSMHeader");
    ensure!(is_extract, "{} is no extract of OpenStreetMap in its pbf form", extract.display());
    Ok(())
}

fn make(config: &Build, unfinished: &Path) -> anyhow::Result<()> {
    let connection = database::workshop(&config.spatial_extension, config.duckdb_memory_mib)?;
    let quoted =
        |path: &Path| path.to_str().map(|path| path.replace('\'', "''")).context("a path must be UTF-8");
    connection
        .execute_batch(&format!("CREATE TEMP TABLE osm AS FROM ST_ReadOSM('{}')", quoted(&config.extract)?))
        .map_err(|error| anyhow!("reading {}: {error}", config.extract.display()))?;
    // Small groups of rows: a tile has few rows of a large map, and each group whose boxes are elsewhere is passed over.
    let attach = format!("ATTACH '{}' AS map (ROW_GROUP_SIZE {ROWS_A_GROUP}); USE map", quoted(unfinished)?);
    connection.execute_batch(&attach)?;
    for (what, sql) in STEPS {
        connection.execute_batch(sql).map_err(|error| anyhow!("making {what}: {error}"))?;
    }
    let roads: i64 = connection.query_row("SELECT count(*) FROM roads", [], |row| row.get(0))?;
    ensure!(roads > 0, "there is no road in {}", config.extract.display());
    connection.execute_batch("USE memory; DETACH map")?;
    Ok(())
}
