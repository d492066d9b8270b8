use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};

use crate::{app::App, canonical::not_found, endpoints::tiles::accepts_gzip};

/// They change with a release only.
const CACHING: (http::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=86400");

/// The glyphs of a font: `{font}/{first}-{last}.pbf`.
pub(crate) async fn get_glyphs(
    State(app): State<Arc<App>>,
    Path((font, range)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let first = (0..=255).map(|block| block * 256);
    let Some(start) = first.into_iter().find(|first| range == format!("{first}-{}.pbf", first + 255)) else {
        return not_found("A range of glyphs is 0-255.pbf, 256-511.pbf and so on, up to 65280-65535.pbf.");
    };
    if !app.fonts.has(&font) {
        return not_found(format!("There is no font {font:?}; a list of fonts is none, either."));
    }
    let fonts = app.fonts.clone();
    let make = async {
        let font = font.clone();
        tokio::task::spawn_blocking(move || fonts.range(&font, start)).await?
    };
    match app.glyphs.try_get_with((font.clone(), start), make).await {
        Ok(Some(gzip)) => packed(gzip, "application/x-protobuf", &headers),
        Ok(None) => not_found("There is no such font."),
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), font, start, "glyphs could not be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn packed(gzip: bytes::Bytes, media_type: &'static str, headers: &HeaderMap) -> Response {
    let about = [(header::CONTENT_TYPE, media_type), CACHING, (header::VARY, "accept-encoding")];
    if accepts_gzip(headers) {
        return (about, [(header::CONTENT_ENCODING, "gzip")], gzip).into_response();
    }
    let mut plain = Vec::new();
    match std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&gzip[..]), &mut plain) {
        Ok(_) => (about, plain).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// `icons.png`, `icons.json`, and both again for dense screens with `@2x`.
pub(crate) async fn get_sprites(State(app): State<Arc<App>>, Path(file): Path<String>) -> Response {
    let sheet = if file.contains("@2x") { &app.sprites.dense } else { &app.sprites.plain };
    match file.as_str() {
        "icons.png" | "icons@2x.png" => {
            ([(header::CONTENT_TYPE, "image/png"), CACHING], sheet.png.clone()).into_response()
        }
        "icons.json" | "icons@2x.json" => {
            ([(header::CONTENT_TYPE, "application/json"), CACHING], sheet.index.clone()).into_response()
        }
        _ => not_found("There are icons.png, icons.json and both with @2x."),
    }
}
