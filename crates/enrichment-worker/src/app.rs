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
