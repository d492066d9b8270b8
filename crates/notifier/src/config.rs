use clap::Parser;
use service::config::{DatabaseConfig, DoorConfig, NatsConfig, ReportingConfig, TlsConfig};

use crate::hub::Limits;

/// Tells walkers how their request is going (WebSocket).
#[derive(Clone, Debug, Parser)]
#[command(name = "notifier", version)]
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
    /// Seconds between pings; who does not answer two of them is gone.
    #[arg(long, env = "PING_SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=300))]
    pub ping_seconds: u64,
    /// WebSockets that one walker may have open at once on this replica.
    #[arg(long, env = "SOCKETS_PER_USER", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub sockets_per_user: u16,
    /// WebSockets that may be open at once from one address on this replica.
    #[arg(long, env = "SOCKETS_PER_ADDRESS", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub sockets_per_address: u32,
}

impl Config {
    /// How many WebSockets may be open at once. A handshake beyond needs a connection, too, to be told so.
    pub(crate) fn limits(&self) -> Limits {
        let connections = self.door.listener.max_connections();
        Limits {
            all: connections - connections / 16,
            per_address: self.sockets_per_address as usize,
            per_user: usize::from(self.sockets_per_user),
        }
    }
}
