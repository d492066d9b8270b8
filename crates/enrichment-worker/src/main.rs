//! See `lib.rs`.

use enrichment_worker::{Config, run};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config: Config = service::config::parse();
    let _telemetry = service::telemetry::start("enrichment-worker", &config.reporting, &config.tls)?;
    service::open_files::raise_limit();
    run(config, service::shutdown_signal()?).await
}
