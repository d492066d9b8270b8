use std::{str::FromStr, time::Duration};

use clap::{Parser, value_parser};
use service::config::{Address, DatabaseConfig, NatsConfig, ReportingConfig, TlsConfig};
use store::OverpassBudget;

const MIB: i64 = 1024 * 1024;

/// Learns of more places where walkers ask for them, and tidies up.
#[derive(Clone, Debug, Parser)]
#[command(name = "enrichment-worker", version)]
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
    pub overpass: OverpassConfig,
    /// How often old things are put away and stale areas looked at again.
    #[arg(long, env = "MAINTENANCE_SECONDS", default_value_t = 3_600, value_parser = value_parser!(u64).range(1..=86_400))]
    pub maintenance_seconds: u64,
    #[command(flatten)]
    pub retention: RetentionConfig,
}

/// How long what walkers leave behind is kept. What a maintenance finds older is removed.
#[derive(clap::Args, Clone, Debug)]
pub struct RetentionConfig {
    /// Hours within which a request that is sent again under its Idempotency-Key gets the same answer.
    #[arg(long, env = "RETENTION_IDEMPOTENCY_HOURS", default_value_t = 24, value_parser = value_parser!(i32).range(1..=8_760))]
    pub retention_idempotency_hours: i32,
    /// Days after which requests that are over go, with their routes, unless the walker has saved them.
    #[arg(long, env = "RETENTION_ROUTE_DAYS", default_value_t = 90, value_parser = value_parser!(i32).range(1..=36_500))]
    pub retention_route_days: i32,
    /// Days after the newest sign of life after which a walker goes with all that is theirs, saved routes included. A
    /// cookie is good for 400 days, so that with the default nobody who could come back is removed. A visit without any
    /// write is noted once in 30 days.
    #[arg(long, env = "RETENTION_ACCOUNT_DAYS", default_value_t = 400, value_parser = value_parser!(i32).range(60..=36_500))]
    pub retention_account_days: i32,
    /// Hours after a question about an area was answered after which it is forgotten whose request led to it.
    #[arg(long, env = "RETENTION_ENRICHMENT_REQUEST_HOURS", default_value_t = 1, value_parser = value_parser!(i32).range(1..=8_760))]
    pub retention_enrichment_request_hours: i32,
}

/// Whom we ask for places, and how much.
#[derive(clap::Args, Clone, Debug)]
pub struct OverpassConfig {
    /// An Overpass API, such as `https://overpass-api.de/api/interpreter`. Empty: nobody is asked, and what walkers want
    /// is only noted.
    #[arg(long, env = "OVERPASS_URL", hide_env_values = true, default_value = "")]
    pub overpass_url: Endpoint,
    /// Who asks, so that those who run the API can write to us: a web page or a mail address.
    #[arg(long, env = "OVERPASS_CONTACT", default_value = "")]
    pub overpass_contact: String,
    /// Queries a day (UTC), by all replicas together.
    #[arg(long, env = "OVERPASS_REQUESTS_PER_DAY", default_value_t = 1_000, value_parser = value_parser!(i64).range(0..=1_000_000))]
    pub overpass_requests_per_day: i64,
    /// Mebibytes of answers a day (UTC), by all replicas together.
    #[arg(long, env = "OVERPASS_MIB_PER_DAY", default_value_t = 512, value_parser = value_parser!(i64).range(0..=1_000_000))]
    pub overpass_mib_per_day: i64,
    /// The largest answer that is read.
    #[arg(long, env = "OVERPASS_LARGEST_MIB", default_value_t = 16, value_parser = value_parser!(i64).range(1..=1_024))]
    pub overpass_largest_mib: i64,
    /// How long the API may think about a query; we wait a little longer.
    #[arg(long, env = "OVERPASS_TIMEOUT_SECONDS", default_value_t = 25, value_parser = value_parser!(u64).range(1..=180))]
    pub overpass_timeout_seconds: u64,
}

impl OverpassConfig {
    pub(crate) fn budget(&self) -> OverpassBudget {
        OverpassBudget {
            requests: self.overpass_requests_per_day,
            bytes: self.overpass_mib_per_day * MIB,
            largest_answer: self.overpass_largest_mib * MIB,
        }
    }

    /// How long we wait for an answer.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.overpass_timeout_seconds + 5)
    }
}

/// Where something is, or nowhere.
#[derive(Clone, Debug)]
pub struct Endpoint(pub Option<Address>);

impl FromStr for Endpoint {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            _ if text.is_empty() => Ok(Self(None)),
            Some(("http" | "https", _)) => text.parse().map(|address| Self(Some(address))),
            _ => Err("must start with http:// or https://, or be empty".into()),
        }
    }
}
