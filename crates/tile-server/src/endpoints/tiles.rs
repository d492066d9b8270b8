use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use service::{Problem, http::RequestId};
use tracing::Instrument;

use crate::{
    app::App,
    database::QueryError,
    tile_id::TileId,
    tileset::{LayerChoice, Tileset},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameters {
    /// Layers, separated by commas; all where it is missing.
    layers: Option<String>,
}

/// A vector tile.
pub(crate) async fn get_tile(
    State(app): State<Arc<App>>,
    Path((source, z, x, y)): Path<(String, String, String, String)>,
    parameters: Result<Query<Parameters>, axum::extract::rejection::QueryRejection>,
    Extension(request): Extension<RequestId>,
    headers: HeaderMap,
) -> Response {
    let began = std::time::Instant::now();
    // One catalog for the whole request: a reload under way changes nothing for it.
    let catalog = app.catalog.load_full();
    let Some(tileset) = catalog.get(&source) else {
        return Problem::new(StatusCode::NOT_FOUND, format!("There is no source {source:?}."))
            .into_response();
    };
    let asked = parameters
        .map_err(|_| bad("The only parameter is `layers`."))
        .and_then(|Query(parameters)| read(tileset, &z, &x, &y, parameters.layers.as_deref()));
    let (id, choice) = match asked {
        Ok(asked) => asked,
        Err((status, detail)) => return Problem::new(status, detail).into_response(),
    };
    let (outcome, response) = match app.tiles.known(tileset, id, choice).await {
        Some(tile) => answer(tileset, id, tile.as_deref(), true, &headers),
        None => {
            let make = async {
                match app.tiles.make(tileset, id, choice).await {
                    Ok(tile) => answer(tileset, id, tile.as_deref(), false, &headers),
                    Err(error) => refuse(&error, tileset, id),
                }
            };
            make.instrument(request.span("make a tile", &headers)).await
        }
    };
    let labels = [("source", source), ("zoom", id.z.to_string()), ("outcome", outcome.to_owned())];
    metrics::counter!("tiles_total", &labels).increment(1);
    metrics::histogram!("tile_duration_seconds", &labels[..1]).record(began.elapsed().as_secs_f64());
    response
}

fn bad(detail: impl Into<String>) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, detail.into())
}

/// The tile and the layers that an address names.
fn read(
    tileset: &Tileset,
    z: &str,
    x: &str,
    y: &str,
    layers: Option<&str>,
) -> Result<(TileId, LayerChoice), (StatusCode, String)> {
    let y = y.strip_suffix(".pbf").or_else(|| y.strip_suffix(".mvt")).unwrap_or(y);
    let wrong = || bad(format!("There is no tile {z}/{x}/{y}: x and y are from 0 to 2^z - 1."));
    let id = TileId::parse(z, x, y).ok_or_else(wrong)?;
    let source = &tileset.source;
    if !(source.minzoom..=source.maxzoom).contains(&id.z) {
        let detail = format!("{} has zooms {} to {}.", tileset.name, source.minzoom, source.maxzoom);
        return Err((StatusCode::NOT_FOUND, detail));
    }
    let choice = match layers {
        None => LayerChoice::ALL,
        Some(names) => {
            tileset.choose(names).map_err(|name| bad(format!("{} has no layer {name:?}.", tileset.name)))?
        }
    };
    Ok((id, choice))
}

fn answer(
    tileset: &Tileset,
    id: TileId,
    tile: Option<&crate::catalog::Tile>,
    hit: bool,
    headers: &HeaderMap,
) -> (&'static str, Response) {
    let max_age = tileset.source.max_age.at(id.z);
    let mut response = Response::new(Body::empty());
    let out = response.headers_mut();
    if let Ok(value) =
        HeaderValue::from_str(&format!("public, max-age={max_age}, stale-while-revalidate=86400"))
    {
        out.insert(header::CACHE_CONTROL, value);
    }
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let Some(tile) = tile else {
        *response.status_mut() = StatusCode::NO_CONTENT;
        return (if hit { "empty_hit" } else { "empty" }, response);
    };
    let gzip = accepts_gzip(headers);
    let etag = if gzip { &tile.etag } else { &tile.etag_of_plain };
    out.insert(header::ETAG, etag.clone());
    if knows(headers, etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return ("not_modified", response);
    }
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/vnd.mapbox-vector-tile"));
    if gzip {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        *response.body_mut() = Body::from(tile.gzip.clone());
    } else {
        match tile.plain() {
            Ok(plain) => *response.body_mut() = Body::from(plain),
            Err(error) => {
                tracing::error!(%error, "a cached tile cannot be unpacked");
                let problem =
                    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side.");
                return ("error", problem.into_response());
            }
        }
    }
    (if hit { "hit" } else { "miss" }, response)
}

fn refuse(error: &QueryError, tileset: &Tileset, id: TileId) -> (&'static str, Response) {
    match error {
        QueryError::TimedOut(_) => {
            tracing::warn!(%error, source = tileset.name, ?id, "a tile took too long");
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "This tile takes too long to make.");
            ("timed_out", problem.retry_after(5).into_response())
        }
        QueryError::Busy(_) => {
            tracing::warn!(%error, source = tileset.name, ?id, "a tile was not begun");
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Too many tiles are being made.");
            ("busy", problem.retry_after(5).into_response())
        }
        QueryError::Failed(error) => {
            tracing::error!(
                error = format!("{error:#}"),
                source = tileset.name,
                ?id,
                "a tile could not be made"
            );
            let problem =
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side.");
            ("error", problem.into_response())
        }
    }
}

/// Accept-Encoding (RFC 9110, 12.5.3): gzip counts where it is named with a weight above 0, or a star is.
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut star = false;
    for coding in accepted.flat_map(|value| value.split(',')) {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
        match name.trim() {
            "gzip" | "x-gzip" => return weight > 0.0,
            "*" => star = weight > 0.0,
            _ => {}
        }
    }
    star
}

/// If-None-Match (RFC 9110, 13.1.2), which compares weakly.
pub(crate) fn knows(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let etag = etag.to_str().unwrap_or_default();
    known
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == "*" || tag.trim().trim_start_matches("W/") == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wants_gzip_gets_it() {
        let accepts = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, value.parse().unwrap());
            accepts_gzip(&headers)
        };
        assert!(accepts("gzip") && accepts("br, gzip;q=0.5") && accepts("*"));
        assert!(
            !accepts("br")
                && !accepts("gzip;q=0")
                && !accepts("gzip;q=0, *")
                && !accepts_gzip(&HeaderMap::new())
        );
    }

    #[test]
    fn a_tag_is_known_among_others() {
        let etag = HeaderValue::from_static("\"a1\"");
        let known = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, value.parse().unwrap());
            knows(&headers, &etag)
        };
        assert!(known("\"a1\"") && known("\"b\", W/\"a1\"") && known("*"));
        assert!(!known("\"a\"") && !known("a1"));
    }
}
