//! Writes what an extract of OSM says, all of it or nothing.
//!
//! An ingest is one transaction, and one ingest writes at a time: so the data version that others see grows with
//! every change, and two ingests never wait for each other's rows. What is already as the extract says is not touched.

mod cells;
mod datasets;
mod learn;
mod networks;
mod places;

use chrono::{DateTime, Utc};
use domain::{Coordinate, Place, PopularityScale, ThemeCatalogue, ThemeId};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Database, StoreError, database::Transaction, interest_themes::sync_themes_on};

use cells::write_cells;
use datasets::{raise_version, write_dataset, write_provenance};

pub use learn::{Doubt, Enrichment, LearnError, Learnt, learn, popularity_scale_near};

/// Held by the ingest that is writing.
const INGEST_LOCK: i64 = 0x0077_696c_6473_6964;

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
