use axum::{Json, response::IntoResponse};
use http::header;
use utoipa::{
    OpenApi,
    openapi::{
        OpenApi as Document,
        security::{ApiKey, ApiKeyValue, SecurityScheme},
    },
};

use crate::{endpoints::wire, router};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Wildside",
        description = "Walks worth walking: real streets, stops worth stopping for, in the time there is.\n\n\
            A walk is asked for with `POST /api/v1/routes` and is there a moment later; the WebSocket at `/ws` (see the \
            AsyncAPI document) tells when, and `GET /api/v1/routes/{route_id}` is always the truth. Every error is a \
            problem document (RFC 9457). Coordinates are `[longitude, latitude]` in WGS 84.",
        license(name = "MIT OR Apache-2.0")
    ),
    servers((url = "/", description = "The server that this document comes from")),
    components(schemas(wire::ProblemDocument)),
    tags(
        (name = "walkers", description = "Who walks, and what they like"),
        (name = "themes", description = "Reasons to stop"),
        (name = "routes", description = "Walks"),
        (name = "places", description = "Where walks stop")
    )
)]
struct Description;

/// All of the document but the endpoints.
pub(crate) fn description() -> Document {
    let mut document = Description::openapi();
    document.info.version = "1".into();
    let cookie =
        ApiKeyValue::with_description("wildside", "`__Host-wildside` on https. Set by POST /api/v1/users.");
    if let Some(components) = &mut document.components {
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
    document
}

/// The OpenAPI document of the running router.
fn document() -> Document {
    router::table().into_openapi()
}

pub(crate) async fn serve() -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(document()))
}

/// Prints the document, for `docs/openapi.json`.
pub fn print() -> anyhow::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", document().to_pretty_json()?)?;
    Ok(())
}
