use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use sha2::{Digest, Sha256};
use store::{ThemeRow, interest_themes};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{app::App, error::ApiError, extract::is_known};

/// All interest themes.
#[derive(Serialize, ToSchema)]
pub(crate) struct InterestThemes {
    interest_themes: Vec<InterestTheme>,
}

/// A reason to stop.
#[derive(Serialize, ToSchema)]
pub(crate) struct InterestTheme {
    /// Its id: the same on every installation.
    id: Uuid,
    #[schema(example = "Street Art", min_length = 1)]
    name: String,
    #[schema(min_length = 1)]
    description: String,
    /// The key of an icon of the Maki or Temaki set.
    #[schema(min_length = 1)]
    icon: String,
    /// How many places of this theme are known.
    #[schema(minimum = 0)]
    poi_count: i64,
}

/// All interest themes, in the order in which they are best shown.
#[utoipa::path(
    get, path = "/api/v1/interest-themes", tag = "themes",
    params(("If-None-Match" = Option<String>, Header, description = "ETags of the versions that the caller has")),
    responses(
        (status = 200, description = "The themes", body = InterestThemes, headers(("etag" = String, description = "This version"))),
        (status = 304, description = "The caller has this version already", headers(("etag" = String, description = "This version")))
    )
)]
pub(crate) async fn get_interest_themes(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let themes = interest_themes(&app.database).await?.into_iter().map(InterestTheme::from).collect();
    let body = serde_json::to_vec(&InterestThemes { interest_themes: themes }).unwrap_or_default();
    let etag: String = Sha256::digest(&body)[..12].iter().map(|byte| format!("{byte:02x}")).collect();
    let etag = format!("\"{etag}\"");
    let caching = [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, "public, max-age=300".into())];
    if is_known(&headers, &etag)? {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    Ok((caching, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}

impl From<ThemeRow> for InterestTheme {
    fn from(row: ThemeRow) -> Self {
        Self {
            id: row.id.0,
            name: row.name,
            description: row.description,
            icon: row.icon,
            poi_count: row.poi_count,
        }
    }
}
