use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use service::Problem;

use crate::{app::App, endpoints::tiles::accepts_gzip};

/// They change with a release only.
const CACHING: (http::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=86400");

/// The glyphs of a font: `{font}/{first}-{last}.pbf`. Of a list of fonts the first that is there answers.
pub(crate) async fn get_glyphs(
    State(app): State<Arc<App>>,
    Path((stack, range)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let start = range.strip_suffix(".pbf").and_then(|range| {
        let (first, last) = range.split_once('-')?;
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        (first % 256 == 0 && last == first + 255 && last <= 0xffff).then_some(first)
    });
    let Some(start) = start else {
        let detail = "A range of glyphs is 0-255.pbf, 256-511.pbf and so on, up to 65280-65535.pbf.";
        return Problem::new(StatusCode::BAD_REQUEST, detail).into_response();
    };
    let Some(font) = stack.split(',').map(str::trim).find(|font| app.fonts.has(font)).map(str::to_owned)
    else {
        return Problem::new(StatusCode::NOT_FOUND, format!("There is no font {stack:?}.")).into_response();
    };
    let fonts = app.fonts.clone();
    let make = async {
        let font = font.clone();
        tokio::task::spawn_blocking(move || fonts.range(&font, start)).await?
    };
    match app.glyphs.try_get_with((font.clone(), start), make).await {
        Ok(Some(gzip)) => packed(gzip, "application/x-protobuf", &headers),
        Ok(None) => Problem::new(StatusCode::NOT_FOUND, "There is no such font.").into_response(),
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
        _ => Problem::new(StatusCode::NOT_FOUND, "There are icons.png, icons.json and both with @2x.")
            .into_response(),
    }
}
