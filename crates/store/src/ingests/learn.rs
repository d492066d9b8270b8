use std::collections::HashSet;

use chrono::{DateTime, Utc};
use domain::{Coordinate, Place, PopularityScale, SearchArea, Tags, ThemeId, is_same_place};
use serde_json::json;
use sqlx::PgConnection;
use thiserror::Error;

pub use doubt::Doubt;

use super::{
    Extract, count_pois, counts,
    datasets::{raise_version, write_provenance},
    places, wait_for_the_others,
};
use crate::{Database, StoreError};

mod doubt;

/// How long an answer is good enough, one without any places included.
const FRESH_DAYS: i32 = 30;

/// What an Overpass API told about a theme in an area.
#[derive(Debug)]
pub struct Enrichment<'a> {
    /// Where.
    pub area: SearchArea,
    /// Of what.
    pub theme_id: ThemeId,
    /// The attempt that asked; only the one that owns the row may write.
    pub attempt: i32,
    /// The answer as a file: its size, its hash, how new its data is.
    pub answer: &'a Extract,
    /// The places in it, each once.
    pub pois: &'a [Place],
    /// Elements that could not be read.
    pub skipped: usize,
    /// When asking began.
    pub started_at: DateTime<Utc>,
}

/// What an enrichment changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learnt {
    /// Places that the answer had.
    pub found: usize,
    /// Places that were not known.
    pub added: usize,
    /// Anything at all is different.
    pub changed: bool,
}

/// Why nothing was learnt.
#[derive(Debug, Error)]
pub enum LearnError {
    /// The answer is worse than what is known, which stays as it is.
    #[error(transparent)]
    Doubtful(#[from] Doubt),
    /// It could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for LearnError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Writes what was learnt and ends the enrichment, all of it or nothing. `None` where another attempt owns it.
///
/// The answer becomes a dataset of its own: places that an earlier answer to the same question had and this one has not
/// are let go, unless the answer is doubtful ([`Doubt`]). A place that an extract describes stays as that tells it, and so
/// does one that is known under the id of another element.
pub async fn learn(database: &Database, enrichment: &Enrichment<'_>) -> Result<Option<Learnt>, LearnError> {
    let Enrichment { area, theme_id, answer, .. } = *enrichment;
    let mut transaction = database.begin().await?;
    let connection = &mut *transaction;
    wait_for_the_others(connection).await?;
    let dataset = format!("overpass/{area}/{theme_id}");
    match doubt::doubt(connection, &dataset, enrichment).await? {
        Some(doubt @ Doubt::Smaller { .. }) => {
            if !doubt::note(connection, enrichment).await? {
                return Ok(None);
            }
            transaction.commit().await?;
            return Err(doubt.into());
        }
        Some(doubt) => return Err(doubt.into()),
        None => {}
    }
    write_dataset(connection, &dataset, enrichment).await?;
    let namesakes = namesakes(connection, &dataset, enrichment.pois).await?;
    let is_new = |place: &&Place| !namesakes.contains(&place.poi.id.0);
    let pois: Vec<Place> = enrichment.pois.iter().filter(is_new).cloned().collect();
    let content = places::Content {
        dataset: &dataset,
        is_extract: false,
        osm_timestamp: answer.osm_timestamp,
        pois: &pois,
    };
    let summary = places::write(connection, &content).await?;
    let changed = summary.added + summary.updated + summary.retired > 0;
    count_pois(connection).await?;
    raise_version(connection, &dataset, changed).await?;
    let told = json!({"pois": counts(&summary), "skipped": enrichment.skipped});
    write_provenance(connection, &dataset, answer, enrichment.started_at, changed, told).await?;
    let learnt = Learnt { found: enrichment.pois.len(), added: summary.added, changed };
    let ended = sqlx::query!(
        "UPDATE enrichments
         SET status = 'done', due_at = now() + make_interval(days => $4), lease_until = NULL, failures = 0,
             finished_at = now(), found = $5, added = $6, skipped = $7, error = NULL, doubted_at = NULL
         WHERE area = $1 AND theme_id = $2 AND attempt = $3 AND status = 'wanted'",
        area.to_string(),
        theme_id.0,
        enrichment.attempt,
        FRESH_DAYS,
        learnt.found as i32,
        learnt.added as i32,
        enrichment.skipped as i32
    )
    .execute(connection)
    .await?;
    if ended.rows_affected() == 0 {
        return Ok(None);
    }
    transaction.commit().await?;
    Ok(Some(learnt))
}

async fn write_dataset(
    connection: &mut PgConnection,
    name: &str,
    enrichment: &Enrichment<'_>,
) -> Result<(), StoreError> {
    let bounds = enrichment.area.bounds();
    // It covers nothing: there are no streets in it on which a walk could begin.
    sqlx::query!(
        "INSERT INTO datasets (name, theme_id, coverage, extent, osm_timestamp, data_version)
         VALUES ($1, $2, 'SRID=4326;MULTIPOLYGON EMPTY', ST_MakeEnvelope($3, $4, $5, $6, 4326), $7, 0)
         ON CONFLICT (name) DO UPDATE SET osm_timestamp = coalesce(excluded.osm_timestamp, datasets.osm_timestamp)",
        name,
        enrichment.theme_id.0,
        bounds.min_lon,
        bounds.min_lat,
        bounds.max_lon,
        bounds.max_lat,
        enrichment.answer.osm_timestamp
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Those of the places that are known under the id of another element, a building instead of the museum in it.
async fn namesakes(
    connection: &mut PgConnection,
    dataset: &str,
    pois: &[Place],
) -> Result<HashSet<i64>, StoreError> {
    let ids: Vec<i64> = pois.iter().map(|place| place.poi.id.0).collect();
    let lons: Vec<f64> = pois.iter().map(|place| place.poi.location.lon()).collect();
    let lats: Vec<f64> = pois.iter().map(|place| place.poi.location.lat()).collect();
    let pairs = sqlx::query!(
        r#"SELECT place.number AS "number!", known.lon, known.lat, known.osm_tags
           FROM unnest($1::bigint[], $2::float8[], $3::float8[]) WITH ORDINALITY AS place (id, lon, lat, number)
           JOIN pois AS known ON known.id <> place.id AND known.retired_at IS NULL
             AND ST_DWithin(known.location, ST_SetSRID(ST_MakePoint(place.lon, place.lat), 4326)::geography, 200)
           WHERE NOT EXISTS (SELECT FROM pois AS same WHERE same.id = place.id AND same.retired_at IS NULL)
             AND known.dataset <> $4"#,
        &ids,
        &lons,
        &lats,
        dataset
    )
    .fetch_all(connection)
    .await?;
    let mut namesakes = HashSet::new();
    for pair in pairs {
        let place = &pois[pair.number as usize - 1];
        let tags: Tags = serde_json::from_value(pair.osm_tags)
            .map_err(|error| StoreError::Unreadable { what: "osm_tags", why: error.to_string() })?;
        let known = Coordinate::new(pair.lon, pair.lat);
        if known.is_some_and(|at| is_same_place((at, &tags), (place.poi.location, &place.tags))) {
            namesakes.insert(place.poi.id.0);
        }
    }
    Ok(namesakes)
}

/// The scale of the nearest extract, by which places that are learnt of are measured as well.
pub async fn popularity_scale_near(
    database: &Database,
    at: Coordinate,
) -> Result<PopularityScale, StoreError> {
    let scale = sqlx::query_scalar!(
        r#"SELECT popularity_scale AS "scale!" FROM datasets WHERE popularity_scale IS NOT NULL
           ORDER BY ST_Distance(coverage, ST_SetSRID(ST_MakePoint($1, $2), 4326)), name LIMIT 1"#,
        at.lon(),
        at.lat()
    )
    .fetch_optional(&database.pool)
    .await?;
    let Some(scale) = scale else { return Ok(PopularityScale::default()) };
    serde_json::from_value(scale)
        .map_err(|error| StoreError::Unreadable { what: "popularity scale", why: error.to_string() })
}
