use std::sync::Arc;

use service::SessionKeys;
use store::Database;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Config,
    hub::{Hub, Limits},
};

/// What sockets share.
#[derive(Clone)]
pub(crate) struct App {
    pub database: Database,
    pub sessions: SessionKeys,
    pub hub: Hub,
    pub limits: Limits,
    /// Held while a snapshot is read.
    pub snapshots: Arc<Semaphore>,
    pub sockets: TaskTracker,
    pub shutdown: CancellationToken,
    pub config: Arc<Config>,
}
