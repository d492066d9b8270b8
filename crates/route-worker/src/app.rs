use std::sync::Arc;

use bus::Bus;
use store::{Database, Redis};

use crate::{Config, networks::Networks};

/// What a job is given.
#[derive(Clone)]
pub(crate) struct App {
    pub database: Database,
    pub redis: Redis,
    pub bus: Bus,
    pub networks: Networks,
    pub config: Arc<Config>,
}
