use std::{sync::Arc, time::Duration};

use anyhow::Context;
use arc_swap::ArcSwap;
use bytes::Bytes;
use moka::future::Cache;
use service::{
    Shutdown,
    admin_server::{self, Probes},
};
use tokio::net::TcpListener;

use crate::{
    app::App,
    catalog::{Catalog, TileCache},
    config::Serve,
    endpoints::health,
    glyphs::Fonts,
    reload,
    router::router,
    sprites::Sprites,
    style,
};

/// How often the size of the cache is measured.
const MEASURE: Duration = Duration::from_secs(5);

/// Serves until it is told to stop. It does not start unless every source passes every check.
pub(crate) async fn serve(config: Serve) -> anyhow::Result<()> {
    let _telemetry = service::telemetry::start("tile-server", &config.reporting, &config.tls)?;
    service::open_files::raise_limit();
    let shutdown = Shutdown::on_signal(config.listener.shutdown_delay())?;
    tracing::info!(?config, "starting");
    // Phase 1: everything that was configured is read and checked.
    let place = config.files.workplace();
    let (fonts, sprites) = (config.assets_dir.join("fonts"), config.assets_dir.join("icons"));
    let (fonts, sprites) = (Fonts::read(&fonts)?, Sprites::draw(&sprites)?);
    style::check(&fonts)?;
    // Phase 2: DuckDB proves that it can do what tiles need, and each file that it can be read.
    let catalog = Catalog::open(&config.files.sources, &place, None).await?;
    // Phase 3: only now somebody can ask.
    let app = Arc::new(App {
        catalog: ArcSwap::from_pointee(catalog),
        tiles: TileCache::new(config.cache_mib),
        fonts: fonts.into(),
        glyphs: glyph_cache(),
        sprites,
        public_url: config.public_url.clone(),
    });
    let probes = Probes::default().needs("duckdb", &app, health::probe);
    let admin = admin_server::serve(config.reporting.admin_addr, probes, shutdown.asked.clone())
        .await
        .with_context(|| format!("ADMIN_ADDR {}", config.reporting.admin_addr))?;
    let admin = tokio::spawn(admin);
    let measuring = tokio::spawn(measure(app.tiles.clone()));
    let every = Duration::from_millis(config.reload_ms);
    let reloading =
        tokio::spawn(reload::watch(app.clone(), config.files.sources, place, every, shutdown.stop.clone()));
    let listener = TcpListener::bind(config.listen_addr)
        .await
        .with_context(|| format!("LISTEN_ADDR {}", config.listen_addr))?;
    let per_minute = config.listener.rate_limit_address_per_minute;
    service::http::serve(listener, router(app, per_minute), config.listener, &config.public_url, shutdown)
        .await;
    reloading.await??;
    measuring.abort();
    admin.abort();
    Ok(())
}

/// Glyphs that are kept in memory.
const GLYPH_CACHE_BYTES: u64 = 16 << 20;

fn glyph_cache() -> Cache<(String, u32), Option<Bytes>> {
    /// What an entry costs besides its bytes.
    const OVERHEAD: usize = 256;
    let weigh = |_: &(String, u32), glyphs: &Option<Bytes>| {
        u32::try_from(OVERHEAD + glyphs.as_ref().map_or(0, Bytes::len)).unwrap_or(u32::MAX)
    };
    Cache::builder().weigher(weigh).max_capacity(GLYPH_CACHE_BYTES).build()
}

async fn measure(tiles: TileCache) {
    loop {
        // Exact enough: a gauge holds a float.
        metrics::gauge!("tile_cache_bytes").set(tiles.bytes() as f64);
        tokio::time::sleep(MEASURE).await;
    }
}
