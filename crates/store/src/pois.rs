use domain::{Coordinate, Poi, PoiId, Tags, ThemeId};
use uuid::Uuid;

use crate::{Database, StoreError};

/// All there is to know about a place.
#[derive(Clone, Debug, PartialEq)]
pub struct PoiDetails {
    /// The place as the search sees it.
    pub poi: Poi,
    /// Its tags in OSM.
    pub tags: Tags,
    /// Whom to thank for it.
    pub attribution: String,
    /// The dataset that describes it.
    pub dataset: String,
    /// Its narrative was written by an editor.
    pub edited: bool,
    /// It is gone from the newest data.
    pub retired: bool,
}

struct PoiRow {
    id: i64,
    lon: f64,
    lat: f64,
    name: Option<String>,
    kind: String,
    themes: Vec<Uuid>,
    popularity_score: f32,
    dwell_s: i32,
    narrative: Option<String>,
    opening_hours: Option<String>,
}

impl TryFrom<PoiRow> for Poi {
    type Error = StoreError;

    fn try_from(row: PoiRow) -> Result<Self, StoreError> {
        let location = Coordinate::new(row.lon, row.lat).ok_or_else(|| StoreError::Unreadable {
            what: "place",
            why: format!("POI {} is not on Earth", row.id),
        })?;
        Ok(Self {
            id: PoiId(row.id),
            location,
            name: row.name,
            kind: row.kind,
            themes: row.themes.into_iter().map(ThemeId).collect(),
            popularity_score: row.popularity_score,
            dwell_s: row.dwell_s.unsigned_abs(),
            narrative: row.narrative,
            opening_hours: row.opening_hours,
        })
    }
}

/// The places of some themes around a point. Where there are more than `limit`, those whose popularity is nearest to
/// `bias` come first, the nearer of two that are alike before the farther one.
pub async fn pois_within(
    database: &Database,
    center: Coordinate,
    radius_m: f64,
    themes: &[ThemeId],
    bias: f64,
    limit: i64,
) -> Result<Vec<Poi>, StoreError> {
    let themes: Vec<Uuid> = themes.iter().map(|theme| theme.0).collect();
    let rows = sqlx::query_as!(
        PoiRow,
        r#"SELECT p.id, p.lon, p.lat, p.name, p.kind, coalesce(p.popularity_score, 0.5) AS "popularity_score!",
                  p.dwell_s, p.narrative, p.osm_tags ->> 'opening_hours' AS opening_hours,
                  ARRAY(SELECT link.theme_id FROM poi_interest_themes AS link
                        JOIN interest_themes AS theme ON theme.id = link.theme_id
                        WHERE link.poi_id = p.id AND theme.retired_at IS NULL ORDER BY link.theme_id) AS "themes!"
           FROM pois AS p
           WHERE p.retired_at IS NULL
             AND ST_DWithin(p.location, ST_SetSRID(ST_MakePoint($1, $2), 4326)::geography, $3)
             AND EXISTS (SELECT FROM poi_interest_themes WHERE poi_id = p.id AND theme_id = ANY($4))
           -- Popularity counts most; a place at the rim must fit a little better than one next door.
           ORDER BY abs(coalesce(p.popularity_score, 0.5) - $5::float8)
                    + 0.2 * ST_Distance(p.location, ST_SetSRID(ST_MakePoint($1, $2), 4326)::geography, false)
                          / greatest($3, 1.0), p.id
           LIMIT $6"#,
        center.lon(),
        center.lat(),
        radius_m,
        &themes,
        bias,
        limit
    )
    .fetch_all(&database.pool)
    .await?;
    rows.into_iter().map(Poi::try_from).collect()
}

/// Everything about one place, retired ones included: old routes stop there.
pub async fn poi_details(database: &Database, id: PoiId) -> Result<Option<PoiDetails>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT p.id, p.lon, p.lat, p.name, p.kind, coalesce(p.popularity_score, 0.5) AS "popularity_score!",
                  p.dwell_s, p.narrative, p.osm_tags, p.retired_at IS NOT NULL AS "retired!", p.dataset,
                  p.narrative IS DISTINCT FROM p.generated_narrative AS "edited!",
                  ARRAY(SELECT link.theme_id FROM poi_interest_themes AS link
                        JOIN interest_themes AS theme ON theme.id = link.theme_id
                        WHERE link.poi_id = p.id AND theme.retired_at IS NULL ORDER BY link.theme_id) AS "themes!",
                  coalesce((SELECT attribution FROM ingests WHERE dataset = p.dataset
                            ORDER BY id DESC LIMIT 1), '') AS "attribution!"
           FROM pois AS p WHERE p.id = $1"#,
        id.0
    )
    .fetch_optional(&database.pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let tags: Tags = serde_json::from_value(row.osm_tags)
        .map_err(|error| StoreError::Unreadable { what: "osm_tags", why: error.to_string() })?;
    let poi = PoiRow {
        id: row.id,
        lon: row.lon,
        lat: row.lat,
        name: row.name,
        kind: row.kind,
        themes: row.themes,
        popularity_score: row.popularity_score,
        dwell_s: row.dwell_s,
        narrative: row.narrative,
        opening_hours: tags.get("opening_hours").cloned(),
    };
    Ok(Some(PoiDetails {
        poi: poi.try_into()?,
        tags,
        attribution: row.attribution,
        dataset: row.dataset,
        edited: row.edited,
        retired: row.retired,
    }))
}

/// How many places are known.
pub async fn pois_total(database: &Database) -> Result<i64, StoreError> {
    let total = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM pois WHERE retired_at IS NULL"#);
    Ok(total.fetch_one(&database.pool).await?)
}
