use clap::Parser;
use domain::RateLimit;
use service::config::{
    Address, AnalyticsConfig, DatabaseConfig, DoorConfig, NatsConfig, RedisConfig, ReportingConfig, TlsConfig,
};

/// Answers the public HTTP API.
#[derive(Clone, Debug, Parser)]
#[command(name = "api-gateway", version)]
pub struct Config {
    #[command(flatten)]
    pub reporting: ReportingConfig,
    #[command(flatten)]
    pub tls: TlsConfig,
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
    /// Work that one network address (of IPv6: a /48) may have open at once; 1 is a walk of an hour.
    #[arg(long, env = "OPEN_COST_PER_ADDRESS", default_value_t = 60.0, value_parser = positive)]
    pub open_cost_per_address: f64,
    /// Who would have to wait longer than so many seconds for a worker is asked to come back later.
    #[arg(long, env = "MAX_WAIT_SECONDS", default_value_t = 20.0, value_parser = positive)]
    pub max_wait_seconds: f64,
    /// Routes that one walker may have saved.
    #[arg(long, env = "SAVED_ROUTES_PER_USER", default_value_t = 500, value_parser = clap::value_parser!(i64).range(1..=1_000_000))]
    pub saved_routes_per_user: i64,
    /// Sessions of new walkers that may be begun from one address within an hour, a multiple of 60; all of them may come
    /// at once. A school or an office is one address.
    #[arg(long, env = "NEW_USERS_PER_ADDRESS_PER_HOUR", default_value_t = 300, value_parser = clap::value_parser!(u32).range(60..=1_000_000))]
    pub new_users_per_address_per_hour: u32,
    /// Where Martin is, which makes the tiles of routes; it must not be reached from outside. Without it there are none.
    #[arg(long, env = "MARTIN_URL", hide_env_values = true)]
    pub martin_url: Option<Address>,
    /// Copies that NATS keeps of each job, where the sweeper has to make the streams anew.
    #[arg(long, env = "NATS_REPLICAS", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=5))]
    pub nats_replicas: u8,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
        _ => Err("must be a number greater than 0".into()),
    }
}

impl Config {
    pub(crate) fn new_users_limit(&self) -> RateLimit {
        let count = self.new_users_per_address_per_hour;
        RateLimit { per_minute: (count / 60).max(1), burst: count }
    }
}
