use clap::Parser;
use service::config::{
    Address, AnalyticsConfig, DatabaseConfig, DoorConfig, NatsConfig, RedisConfig, ReportingConfig,
};

/// Answers the public HTTP API.
#[derive(Clone, Debug, Parser)]
#[command(name = "api-gateway", version)]
pub struct Config {
    #[command(flatten)]
    pub reporting: ReportingConfig,
    #[command(flatten)]
    pub door: DoorConfig,
    #[command(flatten)]
    pub database: DatabaseConfig,
    #[command(flatten)]
    pub nats: NatsConfig,
    #[command(flatten)]
    pub redis: RedisConfig,
    #[command(flatten)]
    pub analytics: AnalyticsConfig,
    /// Requests a minute that one session may make.
    #[arg(long, env = "RATE_LIMIT_SESSION_PER_MINUTE", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate_limit_session_per_minute: u32,
    /// Route requests that one walker may have open at once.
    #[arg(long, env = "OPEN_REQUESTS_PER_USER", default_value_t = 3, value_parser = clap::value_parser!(i64).range(1..))]
    pub open_requests_per_user: i64,
    /// Where Martin is, which makes the tiles of routes; it must not be reached from outside. Without it there are none.
    #[arg(long, env = "MARTIN_URL", hide_env_values = true)]
    pub martin_url: Option<Address>,
    /// Copies that NATS keeps of each job, where the sweeper has to make the streams anew.
    #[arg(long, env = "NATS_REPLICAS", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=5))]
    pub nats_replicas: u8,
}
