use std::collections::BTreeMap;

use axum::{Json, extract::State, response::IntoResponse};
use domain::PoiId;
use http::header;
use serde::Serialize;
use store::{PoiDetails, poi_details};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{app::App, endpoints::wire::GeoPoint, error::ApiError, extract::PathId};

/// A place.
#[derive(Serialize, ToSchema)]
pub(crate) struct Place {
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    id: i64,
    /// Its name in the local language, where it has one.
    #[schema(required)]
    name: Option<String>,
    /// Its name in English, where it is another.
    #[schema(required)]
    name_en: Option<String>,
    location: GeoPoint,
    /// What kind of place it is, as an OSM tag.
    #[schema(example = "tourism=artwork", pattern = "^[^=]+=.+$")]
    kind: String,
    /// Ids of its interest themes.
    themes: Vec<Uuid>,
    /// 0 hidden gem, 1 hotspot.
    #[schema(minimum = 0, maximum = 1)]
    popularity_score: f32,
    /// How long one stays, in seconds.
    dwell_s: u32,
    /// What is worth knowing about it, where there is something.
    #[schema(required)]
    narrative: Option<String>,
    /// All its OSM tags.
    tags: BTreeMap<String, String>,
    /// The OSM element: `node/1`, `way/1` or `relation/1`.
    #[schema(pattern = "^(node|way|relation)/[0-9]+$")]
    osm: String,
    /// It is in none of the newest extracts any more; routes made before may still stop there.
    retired: bool,
    /// To be shown with it.
    #[schema(min_length = 1)]
    attribution: String,
}

/// A place, for a walker who taps on it.
#[utoipa::path(
    get, path = "/api/v1/pois/{poi_id}", tag = "places",
    params(("poi_id" = i64, Path, minimum = 1, maximum = 9_007_199_254_740_991_i64, description = "The id, as in a route's stops and in map tiles")),
    responses(
        (status = 200, description = "The place", body = Place)
    )
)]
pub(crate) async fn get_poi(
    State(app): State<App>,
    PathId(id): PathId<PoiId>,
) -> Result<impl IntoResponse, ApiError> {
    let details = poi_details(&app.database, id).await?.ok_or(ApiError::NotFound("This place"))?;
    Ok(([(header::CACHE_CONTROL, "public, max-age=300")], Json(Place::from(details))))
}

impl From<PoiDetails> for Place {
    fn from(details: PoiDetails) -> Self {
        let PoiDetails { poi, tags, attribution, retired, .. } = details;
        Self {
            id: poi.id.0,
            osm: poi.id.osm().map(|(kind, id)| format!("{}/{id}", kind.as_str())).unwrap_or_default(),
            name: poi.name,
            name_en: domain::english_name(&tags).map(str::to_owned),
            location: domain::Point::from(poi.location).into(),
            kind: poi.kind,
            themes: poi.themes.into_iter().map(|theme| theme.0).collect(),
            popularity_score: poi.popularity_score,
            dwell_s: poi.dwell_s,
            narrative: poi.narrative,
            tags,
            retired,
            attribution,
        }
    }
}
