use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bus::Bus;
use domain::UserId;
use http::HeaderMap;
use service::{Session, SessionError, SharedSessionKeys};
use store::{Database, RevokedSessions};
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
    pub sessions: SharedSessionKeys,
    pub revoked: RevokedSessions,
    pub hub: Hub,
    pub limits: Limits,
    /// Held while a snapshot is read.
    pub snapshots: Arc<Semaphore>,
    pub sockets: TaskTracker,
    pub shutdown: CancellationToken,
    pub config: Arc<Config>,
}

/// So long the next revocations are waited for before all sockets are looked through.
const GATHERING: Duration = Duration::from_millis(200);

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

    /// The session of a handshake, if it has not ended.
    pub(crate) fn session(&self, headers: &HeaderMap) -> Result<Session, SessionError> {
        let session = self.sessions.now().session(headers, SystemTime::now())?;
        if self.is_revoked(&session) {
            return Err(SessionError::Revoked);
        }
        if self.revoked.is_loaded() { Ok(session) } else { Err(SessionError::Unchecked) }
    }

    pub(crate) fn is_revoked(&self, session: &Session) -> bool {
        self.revoked.contains(UserId(session.user_id), session.id, session.begun)
    }

    /// Takes in which sessions have ended, and closes their sockets, for as long as it is polled.
    pub(crate) async fn follow_revocations(self, bus: Bus) {
        let hearing = bus.hear_revocations(|revocation| _ = self.revoked.add(&revocation));
        let reading = self.revoked.follow(&self.database, |_| {});
        let closing = async {
            let mut changes = self.revoked.changes();
            while changes.changed().await.is_ok() {
                self.hub.end_sockets(|session| self.is_revoked(session));
                tokio::time::sleep(GATHERING).await;
            }
        };
        let (heard, (), ()) = tokio::join!(hearing, reading, closing);
        if let Err(error) = heard {
            tracing::error!(%error, "revocations are only read");
        }
    }
}
