use std::sync::Arc;

use bus::Bus;
use service::SharedSessionKeys;
use store::Database;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Config, hub::Hub};

/// What sockets share.
#[derive(Clone)]
pub(crate) struct App {
    pub database: Database,
    pub sessions: SharedSessionKeys,
    pub hub: Hub,
    /// Held while a snapshot is read.
    pub snapshots: Arc<Semaphore>,
    pub sockets: TaskTracker,
    pub shutdown: CancellationToken,
    pub config: Arc<Config>,
}

impl App {
    /// Takes up the secrets of settings that were read anew; links use them from the next connection on.
    pub fn take_up(&self, bus: &Bus, config: &Config) -> Result<(), String> {
        let links = || -> anyhow::Result<()> {
            let database = config.database.url(&config.tls)?;
            bus.set_identity(&config.nats.url(&config.tls)?)?;
            Ok(self.database.set_url(&database)?)
        };
        links().map_err(|error| error.to_string())?;
        self.sessions.replace(config.door.session_keys());
        Ok(())
    }
}
