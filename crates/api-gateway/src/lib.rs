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
mod measurements;
mod openapi;
mod router;
mod sweeper;

use anyhow::Context;
use service::{
    admin_server::{self, Probes},
    analytics::Analytics,
};
use store::{Database, RateLimiter, Redis};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use config::Config;
pub use openapi::print as print_openapi;

/// The program: serves until `shutdown`, then finishes what it has begun.
pub async fn run(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    tracing::info!(?config, "starting");
    let database = Database::new(
        config.database.database_url.as_str(),
        config.database.database_max_connections,
        "api-gateway",
    )?;
    let redis = Redis::new(config.redis.redis_url.as_str())?;
    let bus = bus::Bus::connect(config.nats.nats_url.as_str(), "api-gateway").await?;
    let app = app::App {
        limiter: RateLimiter::new(redis.clone()),
        sessions: config.door.session_keys(),
        database,
        redis,
        bus,
        http: reqwest::Client::builder().no_proxy().build().context("making an HTTP client")?,
        analytics: Analytics::start(&config.analytics),
        config: config.clone().into(),
    };

    // Without NATS requests are still accepted, and without Redis they only take longer.
    let probes = Probes::default()
        .needs("postgresql", &app.database, |database| async move { database.ready().await })
        .likes("nats", &app.bus, |bus| async move { bus.ready().await })
        .likes("redis", &app.redis, |redis| async move { redis.ready().await });
    let admin = admin_server::serve(config.reporting.admin_addr, probes, shutdown.clone())
        .await
        .with_context(|| format!("ADMIN_ADDR {}", config.reporting.admin_addr))?;
    let admin = tokio::spawn(admin);
    let measuring = tokio::spawn(measurements::measure(app.clone(), shutdown.clone()));
    let sweeper = tokio::spawn(sweeper::sweep(app.clone(), shutdown.clone()));

    let listener = TcpListener::bind(config.door.listen_addr)
        .await
        .with_context(|| format!("LISTEN_ADDR {}", config.door.listen_addr))?;
    let (database, bus, analytics) = (app.database.clone(), app.bus.clone(), app.analytics.clone());
    service::http::serve(listener, router::router(app), shutdown).await?;

    sweeper.await?;
    measuring.await?;
    admin.abort();
    analytics.flush().await;
    bus.close().await;
    database.close().await;
    Ok(())
}
