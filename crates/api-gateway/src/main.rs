//! See `lib.rs`.

use api_gateway::{Config, print_openapi, run};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if std::env::args().any(|argument| argument == "--print-openapi") {
        return print_openapi();
    }
    let config: Config = service::config::parse();
    let _telemetry = service::telemetry::start("api-gateway", &config.reporting, &config.tls)?;
    service::open_files::raise_limit();
    let shutdown = service::Shutdown::on_signal(config.door.listener.shutdown_delay())?;
    run(config, shutdown).await
}
