//! Learns of more places where walkers ask for them, and tidies up.
//!
//! In reading order: [`Config`] is what it is told, `app` what a job is given, `enrich_area` one question and what becomes
//! of it, `overpass` how it is asked, `sweeper` what happens to questions that were put off, `maintain` what is tidied up,
//! `measurements` what is measured by looking.

mod app;
mod config;
mod enrich_area;
#[doc(hidden)]
pub mod fuzz;
mod maintain;
mod measurements;
mod overpass;
mod sweeper;

use anyhow::Context;
use domain::ThemeCatalogue;
use service::admin_server::{self, Probes};
use store::Database;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use config::{Config, Endpoint, OverpassConfig, RetentionConfig};

/// Questions in hand: as many as may be asked at once, by all replicas together.
const AT_ONCE: usize = store::OVERPASS_AT_ONCE as usize;

/// The program: works until `shutdown`, and puts off what it has in hand.
pub async fn run(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    tracing::info!(?config, "starting");
    let database = Database::new(
        &config.database.url(&config.tls)?,
        config.database.database_max_connections,
        "enrichment-worker",
    )?;
    let bus = bus::Bus::connect(&config.nats.url(&config.tls)?, "enrichment-worker").await?;
    let probes = Probes::default()
        .needs("postgresql", &database, |database| async move { database.ready().await })
        .needs("nats", &bus, |bus| async move { bus.ready().await });
    let admin = admin_server::serve(config.reporting.admin_addr, probes, shutdown.clone())
        .await
        .with_context(|| format!("ADMIN_ADDR {}", config.reporting.admin_addr))?;
    let admin = tokio::spawn(admin);

    let app = app::App {
        database: database.clone(),
        bus: bus.clone(),
        overpass: overpass::Overpass::new(&config.overpass, &config.tls)?,
        catalogue: ThemeCatalogue::bundled().into(),
        shutdown: shutdown.clone(),
        config: config.into(),
    };
    let reloading = app.clone();
    service::on_hangup(shutdown.clone(), move |config: Config| reloading.take_up(&config))?;
    let tidying = {
        let app = app.clone();
        bus.work_on_jobs(1, always(), shutdown.clone(), move |delivery| {
            maintain::maintain(app.clone(), delivery)
        })
    };
    tokio::join!(enrich(app.clone()), tidying, sweeper::sweep(app.clone()), measurements::measure(app));

    admin.abort();
    bus.close().await;
    database.close().await;
    Ok(())
}

async fn enrich(app: app::App) {
    if app.overpass.is_none() {
        tracing::info!("OVERPASS_URL is empty: what walkers want is noted, and nobody is asked");
        return;
    }
    let (bus, shutdown) = (app.bus.clone(), app.shutdown.clone());
    bus.work_on_jobs(AT_ONCE, always(), shutdown, move |delivery| {
        enrich_area::enrich_area(app.clone(), delivery)
    })
    .await;
}

/// Jobs may be taken at any time.
fn always() -> watch::Receiver<bool> {
    watch::channel(true).1
}
