use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::{Extract, Ingest};
use crate::{StoreError, route_requests::stored};

/// True where the dataset is new or covers another area.
pub(super) async fn write_dataset(
    connection: &mut PgConnection,
    ingest: &Ingest<'_>,
) -> Result<bool, StoreError> {
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

/// Gives a dataset that has changed a version of its own; returns the version that it has.
pub(super) async fn raise_version(
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

/// Notes where a dataset came from.
pub(super) async fn write_provenance(
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
