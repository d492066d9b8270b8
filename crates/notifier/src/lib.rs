//! Tells walkers how their request is going, over a WebSocket.
//!
//! In reading order: [`Config`] is what it is told, `app` what sockets share, `handshake` who may open one, `socket`
//! one walker's connection, `hub` how news finds its sockets, `messages` what is said, `asyncapi` its description.

mod app;
mod asyncapi;
mod config;
mod handshake;
mod hub;
mod messages;
mod socket;

use anyhow::Context;
use axum::{Router, routing::get};
use http::StatusCode;
use service::{
    Problem,
    admin_server::{self, Probes},
};
use store::Database;
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use asyncapi::print as print_asyncapi;
pub use config::Config;

/// Snapshots that are read from the database at once: after a broker's restart every socket wants one.
const SNAPSHOTS_AT_ONCE: usize = 8;

/// The program: serves until `shutdown`, then says good-bye on every socket.
pub async fn run(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    tracing::info!(?config, "starting");
    let database = Database::new(
        config.database.database_url.as_str(),
        config.database.database_max_connections,
        "notifier",
    )?;
    let bus = bus::Bus::connect(config.nats.nats_url.as_str(), "notifier").await?;
    let app = app::App {
        database: database.clone(),
        sessions: config.door.session_keys(),
        hub: hub::Hub::default(),
        snapshots: Semaphore::new(SNAPSHOTS_AT_ONCE).into(),
        sockets: TaskTracker::new(),
        shutdown: shutdown.clone(),
        config: config.clone().into(),
    };

    let probes = Probes::default()
        .needs("postgresql", &database, |database| async move { database.ready().await })
        .needs("nats", &bus, |bus| async move { bus.ready().await });
    let admin = admin_server::serve(config.reporting.admin_addr, probes, shutdown.clone())
        .await
        .with_context(|| format!("ADMIN_ADDR {}", config.reporting.admin_addr))?;
    let admin = tokio::spawn(admin);
    let news = bus.news(shutdown.clone()).await?;
    let listening = tokio::spawn(hub::pass_on(app.hub.clone(), news));

    let listener = TcpListener::bind(config.door.listen_addr)
        .await
        .with_context(|| format!("LISTEN_ADDR {}", config.door.listen_addr))?;
    let sockets = app.sockets.clone();
    service::http::serve(listener, router(app), config.door.callers, shutdown).await?;

    sockets.close();
    sockets.wait().await;
    listening.await?;
    admin.abort();
    bus.close().await;
    database.close().await;
    Ok(())
}

fn router(app: app::App) -> Router {
    let endpoints = Router::new()
        .route("/ws", get(handshake::open))
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "This address does not exist."))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "A WebSocket is opened with GET.")
        });
    service::http::door(endpoints).with_state(app)
}
