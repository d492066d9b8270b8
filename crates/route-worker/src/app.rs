use std::sync::Arc;

use bus::Bus;
use service::analytics::Analytics;
use store::{Database, Redis};
use tokio_util::sync::CancellationToken;

use crate::{Config, health::Health, idle::Idle, networks::Networks};

/// What a job is given.
#[derive(Clone)]
pub(crate) struct App {
    pub database: Database,
    pub redis: Redis,
    pub bus: Bus,
    pub analytics: Analytics,
    pub networks: Networks,
    pub health: Health,
    pub idle: Idle,
    pub shutdown: CancellationToken,
    pub config: Arc<Config>,
}

impl App {
    /// Takes up the secrets of settings that were read anew; links use them from the next connection on.
    pub fn take_up(&self, config: &Config) -> Result<(), String> {
        let links = || -> anyhow::Result<()> {
            let (database, redis) = (config.database.url(&config.tls)?, config.redis.url(&config.tls)?);
            self.bus.set_identity(&config.nats.url(&config.tls)?)?;
            self.redis.set_url(&redis)?;
            Ok(self.database.set_url(&database)?)
        };
        links().map_err(|error| error.to_string())
    }
}
