use std::sync::Arc;

use axum::{Router, middleware, routing::get};
use http::{Method, StatusCode, header};
use service::{
    Problem,
    http::{door, quiet_door},
    limit_by_address,
};
use tower_http::cors::{Any, CorsLayer};

use crate::{
    app::App,
    canonical,
    endpoints::{documents, fonts_and_sprites, health, tiles},
};

/// A look at a map is dozens of tiles.
const TILES_PER_REQUEST: u32 = 10;

/// The table of all addresses. Each caller may ask so often a minute, and ten times as often for tiles.
pub(crate) fn router(app: Arc<App>, per_minute: u32) -> Router {
    let tiles = Router::new().route("/tiles/{source}/{z}/{x}/{y}", get(tiles::get_tile));
    let others = Router::new()
        .route("/tiles/fonts/{font}/{range}", get(fonts_and_sprites::get_glyphs))
        .route("/tiles/sprites/{file}", get(fonts_and_sprites::get_sprites))
        .layer(middleware::from_fn(canonical::no_query))
        .route("/tiles/{document}", get(documents::get_document))
        .route("/health", get(health::get_health))
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "This address does not exist."))
        .method_not_allowed_fallback(only_get);
    let tiles = tiles.method_not_allowed_fallback(only_get);
    let [tiles, others] = [tiles, others].map(|part| part.layer(middleware::from_fn(canonical::path)));
    let tiles = limit_by_address(tiles, per_minute.saturating_mul(TILES_PER_REQUEST));
    let others = limit_by_address(others, per_minute);
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
