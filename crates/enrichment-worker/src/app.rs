use std::sync::Arc;

use bus::Bus;
use domain::ThemeCatalogue;
use store::Database;
use tokio_util::sync::CancellationToken;

use crate::{Config, overpass::Overpass};

/// What a job is given.
#[derive(Clone)]
pub(crate) struct App {
    pub database: Database,
    pub bus: Bus,
    /// `None` where nobody is to be asked.
    pub overpass: Option<Overpass>,
    pub catalogue: Arc<ThemeCatalogue>,
    pub shutdown: CancellationToken,
    pub config: Arc<Config>,
}

impl App {
    /// Takes up the secrets of settings that were read anew; links use them from the next connection on.
    pub fn take_up(&self, config: &Config) -> Result<(), String> {
        let links = || -> anyhow::Result<()> {
            let database = config.database.url(&config.tls)?;
            self.bus.set_identity(&config.nats.url(&config.tls)?)?;
            Ok(self.database.set_url(&database)?)
        };
        links().map_err(|error| error.to_string())
    }
}
