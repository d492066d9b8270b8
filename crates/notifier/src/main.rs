//! See `lib.rs`.

use notifier::{Config, print_asyncapi, run};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if std::env::args().any(|argument| argument == "--print-asyncapi") {
        return print_asyncapi();
    }
    let config: Config = service::config::parse();
    let _telemetry = service::telemetry::start("notifier", &config.reporting, &config.tls)?;
    service::open_files::raise_limit();
    let shutdown = service::Shutdown::on_signal(config.door.listener.shutdown_delay())?;
    run(config, shutdown).await
}
