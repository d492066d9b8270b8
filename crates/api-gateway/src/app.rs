use std::sync::Arc;

use bus::Bus;
use service::{SessionKeys, analytics::Analytics};
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
    pub sessions: SessionKeys,
    /// For Martin, which is not on the outside.
    pub http: reqwest::Client,
    pub config: Arc<Config>,
}
