//! Writes what an extract of OSM says, all of it or nothing.
//!
//! An ingest is one transaction, and one ingest writes at a time: so the data version that others see grows with
//! every change, and two ingests never wait for each other's rows. What is already as the extract says is not touched.

mod networks;
mod places;

use chrono::{DateTime, Utc};
use domain::{Coordinate, Poi, Tags, ThemeCatalogue};
use serde_json::json;
use sqlx::PgConnection;

use crate::{Database, StoreError, database::Transaction, interest_themes::sync_themes_on};

/// Held by the ingest that is writing.
const INGEST_LOCK: i64 = 0x0077_696c_6473_6964;

/// Squares of the street network in one statement; each is some tens of kilobytes.
const CELLS_AT_ONCE: usize = 64;

/// Polygons, each of an outer ring and holes, each ring closed.
pub type MultiPolygon = Vec<Vec<Vec<Coordinate>>>;

/// The file that an ingest was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extract {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: i64,
    /// What it contains, in hex.
    pub sha256: String,
    /// How new the data in it is, where it says so.
    pub osm_timestamp: Option<DateTime<Utc>>,
    /// Whom to thank.
    pub attribution: String,
}

/// A place as an extract describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct IngestedPoi {
    /// The place. A narrative that is in the database already is kept.
    pub poi: Poi,
    /// All its tags.
    pub tags: Tags,
}

/// A square of the street network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngestedCell {
    /// Column at zoom 14.
    pub x: i32,
    /// Row at zoom 14.
    pub y: i32,
    /// The engine's own form.
    pub network: Vec<u8>,
    /// How many street segments are in it.
    pub segments: i32,
}

/// Everything that one extract says.
#[derive(Debug)]
pub struct Ingest<'a> {
    /// The area that extracts of this name keep up to date.
    pub dataset: &'a str,
    /// Where the data is complete.
    pub coverage: &'a MultiPolygon,
    /// Where it came from.
    pub extract: &'a Extract,
    /// By which its themes were told.
    pub themes: &'a ThemeCatalogue,
    /// Its places, each once.
    pub pois: &'a [IngestedPoi],
    /// Its streets.
    pub cells: &'a [IngestedCell],
    /// When reading it began.
    pub started_at: DateTime<Utc>,
}

/// What an ingest did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IngestSummary {
    /// Places that were not known.
    pub added: usize,
    /// Places that are different now, those that came back among them.
    pub updated: usize,
    /// Places that were as they are.
    pub unchanged: usize,
    /// Places that no dataset has any more.
    pub retired: usize,
    /// Squares of the street network that are new, different or gone.
    pub cells_changed: usize,
    /// Anything at all is different.
    pub changed: bool,
    /// The data version of the dataset after it.
    pub data_version: i64,
}

/// An ingest that has written places and streets, for itself alone as yet. Without [`finish`](Self::finish) nothing was.
pub struct Ingesting<'a> {
    ingest: &'a Ingest<'a>,
    transaction: Transaction,
    summary: IngestSummary,
    changed_cells: Vec<(i32, i32)>,
}

/// Makes the database say what the extract says. Waits while another ingest is writing.
///
/// Where datasets overlap, a place is described by the one whose extract has the newer OSM timestamp (the one that had
/// it first where that does not decide), and it is retired when none of them has it any more.
pub async fn ingest<'a>(database: &Database, ingest: &'a Ingest<'a>) -> Result<Ingesting<'a>, StoreError> {
    let mut transaction = database.begin().await?;
    let connection = &mut *transaction;
    // A continent may take longer than what is good for answering a walker.
    sqlx::query!("SELECT set_config('statement_timeout', '0', true) AS set")
        .fetch_one(&mut *connection)
        .await?;
    sqlx::query!("SELECT pg_advisory_xact_lock($1) AS locked", INGEST_LOCK)
        .fetch_one(&mut *connection)
        .await?;
    sync_themes_on(connection, ingest.themes).await?;
    let area_changed = write_dataset(connection, ingest).await?;
    let mut summary = places::write(connection, ingest).await?;
    let changed_cells = write_cells(connection, ingest).await?;
    summary.cells_changed = changed_cells.len();
    summary.changed =
        area_changed || summary.added + summary.updated + summary.retired + summary.cells_changed > 0;
    count_pois(connection).await?;
    Ok(Ingesting { ingest, transaction, summary, changed_cells })
}

impl Ingesting<'_> {
    /// Makes it so for everybody.
    pub async fn finish(self) -> Result<IngestSummary, StoreError> {
        let Self { ingest, mut transaction, mut summary, .. } = self;
        let connection = &mut *transaction;
        summary.data_version = sqlx::query_scalar!(
            "UPDATE datasets
         SET data_version = CASE WHEN $2 THEN nextval('data_version') ELSE data_version END,
             updated_at = CASE WHEN $2 THEN now() ELSE updated_at END
         WHERE name = $1 RETURNING data_version",
            ingest.dataset,
            summary.changed
        )
        .fetch_one(&mut *connection)
        .await?;
        write_provenance(connection, ingest, &summary).await?;
        transaction.commit().await?;
        Ok(summary)
    }
}

/// True where the dataset is new or covers another area.
async fn write_dataset(connection: &mut PgConnection, ingest: &Ingest<'_>) -> Result<bool, StoreError> {
    let geojson = json!({"type": "MultiPolygon", "coordinates": ingest.coverage}).to_string();
    sqlx::query!(
        "UPDATE datasets SET osm_timestamp = $2 WHERE name = $1 AND osm_timestamp IS DISTINCT FROM $2",
        ingest.dataset,
        ingest.extract.osm_timestamp
    )
    .execute(&mut *connection)
    .await?;
    // A polygon drawn by hand may cross itself, on which ST_Covers would stumble later. The version is given out at the
    // end, to those that changed.
    let written = sqlx::query!(
        "WITH area AS (
             SELECT ST_Multi(ST_CollectionExtract(ST_MakeValid(ST_SetSRID(ST_GeomFromGeoJSON($2), 4326)), 3)) AS shape
         )
         INSERT INTO datasets AS d (name, coverage, osm_timestamp, data_version) SELECT $1, shape, $3, 0 FROM area
         ON CONFLICT (name) DO UPDATE SET coverage = excluded.coverage
         WHERE ST_AsBinary(d.coverage) <> ST_AsBinary(excluded.coverage)",
        ingest.dataset,
        geojson,
        ingest.extract.osm_timestamp
    )
    .execute(&mut *connection)
    .await?;
    Ok(written.rows_affected() > 0)
}

/// The cells that are new, different or gone.
async fn write_cells(
    connection: &mut PgConnection,
    ingest: &Ingest<'_>,
) -> Result<Vec<(i32, i32)>, StoreError> {
    let xs: Vec<i32> = ingest.cells.iter().map(|cell| cell.x).collect();
    let ys: Vec<i32> = ingest.cells.iter().map(|cell| cell.y).collect();
    let gone = sqlx::query!(
        "DELETE FROM street_cells AS c
         WHERE dataset = $1
           AND NOT EXISTS (SELECT FROM unnest($2::int[], $3::int[]) AS kept (x, y) WHERE (kept.x, kept.y) = (c.x, c.y))
         RETURNING x, y",
        ingest.dataset,
        &xs,
        &ys
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut changed: Vec<(i32, i32)> = gone.into_iter().map(|cell| (cell.x, cell.y)).collect();
    for (batch, (xs, ys)) in
        ingest.cells.chunks(CELLS_AT_ONCE).zip(xs.chunks(CELLS_AT_ONCE).zip(ys.chunks(CELLS_AT_ONCE)))
    {
        let networks: Vec<&[u8]> = batch.iter().map(|cell| cell.network.as_slice()).collect();
        let segments: Vec<i32> = batch.iter().map(|cell| cell.segments).collect();
        let written = sqlx::query!(
            "INSERT INTO street_cells AS c (dataset, x, y, network, segments)
             SELECT $1, * FROM unnest($2::int[], $3::int[], $4::bytea[], $5::int[])
             ON CONFLICT (x, y, dataset) DO UPDATE SET network = excluded.network, segments = excluded.segments
             WHERE (c.network, c.segments) IS DISTINCT FROM (excluded.network, excluded.segments)
             RETURNING x, y",
            ingest.dataset,
            xs,
            ys,
            &networks as &[&[u8]],
            &segments
        )
        .fetch_all(&mut *connection)
        .await?;
        changed.extend(written.into_iter().map(|cell| (cell.x, cell.y)));
    }
    Ok(changed)
}

async fn count_pois(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE interest_themes AS t SET poi_count = counted.pois
         FROM (
             SELECT theme.id, count(p.id) AS pois
             FROM interest_themes AS theme
             LEFT JOIN poi_interest_themes AS link ON link.theme_id = theme.id
             LEFT JOIN pois AS p ON p.id = link.poi_id AND p.retired_at IS NULL
             GROUP BY theme.id
         ) AS counted
         WHERE t.id = counted.id AND t.poi_count <> counted.pois"
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_provenance(
    connection: &mut PgConnection,
    ingest: &Ingest<'_>,
    summary: &IngestSummary,
) -> Result<(), StoreError> {
    let segments: i64 = ingest.cells.iter().map(|cell| i64::from(cell.segments)).sum();
    let counts = json!({
        "pois": {
            "added": summary.added,
            "updated": summary.updated,
            "unchanged": summary.unchanged,
            "retired": summary.retired
        },
        "streets": {
            "segments": segments,
            "cells": ingest.cells.len(),
            "cells_changed": summary.cells_changed
        }
    });
    sqlx::query!(
        "INSERT INTO ingests (dataset, extract_name, extract_bytes, extract_sha256, osm_timestamp, attribution,
                              started_at, finished_at, changed, counts)
         VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp(), $8, $9)",
        ingest.dataset,
        ingest.extract.name,
        ingest.extract.bytes,
        ingest.extract.sha256,
        ingest.extract.osm_timestamp,
        ingest.extract.attribution,
        ingest.started_at,
        summary.changed,
        counts
    )
    .execute(connection)
    .await?;
    Ok(())
}
