//! The table of all endpoints; the OpenAPI document is made from the same table.

use axum::{Router, extract::DefaultBodyLimit, middleware};
use http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    endpoints::{
        deletion, interest_themes, interests, my_routes, pois, route_tiles, routes, saved_routes, session,
        user_export, users,
    },
    error::ApiError,
    knocks, openapi,
};

/// Largest body that is read.
const MOST_BODY_BYTES: usize = 16 * 1024;

pub(crate) fn table() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::description())
        .routes(routes!(users::create_user))
        .routes(routes!(users::get_me, deletion::delete_me))
        .routes(routes!(user_export::get_export))
        .routes(routes!(interests::put_interests))
        .routes(routes!(session::delete_session))
        .routes(routes!(session::delete_sessions))
        .routes(routes!(interest_themes::get_interest_themes))
        .routes(routes!(routes::post_route))
        .routes(routes!(routes::get_route, deletion::delete_route))
        .routes(routes!(saved_routes::save_route, saved_routes::unsave_route))
        .routes(routes!(my_routes::get_my_routes))
        .routes(routes!(pois::get_poi))
        .routes(routes!(route_tiles::get_route_tile))
        .routes(routes!(openapi::get_openapi))
}

pub(crate) fn router(app: App) -> Router {
    let (endpoints, _) = table().split_for_parts();
    let endpoints = endpoints
        .fallback(async || ApiError::NotFound("This address"))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
        .layer(middleware::from_fn_with_state(app.clone(), knocks::let_in))
        .layer(cors(&app));
    service::http::door(endpoints).with_state(app)
}

/// Lets pages of the listed origins read the answers.
fn cors(app: &App) -> CorsLayer {
    let origins = app.config.door.allowed_origins.clone();
    let exposed =
        ["etag", "link", "location", "ratelimit", "ratelimit-policy", "retry-after", "x-request-id"];
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin: &HeaderValue, _| {
            origins.contains(origin.as_bytes())
        }))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([
            header::ACCEPT,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("traceparent"),
        ])
        .expose_headers(exposed.map(HeaderName::from_static))
        .max_age(std::time::Duration::from_secs(3600))
}
