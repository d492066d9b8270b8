use std::collections::HashSet;

use chrono::{DateTime, Utc};
use domain::Place;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::IngestSummary;
use crate::StoreError;

/// Places in one statement.
const PLACES_AT_ONCE: usize = 2000;

/// All places that a dataset has.
pub(super) struct Content<'a> {
    pub dataset: &'a str,
    /// From an extract, which knows outlines and entrances; not from an Overpass API, which tells only middles.
    pub is_extract: bool,
    pub osm_timestamp: Option<DateTime<Utc>>,
    pub pois: &'a [Place],
}

/// Writes the places of a dataset and their themes, and retires those that are gone.
pub(super) async fn write(
    connection: &mut PgConnection,
    content: &Content<'_>,
) -> Result<IngestSummary, StoreError> {
    let mut summary = IngestSummary::default();
    for batch in content.pois.chunks(PLACES_AT_ONCE) {
        let described_elsewhere = described_elsewhere(connection, content, batch).await?;
        let ours: Vec<&Place> =
            batch.iter().filter(|place| !described_elsewhere.contains(&place.poi.id.0)).collect();
        let Written { added, mut updated } = describe(connection, content.dataset, &ours).await?;
        let rethemed = link_themes(connection, &ours).await?;
        let rethemed: Vec<i64> =
            rethemed.into_iter().filter(|id| !added.contains(id) && updated.insert(*id)).collect();
        sqlx::query!("UPDATE pois SET updated_at = now() WHERE id = ANY($1)", &rethemed)
            .execute(&mut *connection)
            .await?;
        remember(connection, content.dataset, batch).await?;
        summary.added += added.len();
        summary.updated += updated.len();
        summary.unchanged += batch.len() - added.len() - updated.len();
    }
    summary.retired = forget_missing(connection, content).await?;
    Ok(summary)
}

/// Those of the places that another dataset describes better: an extract better than an Overpass API, else the one with
/// newer data, else the one that had it first.
async fn described_elsewhere(
    connection: &mut PgConnection,
    content: &Content<'_>,
    batch: &[Place],
) -> Result<HashSet<i64>, StoreError> {
    let ids: Vec<i64> = batch.iter().map(|place| place.poi.id.0).collect();
    let theirs = sqlx::query_scalar!(
        "SELECT p.id FROM pois AS p JOIN datasets AS d ON d.name = p.dataset
         WHERE p.id = ANY($1) AND p.dataset <> $2 AND p.retired_at IS NULL
           AND CASE WHEN (d.theme_id IS NULL) = $4
                    THEN coalesce(d.osm_timestamp, '-infinity') >= coalesce($3, '-infinity'::timestamptz)
                    ELSE d.theme_id IS NULL END",
        &ids,
        content.dataset,
        content.osm_timestamp,
        content.is_extract
    );
    Ok(theirs.fetch_all(connection).await?.into_iter().collect())
}

struct Written {
    added: HashSet<i64>,
    updated: HashSet<i64>,
}

async fn describe(
    connection: &mut PgConnection,
    dataset: &str,
    places: &[&Place],
) -> Result<Written, StoreError> {
    let ids: Vec<i64> = places.iter().map(|place| place.poi.id.0).collect();
    let lons: Vec<f64> = places.iter().map(|place| place.poi.location.lon()).collect();
    let lats: Vec<f64> = places.iter().map(|place| place.poi.location.lat()).collect();
    let tags: Result<Vec<Value>, _> = places.iter().map(|place| serde_json::to_value(&place.tags)).collect();
    let tags = tags.map_err(|error| StoreError::Unreadable { what: "tags", why: error.to_string() })?;
    let narratives: Vec<Option<&str>> = places.iter().map(|place| place.poi.narrative.as_deref()).collect();
    let scores: Vec<f32> = places.iter().map(|place| place.poi.popularity_score).collect();
    let names: Vec<Option<&str>> = places.iter().map(|place| place.poi.name.as_deref()).collect();
    let kinds: Vec<&str> = places.iter().map(|place| place.poi.kind.as_str()).collect();
    let dwells: Vec<i32> =
        places.iter().map(|place| i32::try_from(place.poi.dwell_s).unwrap_or(i32::MAX)).collect();
    // xmax is 0 in a row that this statement inserted, and our own transaction in one that it updated.
    let rows = sqlx::query!(
        r#"INSERT INTO pois AS p (id, lon, lat, osm_tags, generated_narrative, popularity_score, name, kind, dwell_s,
                                  dataset, narrative)
           SELECT *, $10, generated_narrative
           FROM unnest($1::bigint[], $2::float8[], $3::float8[], $4::jsonb[], $5::text[], $6::real[], $7::text[],
                       $8::text[], $9::int[])
                AS place (id, lon, lat, osm_tags, generated_narrative, popularity_score, name, kind, dwell_s)
           ON CONFLICT (id) DO UPDATE
           SET lon = excluded.lon, lat = excluded.lat, osm_tags = excluded.osm_tags,
               -- What an editor wrote is kept.
               narrative = CASE WHEN p.narrative IS NOT DISTINCT FROM p.generated_narrative
                                THEN excluded.narrative ELSE p.narrative END,
               generated_narrative = excluded.generated_narrative, popularity_score = excluded.popularity_score,
               name = excluded.name, kind = excluded.kind, dwell_s = excluded.dwell_s, dataset = excluded.dataset,
               updated_at = now(), retired_at = NULL
           WHERE (p.lon, p.lat, p.osm_tags, p.generated_narrative, p.popularity_score, p.name, p.kind, p.dwell_s,
                  p.dataset, p.retired_at)
                 IS DISTINCT FROM
                 (excluded.lon, excluded.lat, excluded.osm_tags, excluded.generated_narrative,
                  excluded.popularity_score, excluded.name, excluded.kind, excluded.dwell_s, excluded.dataset, NULL)
           RETURNING p.id, p.xmax = 0 AS "added!""#,
        &ids,
        &lons,
        &lats,
        &tags,
        &narratives as &[Option<&str>],
        &scores,
        &names as &[Option<&str>],
        &kinds as &[&str],
        &dwells,
        dataset
    )
    .fetch_all(connection)
    .await?;
    let mut written = Written { added: HashSet::new(), updated: HashSet::new() };
    for row in rows {
        if row.added {
            written.added.insert(row.id)
        } else {
            written.updated.insert(row.id)
        };
    }
    Ok(written)
}

/// Makes the themes of the places what they should be; returns the places where that changed anything.
async fn link_themes(connection: &mut PgConnection, places: &[&Place]) -> Result<HashSet<i64>, StoreError> {
    let ids: Vec<i64> = places.iter().map(|place| place.poi.id.0).collect();
    let links =
        || places.iter().flat_map(|place| place.poi.themes.iter().map(|theme| (place.poi.id.0, theme.0)));
    let (pois, themes): (Vec<i64>, Vec<Uuid>) = links().unzip();
    let mut changed: HashSet<i64> = sqlx::query_scalar!(
        "DELETE FROM poi_interest_themes AS link
         WHERE poi_id = ANY($1)
           AND NOT EXISTS (SELECT FROM unnest($2::bigint[], $3::uuid[]) AS wanted (poi_id, theme_id)
                           WHERE wanted.poi_id = link.poi_id AND wanted.theme_id = link.theme_id)
         RETURNING poi_id",
        &ids,
        &pois,
        &themes
    )
    .fetch_all(&mut *connection)
    .await?
    .into_iter()
    .collect();
    let linked = sqlx::query_scalar!(
        "INSERT INTO poi_interest_themes (poi_id, theme_id) SELECT * FROM unnest($1::bigint[], $2::uuid[])
         ON CONFLICT DO NOTHING RETURNING poi_id",
        &pois,
        &themes
    );
    changed.extend(linked.fetch_all(connection).await?);
    Ok(changed)
}

/// Notes that the dataset has these places, whoever describes them.
async fn remember(connection: &mut PgConnection, dataset: &str, batch: &[Place]) -> Result<(), StoreError> {
    let ids: Vec<i64> = batch.iter().map(|place| place.poi.id.0).collect();
    sqlx::query!(
        "INSERT INTO poi_datasets (dataset, poi_id) SELECT $1, unnest($2::bigint[]) ON CONFLICT DO NOTHING",
        dataset,
        &ids
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets what the dataset has no more. Returns how many places were retired.
async fn forget_missing(connection: &mut PgConnection, content: &Content<'_>) -> Result<usize, StoreError> {
    let kept: Vec<i64> = content.pois.iter().map(|place| place.poi.id.0).collect();
    let gone = sqlx::query_scalar!(
        "DELETE FROM poi_datasets AS had
         WHERE dataset = $1 AND NOT EXISTS (SELECT FROM unnest($2::bigint[]) AS kept (id) WHERE kept.id = had.poi_id)
         RETURNING poi_id",
        content.dataset,
        &kept
    )
    .fetch_all(&mut *connection)
    .await?;
    pass_on(connection, &gone).await
}

/// Sees to places that some dataset has no more. One that another dataset still has passes to that one as it is, and its
/// next ingest brings it up to date; the others are retired. Returns how many were.
pub(super) async fn pass_on(connection: &mut PgConnection, gone: &[i64]) -> Result<usize, StoreError> {
    sqlx::query!(
        "UPDATE pois AS p SET dataset = heir.dataset
         FROM (
             SELECT DISTINCT ON (poi_id) poi_id, has.dataset
             FROM poi_datasets AS has JOIN datasets AS d ON d.name = has.dataset
             WHERE poi_id = ANY($1)
             ORDER BY poi_id, d.theme_id IS NULL DESC, d.osm_timestamp DESC NULLS LAST, has.dataset
         ) AS heir
         WHERE p.id = heir.poi_id
           AND NOT EXISTS (SELECT FROM poi_datasets AS has WHERE (has.poi_id, has.dataset) = (p.id, p.dataset))",
        gone
    )
    .execute(&mut *connection)
    .await?;
    let retired = sqlx::query!(
        "UPDATE pois AS p SET retired_at = now(), updated_at = now()
         WHERE id = ANY($1) AND retired_at IS NULL
           AND NOT EXISTS (SELECT FROM poi_datasets AS has WHERE has.poi_id = p.id)",
        gone
    )
    .execute(connection)
    .await?;
    Ok(retired.rows_affected() as usize)
}
