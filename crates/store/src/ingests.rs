//! Writes what an extract of OSM says, all of it or nothing.
//!
//! An ingest is one transaction, and one ingest writes at a time: so the data version that others see grows with
//! every change, and two ingests never wait for each other's rows. What is already as the extract says is not touched.

mod learn;
mod networks;
mod places;

use chrono::{DateTime, Utc};
use domain::{Coordinate, Place, PopularityScale, ThemeCatalogue, ThemeId};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    Database, StoreError, database::Transaction, interest_themes::sync_themes_on, route_requests::stored,
};

pub use learn::{Enrichment, Learnt, learn, popularity_scale_near};

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
    /// Its places, each once. A narrative that an editor has written is kept.
    pub pois: &'a [Place],
    /// By which their popularity was told.
    pub popularity: &'a PopularityScale,
    /// Themes whose places were left out on purpose.
    pub left_out: &'a [ThemeId],
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
    wait_for_the_others(connection).await?;
    sync_themes_on(connection, ingest.themes).await?;
    let area_changed = write_dataset(connection, ingest).await?;
    let content = places::Content {
        dataset: ingest.dataset,
        is_extract: true,
        osm_timestamp: ingest.extract.osm_timestamp,
        pois: ingest.pois,
    };
    let mut summary = places::write(connection, &content).await?;
    summary.retired += supersede(connection, ingest).await?;
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
        let Ingest { dataset, extract, started_at, .. } = *ingest;
        summary.data_version = raise_version(connection, dataset, summary.changed).await?;
        let segments: i64 = ingest.cells.iter().map(|cell| i64::from(cell.segments)).sum();
        let streets = json!({"segments": segments, "cells": ingest.cells.len(), "cells_changed": summary.cells_changed});
        let counts = json!({"pois": counts(&summary), "streets": streets});
        write_provenance(connection, dataset, extract, started_at, summary.changed, counts).await?;
        transaction.commit().await?;
        Ok(summary)
    }
}

/// One writes at a time, for as long as it takes: a continent takes longer than what is good for answering a walker.
async fn wait_for_the_others(connection: &mut PgConnection) -> Result<(), StoreError> {
    // Networks are prepared between its statements, and that takes its time too.
    sqlx::query("SET LOCAL idle_in_transaction_session_timeout = 0").execute(&mut *connection).await?;
    sqlx::query!("SELECT set_config('statement_timeout', '0', true) AS set")
        .fetch_one(&mut *connection)
        .await?;
    sqlx::query!("SELECT pg_advisory_xact_lock($1) AS locked", INGEST_LOCK).fetch_one(connection).await?;
    Ok(())
}

/// Lets go what enrichments brought and the extract tells better: all of an enrichment that is older and lies within its
/// coverage, and elements that it found to stand for another place. Returns how many places were retired by that.
async fn supersede(connection: &mut PgConnection, ingest: &Ingest<'_>) -> Result<usize, StoreError> {
    let merged: Vec<i64> = ingest.pois.iter().flat_map(|place| &place.also).map(|id| id.0).collect();
    let left_out: Vec<Uuid> = ingest.left_out.iter().map(|theme| theme.0).collect();
    let gone = sqlx::query_scalar!(
        "DELETE FROM poi_datasets AS had USING datasets AS d, datasets AS ours
         WHERE ours.name = $1 AND d.name = had.dataset AND d.theme_id IS NOT NULL
           AND (had.poi_id = ANY($2)
                OR (d.theme_id <> ALL($3) AND d.osm_timestamp < ours.osm_timestamp
                    AND ST_Covers(ours.coverage, d.extent)))
         RETURNING had.poi_id",
        ingest.dataset,
        &merged,
        &left_out
    )
    .fetch_all(&mut *connection)
    .await?;
    places::pass_on(connection, &gone).await
}

/// Gives a dataset that has changed a version of its own; returns the version that it has.
async fn raise_version(
    connection: &mut PgConnection,
    dataset: &str,
    changed: bool,
) -> Result<i64, StoreError> {
    let version = sqlx::query_scalar!(
        "UPDATE datasets
         SET data_version = CASE WHEN $2 THEN nextval('data_version') ELSE data_version END,
             updated_at = CASE WHEN $2 THEN now() ELSE updated_at END
         WHERE name = $1 RETURNING data_version",
        dataset,
        changed
    );
    Ok(version.fetch_one(connection).await?)
}

/// True where the dataset is new or covers another area.
async fn write_dataset(connection: &mut PgConnection, ingest: &Ingest<'_>) -> Result<bool, StoreError> {
    let geojson = json!({"type": "MultiPolygon", "coordinates": ingest.coverage}).to_string();
    let scale = stored(ingest.popularity)?;
    sqlx::query!(
        "UPDATE datasets SET osm_timestamp = $2, popularity_scale = $3
         WHERE name = $1 AND (osm_timestamp, popularity_scale) IS DISTINCT FROM ($2, $3)",
        ingest.dataset,
        ingest.extract.osm_timestamp,
        scale
    )
    .execute(&mut *connection)
    .await?;
    // A polygon drawn by hand may cross itself, on which ST_Covers would stumble later. The version is given out at the
    // end, to those that changed.
    let written = sqlx::query!(
        "WITH area AS (
             SELECT ST_Multi(ST_CollectionExtract(ST_MakeValid(ST_SetSRID(ST_GeomFromGeoJSON($2), 4326)), 3)) AS shape
         )
         INSERT INTO datasets AS d (name, coverage, osm_timestamp, popularity_scale, data_version)
         SELECT $1, shape, $3, $4, 0 FROM area
         ON CONFLICT (name) DO UPDATE SET coverage = excluded.coverage
         WHERE ST_AsBinary(d.coverage) <> ST_AsBinary(excluded.coverage)",
        ingest.dataset,
        geojson,
        ingest.extract.osm_timestamp,
        scale
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

fn counts(summary: &IngestSummary) -> serde_json::Value {
    let IngestSummary { added, updated, unchanged, retired, .. } = *summary;
    json!({"added": added, "updated": updated, "unchanged": unchanged, "retired": retired})
}

async fn write_provenance(
    connection: &mut PgConnection,
    dataset: &str,
    extract: &Extract,
    started_at: DateTime<Utc>,
    changed: bool,
    counts: serde_json::Value,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO ingests (dataset, extract_name, extract_bytes, extract_sha256, osm_timestamp, attribution,
                              started_at, finished_at, changed, counts)
         VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp(), $8, $9)",
        dataset,
        extract.name,
        extract.bytes,
        extract.sha256,
        extract.osm_timestamp,
        extract.attribution,
        started_at,
        changed,
        counts
    )
    .execute(connection)
    .await?;
    Ok(())
}
