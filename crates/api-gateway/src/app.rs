use std::sync::Arc;

use bus::Bus;
use service::{SharedSessionKeys, analytics::Analytics};
use store::{Database, RateLimiter, Redis};

use crate::Config;

/// What handlers share.
#[derive(Clone)]
pub(crate) struct App {
    pub database: Database,
    pub redis: Redis,
    pub bus: Bus,
    pub analytics: Analytics,
    pub limiter: RateLimiter,
    pub sessions: SharedSessionKeys,
    /// For Martin, which is not on the outside.
    pub http: reqwest::Client,
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
        links().map_err(|error| error.to_string())?;
        self.sessions.replace(config.door.session_keys());
        Ok(())
    }
}
