use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{app::App, canonical::not_found, endpoints::tiles::knows, style, tileset::Tileset};

/// `catalog.json`, `style.json`, or the TileJSON of a source: `NAME.json`.
pub(crate) async fn get_document(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let catalog = app.catalog.load_full();
    let Some(name) = name.strip_suffix(".json") else {
        return not_found("Documents are catalog.json, style.json, and the TileJSON of a source, NAME.json.");
    };
    let document = match (name, uri.query()) {
        ("catalog", None) => catalog
            .iter()
            .map(|tileset| {
                (
                    tileset.name.clone(),
                    json!({"description": tileset.source.description, "url": url(&app, tileset)}),
                )
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        ("style", query) => {
            let route =
                query.map(|query| query.strip_prefix("route=").ok_or("The only parameter is `route`."));
            let style = route.transpose().map_err(str::to_owned);
            match style.and_then(|route| style::style(&app.public_url, route)) {
                Ok(style) => style,
                Err(detail) => return not_found(detail),
            }
        }
        (name, None) => match catalog.get(name) {
            Some(tileset) => tilejson(&app, tileset),
            None => return not_found(format!("There is no source {name:?}.")),
        },
        (_, Some(_)) => return not_found("This document has no parameters."),
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
