//! Groups of settings that several services share, each read from the environment by clap. A service that is told
//! nonsense says what and stops; one that starts logs what it was told, without the secrets.

use std::{fmt, net::SocketAddr, str::FromStr, time::Duration};

use clap::{
    Args, Parser,
    error::{ContextKind, ContextValue},
};

use crate::{AllowedOrigins, SessionKeys, open_files};

/// Reads a service's settings. Ends the process with status 2 where they are wrong.
pub fn parse<C: Parser>() -> C {
    C::try_parse().unwrap_or_else(|error| without_secrets(error).exit())
}

/// A wrong value is shown to whoever starts the service, but not one that may hold a key or a password: the message
/// ends up in logs.
fn without_secrets(mut error: clap::Error) -> clap::Error {
    let argument = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    if ["-key", "-url", "-endpoint"].iter().any(|part| argument.contains(part)) {
        error.insert(ContextKind::InvalidValue, ContextValue::String("(hidden)".into()));
    }
    error
}

/// How a process reports on itself.
#[derive(Args, Clone, Debug)]
pub struct ReportingConfig {
    /// Where /healthz, /readyz and /metrics are served; never to be reached from outside.
    #[arg(long, env = "ADMIN_ADDR", default_value = "127.0.0.1:9090")]
    pub admin_addr: SocketAddr,
    /// What is logged, such as `info` or `info,store=debug`.
    #[arg(long, env = "LOG", default_value = "info", value_parser = log_filter)]
    pub log: String,
    /// Where traces are sent (OTLP over HTTP), such as `http://collector:4318`. Without it they stay at home.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", hide_env_values = true)]
    pub otlp_endpoint: Option<Address>,
}

fn log_filter(text: &str) -> Result<String, String> {
    match tracing_subscriber::EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Where PostgreSQL is.
#[derive(Args, Clone, Debug)]
pub struct DatabaseConfig {
    /// PostgreSQL with PostGIS, such as `postgres://wildside@db/wildside`.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Address,
    /// Most connections that this process holds.
    #[arg(long, env = "DATABASE_MAX_CONNECTIONS", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub database_max_connections: u32,
}

/// Where NATS is.
#[derive(Args, Clone, Debug)]
pub struct NatsConfig {
    /// NATS 2.11 or newer with JetStream, such as `nats://nats:4222`.
    #[arg(long, env = "NATS_URL", hide_env_values = true)]
    pub nats_url: Address,
}

/// Where Redis is.
#[derive(Args, Clone, Debug)]
pub struct RedisConfig {
    /// Redis, such as `redis://redis:6379`.
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Address,
}

/// Where events for product analytics are sent.
#[derive(Args, Clone, Debug)]
pub struct AnalyticsConfig {
    /// PostHog's key of the project. Empty: nothing is sent.
    #[arg(long, env = "POSTHOG_API_KEY", hide_env_values = true, default_value = "")]
    pub posthog_api_key: ApiKey,
    /// PostHog's address.
    #[arg(long, env = "POSTHOG_HOST", default_value = "https://eu.i.posthog.com")]
    pub posthog_host: Address,
}

/// A key that nobody gets to see; empty where there is none.
#[derive(Clone)]
pub struct ApiKey(pub(crate) String);

impl FromStr for ApiKey {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.trim().to_owned()))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "(none)" } else { "(secret)" })
    }
}

/// How a public door treats connections and callers.
#[derive(Args, Clone, Copy, Debug)]
pub struct ListenerConfig {
    /// Requests a minute that may come from one address.
    #[arg(long, env = "RATE_LIMIT_ADDRESS_PER_MINUTE", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate_limit_address_per_minute: u32,
    /// Reverse proxies in front of us: the caller's address is so many places from the right in X-Forwarded-For.
    #[arg(long, env = "TRUSTED_PROXIES", default_value_t = 0)]
    pub trusted_proxies: usize,
    /// Connections at once; fewer where fewer files may be open.
    #[arg(long, env = "MAX_CONNECTIONS", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_connections: u32,
    /// Connections at once from one address; without a meaning behind proxies, whose addresses they would be.
    #[arg(long, env = "MAX_CONNECTIONS_PER_ADDRESS", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_connections_per_address: u32,
    /// Seconds from SIGTERM until no more connections are accepted. Readiness is off meanwhile, so that whoever routes
    /// callers to us has time to notice.
    #[arg(long, env = "SHUTDOWN_DELAY_SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=300))]
    shutdown_delay_seconds: u64,
}

impl ListenerConfig {
    /// Connections at once, of those that the limit of open files allows.
    pub fn max_connections(&self) -> usize {
        let allowed = open_files::for_connections().max(1);
        usize::try_from(u64::from(self.max_connections).min(allowed)).unwrap_or(usize::MAX)
    }

    /// Time from SIGTERM until no more connections are accepted.
    pub fn shutdown_delay(&self) -> Duration {
        Duration::from_secs(self.shutdown_delay_seconds)
    }
}

/// Whom a public door lets in.
#[derive(Args, Clone, Debug)]
pub struct DoorConfig {
    #[command(flatten)]
    pub listener: ListenerConfig,
    /// Where the door is.
    #[arg(long, env = "LISTEN_ADDR", default_value = "127.0.0.1:8080")]
    pub listen_addr: SocketAddr,
    /// Signs sessions: at least 64 bytes.
    #[arg(long, env = "SESSION_KEY", hide_env_values = true)]
    pub session_key: Secret,
    /// The key before this one; its sessions stay good, so that a rotation logs nobody out.
    #[arg(long, env = "SESSION_KEY_PREVIOUS", hide_env_values = true)]
    pub session_key_previous: Option<Secret>,
    /// Origins whose pages may change things and open WebSockets, separated by commas.
    #[arg(long, env = "ALLOWED_ORIGINS")]
    pub allowed_origins: AllowedOrigins,
    /// Where browsers reach us; on https the session cookie gets the `__Host-` prefix and `Secure`.
    #[arg(long, env = "PUBLIC_URL", default_value = "http://localhost:8080", value_parser = public_url)]
    pub public_url: String,
}

fn public_url(text: &str) -> Result<String, String> {
    let uri: ::http::Uri = text.parse().map_err(|error| format!("{error}"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(_)) => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("must start with http:// or https://".into()),
    }
}

impl DoorConfig {
    /// The keys that sign and verify sessions.
    pub fn session_keys(&self) -> SessionKeys {
        SessionKeys::new(
            &self.session_key,
            self.session_key_previous.as_ref(),
            self.public_url.starts_with("https://"),
        )
    }
}

/// A key that nobody gets to see.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Shorter keys are refused.
    pub const LEAST_BYTES: usize = 64;

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl FromStr for Secret {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() < Self::LEAST_BYTES {
            return Err(format!("is {} bytes long; {} are the least", text.len(), Self::LEAST_BYTES));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// A URL that may carry a password, which is not shown.
#[derive(Clone)]
pub struct Address(String);

impl Address {
    /// The URL as it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Address {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some((scheme, rest)) if !scheme.is_empty() && !rest.is_empty() => Ok(Self(text.to_owned())),
            _ => Err("must be a URL, such as scheme://host:port".into()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or_default();
        let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?(hidden)"));
        match rest.rsplit_once('@') {
            Some((user, host)) => {
                let user = user.split(':').next().unwrap_or_default();
                write!(f, "{scheme}://{user}:(secret)@{host}{query}")
            }
            None => write!(f, "{scheme}://{rest}{query}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_ever_printed() {
        let url: Address = "postgres://wildside:hunter2@db/wildside?password=hunter2".parse().unwrap();
        let key: Secret = "hunter2".repeat(10).parse().unwrap();
        let printed = format!("{url:?} {key:?}");
        assert!(!printed.contains("hunter2"), "{printed}");
        assert!(printed.contains("wildside") && printed.contains("db/wildside"), "{printed}");
    }

    #[test]
    fn a_wrong_secret_is_not_repeated() {
        #[derive(Parser, Debug)]
        struct Door {
            #[command(flatten)]
            door: DoorConfig,
        }
        let arguments = ["door", "--session-key", "hunter2", "--allowed-origins", "https://a.example"];
        let message = without_secrets(Door::try_parse_from(arguments).unwrap_err()).to_string();
        assert!(message.contains("session-key") && !message.contains("hunter2"), "{message}");
    }

    #[test]
    fn nonsense_is_refused() {
        assert!("short".parse::<Secret>().is_err());
        assert!("localhost".parse::<Address>().is_err());
        assert!(public_url("ftp://somewhere").is_err());
        assert!(log_filter("wildside=loudly").is_err());
    }
}
