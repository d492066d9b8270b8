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
    Problem, SharedSessionKeys, Shutdown,
    admin_server::{self, Probes},
};
use store::{Database, RevokedSessions};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::task::TaskTracker;

pub use asyncapi::print as print_asyncapi;
pub use config::Config;

/// Snapshots that are read from the database at once: after a broker's restart every socket wants one.
const SNAPSHOTS_AT_ONCE: usize = 8;

/// The program: serves until it is to stop, then says good-bye on every socket.
pub async fn run(config: Config, shutdown: Shutdown) -> anyhow::Result<()> {
    tracing::info!(?config, "starting");
    let database = Database::new(
        &config.database.url(&config.tls)?,
        config.database.database_max_connections,
        "notifier",
    )?;
    let bus = bus::Bus::connect(&config.nats.url(&config.tls)?, "notifier").await?;
    let app = app::App {
        database: database.clone(),
        sessions: SharedSessionKeys::new(config.door.session_keys()),
        revoked: RevokedSessions::default(),
        hub: hub::Hub::default(),
        limits: config.limits(),
        snapshots: Semaphore::new(SNAPSHOTS_AT_ONCE).into(),
        sockets: TaskTracker::new(),
        shutdown: shutdown.stop.clone(),
        config: config.clone().into(),
    };

    let (reloading, link) = (app.clone(), bus.clone());
    service::on_hangup(shutdown.stop.clone(), move |config: Config| reloading.take_up(&link, &config))?;

    // Without PostgreSQL walkers are told to come again; without NATS a socket still gets its snapshot, and another one when
    // NATS is back. Another replica could do no better.
    let probes = Probes::default()
        .needs_once("postgresql", &database, |database| async move { database.ready().await })
        .needs("revoked_sessions", &app.revoked, |revoked| async move { revoked.ready().await })
        .needs_once("nats", &bus, |bus| async move { bus.ready().await });
    let admin = admin_server::serve(config.reporting.admin_addr, probes, shutdown.asked.clone())
        .await
        .with_context(|| format!("ADMIN_ADDR {}", config.reporting.admin_addr))?;
    let admin = tokio::spawn(admin);
    let news = bus.news(shutdown.stop.clone()).await?;
    let revocations = tokio::spawn(app.clone().follow_revocations(bus.clone()));
    let listening = tokio::spawn(hub::pass_on(app.hub.clone(), news));

    let listener = TcpListener::bind(config.door.listen_addr)
        .await
        .with_context(|| format!("LISTEN_ADDR {}", config.door.listen_addr))?;
    let sockets = app.sockets.clone();
    let door = &config.door;
    service::http::serve(listener, router(app), door.listener, &door.public_url, shutdown).await;

    sockets.close();
    sockets.wait().await;
    listening.await?;
    revocations.abort();
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
    let per_minute = app.config.door.listener.rate_limit_address_per_minute;
    service::http::door(service::limit_by_address(endpoints, per_minute)).with_state(app)
}
