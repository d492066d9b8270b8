use std::sync::Arc;

use bus::Bus;
use service::analytics::Analytics;
use store::{Database, Redis};

use crate::{Config, networks::Networks};

/// What a job is given.
#[derive(Clone)]
pub(crate) struct App {
    pub database: Database,
    pub redis: Redis,
    pub bus: Bus,
    pub analytics: Analytics,
    pub networks: Networks,
    pub config: Arc<Config>,
}
