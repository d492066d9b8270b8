//! Turns a requested route into a generated one.
//!
//! In reading order: [`Config`] is what it is told, `app` what a job is given, `generate_route` the one unit of work,
//! `networks` the street networks it keeps in memory, `health` whether it can work, `idle` what it does while no jobs come.

mod app;
mod config;
mod generate_route;
mod health;
mod idle;
mod networks;

use anyhow::Context;
use domain::{Revocation, RevokedSessions};
use service::{
    admin_server::{self, Probes},
    analytics::Analytics,
};
use store::{Database, Redis};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use config::Config;

/// The program: works until `shutdown`, then finishes the jobs in hand.
pub async fn run(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    tracing::info!(?config, "starting");
    let database = Database::new(
        &config.database.url(&config.tls)?,
        config.database.database_max_connections,
        "route-worker",
    )?;
    let redis = Redis::new(&config.redis.url(&config.tls)?)?;
    let bus = bus::Bus::connect(&config.nats.url(&config.tls)?, "route-worker").await?;
    let health = health::Health::new(config.concurrency);
    let probes = Probes::default()
        .needs("work", &health, |health| async move { health.ready() })
        .needs("postgresql", &database, |database| async move { database.ready().await })
        .needs("nats", &bus, |bus| async move { bus.ready().await })
        .likes("redis", &redis, |redis| async move { redis.ready().await });
    let admin = admin_server::serve(config.reporting.admin_addr, probes, shutdown.clone())
        .await
        .with_context(|| format!("ADMIN_ADDR {}", config.reporting.admin_addr))?;
    let admin = tokio::spawn(admin);

    let networks = networks::Networks::new(database.clone(), config.network_cache_mib as usize * 1024 * 1024);
    let analytics = Analytics::start(&config.analytics, &config.tls).map_err(anyhow::Error::msg)?;
    let forgetting = tokio::spawn(forget_erased(bus.clone(), analytics.clone()));
    let app = app::App {
        database: database.clone(),
        redis,
        bus: bus.clone(),
        analytics: analytics.clone(),
        networks,
        health: health.clone(),
        idle: idle::Idle::new(),
        shutdown: shutdown.clone(),
        config: config.clone().into(),
    };
    let reloading = app.clone();
    service::on_hangup(shutdown.clone(), move |config: Config| reloading.take_up(&config))?;
    let looking: JoinSet<()> =
        (0..config.concurrency).map(|_| idle::look_for_requests(app.clone())).collect();
    let watching = tokio::spawn(health.clone().watch(database.clone(), shutdown.clone()));
    bus.work_on_jobs(usize::from(config.concurrency), health.able(), shutdown, move |delivery| {
        generate_route::generate_route(app.clone(), delivery)
    })
    .await;
    looking.join_all().await;
    watching.await?;

    forgetting.abort();
    admin.abort();
    analytics.flush().await;
    bus.close().await;
    database.close().await;
    Ok(())
}

/// Sends nothing more of walkers who are erased, for as long as it is polled.
async fn forget_erased(bus: bus::Bus, analytics: Analytics) {
    let take_in = |revocation: Revocation| {
        if revocation.scope == RevokedSessions::OfErased {
            analytics.forget(revocation.user_id.0);
        }
    };
    if let Err(error) = bus.hear_revocations(take_in).await {
        tracing::error!(%error, "nobody hears which walkers are erased");
    }
}
