use clap::Parser;
use service::config::{AnalyticsConfig, DatabaseConfig, NatsConfig, RedisConfig, ReportingConfig, TlsConfig};

/// Turns a requested route into a generated one.
#[derive(Clone, Debug, Parser)]
#[command(name = "route-worker", version)]
pub struct Config {
    #[command(flatten)]
    pub reporting: ReportingConfig,
    #[command(flatten)]
    pub tls: TlsConfig,
    #[command(flatten)]
    pub database: DatabaseConfig,
    #[command(flatten)]
    pub nats: NatsConfig,
    #[command(flatten)]
    pub redis: RedisConfig,
    #[command(flatten)]
    pub analytics: AnalyticsConfig,
    /// Jobs at once; each keeps one core busy.
    #[arg(long, env = "CONCURRENCY", default_value_t = cores(), value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub concurrency: u16,
    /// How long the search may take; then the best walk so far is the answer.
    #[arg(long, env = "SEARCH_DEADLINE_MS", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    pub search_deadline_ms: u64,
    /// Memory for street networks that are kept between jobs.
    #[arg(long, env = "NETWORK_CACHE_MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub network_cache_mib: u32,
}

fn cores() -> u16 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u16::try_from(cores).unwrap_or(1024).min(1024)
}
