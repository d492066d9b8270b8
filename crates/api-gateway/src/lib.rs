//! Answers the public HTTP API, and sees to it that an accepted request is never lost.
//!
//! In reading order: [`Config`] is what it is told, `app` what handlers share, `router` the table of endpoints,
//! `endpoints` a file for each resource, `extract` how requests are read, `error` how errors become answers, `knocks`
//! who is let in how often, `sweeper` what happens to requests that nobody takes up.

mod app;
mod config;
mod endpoints;
mod error;
mod extract;
#[doc(hidden)]
pub mod fuzz;
mod knocks;
mod leftovers;
mod measurements;
mod openapi;
mod router;
mod sweeper;

use anyhow::Context;
use service::{
    SharedSessionKeys, Shutdown,
    admin_server::{self, Probes},
    analytics::Analytics,
};
use store::{Database, RateLimiter, Redis, RevokedSessions};
use tokio::net::TcpListener;

pub use config::Config;
pub use openapi::print as print_openapi;

/// The program: serves until it is to stop, then finishes what it has begun.
pub async fn run(config: Config, shutdown: Shutdown) -> anyhow::Result<()> {
    tracing::info!(?config, "starting");
    let database = Database::new(
        &config.database.url(&config.tls)?,
        config.database.database_max_connections,
        "api-gateway",
    )?;
    let redis = Redis::new(&config.redis.url(&config.tls)?)?;
    let bus = bus::Bus::connect(&config.nats.url(&config.tls)?, "api-gateway").await?;
    let app = app::App {
        limiter: RateLimiter::new(redis.clone()),
        sessions: SharedSessionKeys::new(config.door.session_keys()),
        revoked: RevokedSessions::default(),
        database,
        redis,
        bus,
        http: http_client(&config)?,
        analytics: Analytics::start(&config.analytics, &config.tls).map_err(anyhow::Error::msg)?,
        config: config.clone().into(),
    };

    let reloading = app.clone();
    service::on_hangup(shutdown.stop.clone(), move |config: Config| reloading.take_up(&config))?;

    // Without PostgreSQL walkers are told to come again, without NATS requests are still accepted, and without Redis they
    // only take longer. Another replica could do no better.
    let probes = Probes::default()
        .needs_once("postgresql", &app.database, |database| async move { database.ready().await })
        .needs("revoked_sessions", &app.revoked, |revoked| async move { revoked.ready().await })
        .likes("nats", &app.bus, |bus| async move { bus.ready().await })
        .likes("redis", &app.redis, |redis| async move { redis.ready().await });
    let admin = admin_server::serve(config.reporting.admin_addr, probes, shutdown.asked.clone())
        .await
        .with_context(|| format!("ADMIN_ADDR {}", config.reporting.admin_addr))?;
    let admin = tokio::spawn(admin);
    let measuring = tokio::spawn(measurements::measure(app.clone(), shutdown.stop.clone()));
    let watching = tokio::spawn(measurements::measure_queue(app.clone(), shutdown.stop.clone()));
    let sweeper = tokio::spawn(sweeper::sweep(app.clone(), shutdown.stop.clone()));
    let revocations = tokio::spawn(app.clone().follow_revocations());
    let expiring = tokio::spawn(leftovers::expire(app.redis.clone()));

    let listener = TcpListener::bind(config.door.listen_addr)
        .await
        .with_context(|| format!("LISTEN_ADDR {}", config.door.listen_addr))?;
    let (database, bus, analytics) = (app.database.clone(), app.bus.clone(), app.analytics.clone());
    let door = &config.door;
    service::http::serve(listener, router::router(app), door.listener, &door.public_url, shutdown).await;

    sweeper.await?;
    measuring.await?;
    watching.await?;
    revocations.abort();
    expiring.abort();
    admin.abort();
    analytics.flush().await;
    bus.close().await;
    database.close().await;
    Ok(())
}

/// For Martin, the only one that the gateway asks over HTTP.
fn http_client(config: &Config) -> anyhow::Result<reqwest::Client> {
    let client = service::http_client::builder(&config.tls).map_err(anyhow::Error::msg)?;
    client.no_proxy().build().context("making an HTTP client")
}
