use std::{sync::Arc, time::SystemTime};

use bus::Bus;
use domain::{Revocation, UserId};
use http::HeaderMap;
use service::{Session, SessionError, SharedSessionKeys, analytics::Analytics};
use store::{Database, RateLimiter, Redis, RevokedSessions};

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
    pub revoked: RevokedSessions,
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

    /// The session of a request, if it has not ended.
    pub(crate) fn session(&self, headers: &HeaderMap, now: SystemTime) -> Result<Session, SessionError> {
        let session = self.sessions.now().session(headers, now)?;
        if self.revoked.contains(UserId(session.user_id), session.id, session.begun) {
            return Err(SessionError::Revoked);
        }
        if self.revoked.is_loaded() { Ok(session) } else { Err(SessionError::Unchecked) }
    }

    /// Refuses sessions at this replica at once, and at the others when they hear of it.
    pub(crate) async fn refuse(&self, revocation: Revocation) {
        self.take_in(&revocation);
        if let Err(error) = self.bus.publish_revocation(revocation).await {
            tracing::warn!(%error, "the others read of a revocation a second later");
        }
    }

    fn take_in(&self, revocation: &Revocation) {
        if self.revoked.add(revocation) {
            self.analytics.forget(revocation.user_id.0);
        }
    }

    /// Takes in what other replicas, operators and SQL have revoked.
    pub(crate) async fn follow_revocations(self) {
        let hearing = self.bus.hear_revocations(|revocation| self.take_in(&revocation));
        let reading = self.revoked.follow(&self.database, |user| self.analytics.forget(user.0));
        let (heard, ()) = tokio::join!(hearing, reading);
        if let Err(error) = heard {
            tracing::error!(%error, "revocations are only read");
        }
    }
}
