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
