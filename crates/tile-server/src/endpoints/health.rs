use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde_json::{Map, Value, json};

use crate::app::App;

/// How every check of every source goes, now.
pub(crate) async fn get_health(State(app): State<Arc<App>>) -> Response {
    let (healthy, report) = report(&app).await;
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(report)).into_response()
}

/// Whether all is well, in a word, for the probe of the admin server.
pub(crate) async fn probe(app: Arc<App>) -> Result<(), String> {
    let (healthy, report) = report(&app).await;
    if healthy { Ok(()) } else { Err(report.to_string()) }
}

async fn report(app: &App) -> (bool, Value) {
    let catalog = app.catalog.load_full();
    let mut healthy = true;
    let mut sources = Map::new();
    for tileset in catalog.iter() {
        let mut levels = Map::new();
        match tileset.health().await {
            Ok(checks) => {
                for (level, name, outcome) in checks {
                    healthy &= outcome.is_ok();
                    let told = outcome.err().unwrap_or_else(|| "ok".into());
                    levels.insert(format!("{level}: {name}"), told.into());
                }
            }
            Err(error) => {
                healthy = false;
                levels.insert("1: the connection is alive".into(), format!("{error:#}").into());
            }
        }
        // All of it was read before this version was served, and the private copy has not changed since.
        levels.insert(format!("6: {}", tileset.what_was_read()), "ok, when this version was opened".into());
        let version = format!("{:016x}", tileset.version);
        sources.insert(tileset.name.clone(), json!({"version": version, "checks": levels}));
    }
    let word = if healthy { "healthy" } else { "unhealthy" };
    (healthy, json!({"status": word, "sources": sources}))
}
