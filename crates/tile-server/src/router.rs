use std::sync::Arc;

use axum::{Router, routing::get};
use http::{Method, StatusCode, header};
use service::{
    Problem,
    http::{door, quiet_door},
};
use tower_http::cors::{Any, CorsLayer};

use crate::{
    app::App,
    endpoints::{documents, fonts_and_sprites, health, tiles},
};

/// The table of all addresses.
pub(crate) fn router(app: Arc<App>) -> Router {
    let tiles = Router::new().route("/tiles/{source}/{z}/{x}/{y}", get(tiles::get_tile));
    let others = Router::new()
        .route("/tiles/{document}", get(documents::get_document))
        .route("/tiles/fonts/{stack}/{range}", get(fonts_and_sprites::get_glyphs))
        .route("/tiles/sprites/{file}", get(fonts_and_sprites::get_sprites))
        .route("/health", get(health::get_health))
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "This address does not exist."))
        .method_not_allowed_fallback(only_get);
    let tiles = tiles.method_not_allowed_fallback(only_get);
    quiet_door(tiles.layer(cors())).merge(door(others.layer(cors()))).with_state(app)
}

async fn only_get() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Everything here is read with GET.")
}

/// Nothing here is anybody's own: any page may read it, without cookies.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD])
        .allow_headers([header::IF_NONE_MATCH])
        .expose_headers([header::ETAG])
        .max_age(std::time::Duration::from_secs(86_400))
}
