//! The OpenAPI document: of the table of endpoints, of what each can answer besides, and of how they hang together.

mod answers;
mod links;
mod problem_kinds;

use std::sync::LazyLock;

use axum::{Json, response::IntoResponse};
use http::header;
use serde_json::Value;
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
        (name = "places", description = "Where walks stop"),
        (name = "documents", description = "What this API is")
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
fn document() -> Value {
    let table = router::table().into_openapi();
    // Everything in it is a text, a number or a map of them: it can be written as JSON.
    let mut document = serde_json::to_value(table).unwrap_or_default();
    answers::complete(&mut document);
    links::add(&mut document);
    document
}

/// This document.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", tag = "documents",
    responses((status = 200, description = "The OpenAPI document of this API", body = Object))
)]
pub(crate) async fn get_openapi() -> impl IntoResponse {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(document);
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(&*DOCUMENT))
}

/// Prints the document, for `docs/openapi.json`.
pub fn print() -> anyhow::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string_pretty(&document())?)?;
    Ok(())
}
