//! Groups of settings that several services share, each read from the environment by clap. A service that is told
//! nonsense says what and stops; one that starts logs what it was told, without the secrets.

mod address;
mod files;
mod links;
mod secret;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;

use crate::{
    AllowedOrigins, SessionKeys, open_files,
    tls::{certificate_file, key_file},
};

pub use address::Address;
pub use files::{parse, read_again, read_from};
pub use links::LinkError;
pub use secret::{ApiKey, Password, Secret};

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

/// Whom connections over TLS trust, and how we are known there.
#[derive(Args, Clone, Debug, Default)]
pub struct TlsConfig {
    /// Certificates (PEM) that are trusted by every link, besides those of the system: a private CA.
    #[arg(long, env = "TLS_CA_FILE", value_parser = certificate_file)]
    pub tls_ca_file: Option<PathBuf>,
    /// Our certificate (PEM), for servers that ask for one.
    #[arg(long, env = "TLS_CLIENT_CERT_FILE", value_parser = certificate_file, requires = "tls_client_key_file")]
    pub tls_client_cert_file: Option<PathBuf>,
    /// The private key (PEM) of our certificate.
    #[arg(long, env = "TLS_CLIENT_KEY_FILE", value_parser = key_file, requires = "tls_client_cert_file")]
    pub tls_client_key_file: Option<PathBuf>,
}

/// Where PostgreSQL is.
#[derive(Args, Clone, Debug)]
pub struct DatabaseConfig {
    /// PostgreSQL with PostGIS, such as `postgres://wildside@db/wildside?sslmode=verify-full`.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Address,
    /// The password, where the URL has none.
    #[arg(long, env = "DATABASE_PASSWORD", hide_env_values = true)]
    pub database_password: Option<Password>,
    /// Trusted for this link (PEM). With it the server must prove by TLS that it is the one that the URL names.
    #[arg(long, env = "DATABASE_CA_FILE", value_parser = certificate_file)]
    pub database_ca_file: Option<PathBuf>,
    /// Our certificate (PEM) for this link.
    #[arg(long, env = "DATABASE_CLIENT_CERT_FILE", value_parser = certificate_file, requires = "database_client_key_file")]
    pub database_client_cert_file: Option<PathBuf>,
    /// The private key (PEM) of our certificate for this link.
    #[arg(long, env = "DATABASE_CLIENT_KEY_FILE", value_parser = key_file, requires = "database_client_cert_file")]
    pub database_client_key_file: Option<PathBuf>,
    /// Most connections that this process holds.
    #[arg(long, env = "DATABASE_MAX_CONNECTIONS", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub database_max_connections: u32,
}

/// Where NATS is, and who we are there: a user, a token, an nkey or credentials, one of them.
#[derive(Args, Clone, Debug)]
pub struct NatsConfig {
    /// NATS 2.11 or newer with JetStream, such as `nats://nats:4222`; `tls://` where nothing is to be said in the open.
    /// Several of a cluster are separated by commas.
    #[arg(long, env = "NATS_URL", hide_env_values = true)]
    pub nats_url: Address,
    /// The user.
    #[arg(long, env = "NATS_USER", requires = "nats_password", conflicts_with_all = ["nats_token", "nats_nkey_seed", "nats_creds"])]
    pub nats_user: Option<String>,
    /// The user's password.
    #[arg(long, env = "NATS_PASSWORD", hide_env_values = true, requires = "nats_user")]
    pub nats_password: Option<Password>,
    /// A token, instead of a user.
    #[arg(long, env = "NATS_TOKEN", hide_env_values = true, conflicts_with_all = ["nats_nkey_seed", "nats_creds"])]
    pub nats_token: Option<Password>,
    /// The seed of an nkey (SU...), instead of a user.
    #[arg(long, env = "NATS_NKEY_SEED", hide_env_values = true, conflicts_with = "nats_creds")]
    pub nats_nkey_seed: Option<Password>,
    /// The content of a credentials file (a JWT and its seed), instead of a user; usually given as NATS_CREDS_FILE.
    #[arg(long, env = "NATS_CREDS", hide_env_values = true)]
    pub nats_creds: Option<Password>,
    /// Trusted for this link (PEM); with it the link is only made over TLS.
    #[arg(long, env = "NATS_CA_FILE", value_parser = certificate_file)]
    pub nats_ca_file: Option<PathBuf>,
    /// Our certificate (PEM) for this link.
    #[arg(long, env = "NATS_CLIENT_CERT_FILE", value_parser = certificate_file, requires = "nats_client_key_file")]
    pub nats_client_cert_file: Option<PathBuf>,
    /// The private key (PEM) of our certificate for this link.
    #[arg(long, env = "NATS_CLIENT_KEY_FILE", value_parser = key_file, requires = "nats_client_cert_file")]
    pub nats_client_key_file: Option<PathBuf>,
}

/// Where Redis is.
#[derive(Args, Clone, Debug)]
pub struct RedisConfig {
    /// Redis, such as `redis://redis:6379`, or `rediss://user@redis:6379` over TLS.
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Address,
    /// The password, where the URL has none.
    #[arg(long, env = "REDIS_PASSWORD", hide_env_values = true)]
    pub redis_password: Option<Password>,
    /// Trusted for this link (PEM).
    #[arg(long, env = "REDIS_CA_FILE", value_parser = certificate_file)]
    pub redis_ca_file: Option<PathBuf>,
    /// Our certificate (PEM) for this link.
    #[arg(long, env = "REDIS_CLIENT_CERT_FILE", value_parser = certificate_file, requires = "redis_client_key_file")]
    pub redis_client_cert_file: Option<PathBuf>,
    /// The private key (PEM) of our certificate for this link.
    #[arg(long, env = "REDIS_CLIENT_KEY_FILE", value_parser = key_file, requires = "redis_client_cert_file")]
    pub redis_client_key_file: Option<PathBuf>,
    /// Mebibytes of Redis that cached routes may take.
    #[arg(long, env = "ROUTE_CACHE_MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub route_cache_mib: u32,
}

/// Where events for product analytics are sent.
#[derive(Args, Clone, Debug)]
pub struct AnalyticsConfig {
    /// PostHog's key of the project. Empty: nothing is sent.
    #[arg(long, env = "POSTHOG_API_KEY", hide_env_values = true, default_value = "")]
    pub posthog_api_key: ApiKey,
    /// PostHog's address.
    #[arg(long, env = "POSTHOG_HOST", hide_env_values = true, default_value = "https://eu.i.posthog.com")]
    pub posthog_host: Address,
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
    /// Days after which a session ends, however often its cookie was renewed.
    #[arg(long, env = "SESSION_MAX_DAYS", default_value_t = 730, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub session_max_days: u32,
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
        .lasting(Duration::from_secs(u64::from(self.session_max_days) * 24 * 60 * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused() {
        assert!("short".parse::<Secret>().is_err());
        assert!("localhost".parse::<Address>().is_err());
        assert!(public_url("ftp://somewhere").is_err());
        assert!(log_filter("wildside=loudly").is_err());
    }
}
