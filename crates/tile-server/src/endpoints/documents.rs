use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use service::Problem;
use sha2::{Digest, Sha256};

use crate::{app::App, endpoints::tiles::knows, style, tileset::Tileset};

/// What may be asked of a style.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StyleParameters {
    /// A route to draw on top.
    route: Option<String>,
}

/// `catalog.json`, `style.json`, or the TileJSON of a source: `NAME.json`.
pub(crate) async fn get_document(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    parameters: Result<Query<StyleParameters>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let catalog = app.catalog.load_full();
    let name = name.strip_suffix(".json").unwrap_or(&name);
    let document = match name {
        "catalog" => catalog
            .iter()
            .map(|tileset| {
                (
                    tileset.name.clone(),
                    json!({"description": tileset.source.description, "url": url(&app, tileset)}),
                )
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        "style" => {
            let Ok(Query(parameters)) = parameters else {
                let detail = "The only parameter is `route`.";
                return Problem::new(StatusCode::BAD_REQUEST, detail).into_response();
            };
            match style::style(&app.public_url, parameters.route.as_deref()) {
                Ok(style) => style,
                Err(detail) => return Problem::new(StatusCode::BAD_REQUEST, detail).into_response(),
            }
        }
        name => match catalog.get(name) {
            Some(tileset) => tilejson(&app, tileset),
            None => {
                let detail = format!("There is no source {name:?}.");
                return Problem::new(StatusCode::NOT_FOUND, detail).into_response();
            }
        },
    };
    with_etag(&document, &headers)
}

fn url(app: &App, tileset: &Tileset) -> String {
    format!("{}/tiles/{}.json", app.public_url, tileset.name)
}

/// TileJSON 3.0.0.
fn tilejson(app: &App, tileset: &Tileset) -> Value {
    let source = &tileset.source;
    let bounds = tileset.bounds.degrees();
    let [west, south, east, north] = bounds;
    json!({
        "tilejson": "3.0.0",
        "name": tileset.name,
        "description": source.description,
        "attribution": source.attribution,
        "version": format!("1.0.0+{:016x}", tileset.version),
        "tiles": [format!("{}/tiles/{}/{{z}}/{{x}}/{{y}}.pbf", app.public_url, tileset.name)],
        "minzoom": source.minzoom,
        "maxzoom": source.maxzoom,
        "bounds": bounds,
        "center": [f64::midpoint(west, east), f64::midpoint(south, north), source.maxzoom.min(14)],
        "vector_layers": tileset.vector_layers(),
    })
}

/// Documents are small and may change with a reload: a browser asks each time, and mostly hears that it has the latest.
fn with_etag(document: &Value, headers: &HeaderMap) -> Response {
    let hash: String =
        Sha256::digest(document.to_string()).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let Ok(etag) = HeaderValue::from_str(&format!("\"{hash}\"")) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let caching =
        [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, HeaderValue::from_static("public, no-cache"))];
    if knows(headers, &etag) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, Json(document)).into_response()
}
