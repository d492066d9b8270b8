//! The revocations that are still of use, in the memory of every replica: a look costs less than a microsecond.
//! PostgreSQL is asked every second for what is new; messages only make that quicker. While it is away, what is known
//! stays known.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use domain::{Revocation, RevokedSessions as Scope, UserId};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{Database, StoreError, revocations::RevocationRow};

/// How often PostgreSQL is asked.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How far back each question reaches: no transaction of ours takes so long between writing a revocation and its commit.
const MARGIN_SECONDS: f64 = 60.0;
/// How often everything is read again: an operator's transaction may have been open for longer than the margin.
const RELOAD_INTERVAL: Duration = Duration::from_secs(300);
/// Rows in one answer.
const PAGE: i64 = 10_000;

/// Which sessions are refused.
#[derive(Clone, Debug)]
pub struct RevokedSessions {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    walkers: RwLock<HashMap<UserId, OfWalker>>,
    loaded: AtomicBool,
    changes: watch::Sender<u64>,
}

/// What is refused of one walker.
#[derive(Debug, Default)]
struct OfWalker {
    erased: bool,
    begun_until: Option<(DateTime<Utc>, Option<Uuid>)>,
    sessions: Vec<Uuid>,
    expires_at: DateTime<Utc>,
}

impl OfWalker {
    /// Takes a revocation in; whether it was new.
    fn add(&mut self, revocation: &Revocation) -> bool {
        self.expires_at = self.expires_at.max(revocation.expires_at);
        match revocation.scope {
            Scope::One(session) => {
                let is_new = !self.sessions.contains(&session);
                if is_new {
                    self.sessions.push(session);
                }
                is_new
            }
            Scope::BegunUntil { time, kept } => {
                let is_newer = self.begun_until.is_none_or(|(known, _)| known < time);
                if is_newer {
                    self.begun_until = Some((time, kept));
                }
                is_newer
            }
            Scope::OfErased => !std::mem::replace(&mut self.erased, true),
        }
    }

    fn covers(&self, session: Uuid, begun: DateTime<Utc>) -> bool {
        let of_all = self.begun_until.is_some_and(|(time, kept)| begun <= time && kept != Some(session));
        self.erased || of_all || self.sessions.contains(&session)
    }
}

impl Default for RevokedSessions {
    fn default() -> Self {
        let (walkers, loaded, changes) = (RwLock::default(), AtomicBool::new(false), watch::Sender::new(0));
        Self { shared: Arc::new(Shared { walkers, loaded, changes }) }
    }
}

impl RevokedSessions {
    /// Whether a session is refused.
    pub fn contains(&self, user: UserId, session: Uuid, begun: DateTime<Utc>) -> bool {
        let walkers = self.shared.walkers.read().unwrap_or_else(PoisonError::into_inner);
        walkers.get(&user).is_some_and(|walker| walker.covers(session, begun))
    }

    /// Whether everything has been read once. Before that nobody can be let in.
    pub fn is_loaded(&self) -> bool {
        self.shared.loaded.load(Ordering::Acquire)
    }

    /// As a probe.
    pub async fn ready(&self) -> Result<(), String> {
        if self.is_loaded() { Ok(()) } else { Err("the revoked sessions have not been read yet".into()) }
    }

    /// Takes a revocation in at once. Returns whether it is the news that the walker was erased.
    pub fn add(&self, revocation: &Revocation) -> bool {
        !self.add_all(&[*revocation]).is_empty()
    }

    /// Changes whenever something new is refused.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// Walkers of whom something is refused.
    pub fn len(&self) -> usize {
        self.shared.walkers.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Nothing is refused.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn add_all(&self, revocations: &[Revocation]) -> Vec<UserId> {
        let mut erased = Vec::new();
        let mut any = false;
        {
            let mut walkers = self.shared.walkers.write().unwrap_or_else(PoisonError::into_inner);
            for revocation in revocations {
                let is_new = walkers.entry(revocation.user_id).or_default().add(revocation);
                any |= is_new;
                if is_new && revocation.scope == Scope::OfErased {
                    erased.push(revocation.user_id);
                }
            }
        }
        if any {
            self.shared.changes.send_modify(|changes| *changes += 1);
        }
        erased
    }

    /// Reads what is new, for as long as it is polled. `on_erased` is called for each walker who is erased from now on.
    pub async fn follow(&self, database: &Database, on_erased: impl Fn(UserId)) {
        let mut read_until = None;
        let mut reloaded = Instant::now();
        loop {
            if reloaded.elapsed() >= RELOAD_INTERVAL {
                (read_until, reloaded) = (None, Instant::now());
                self.drop_expired(Utc::now());
            }
            match self.read(database, read_until, &on_erased).await {
                Ok(time) => {
                    read_until = Some(time);
                    self.shared.loaded.store(true, Ordering::Release);
                }
                Err(error) => tracing::warn!(%error, "revoked sessions could not be read; trying again"),
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Reads what is newer than `after`, page by page. Returns the time up to which everything is known.
    async fn read(
        &self,
        database: &Database,
        after: Option<DateTime<Utc>>,
        on_erased: &impl Fn(UserId),
    ) -> Result<DateTime<Utc>, StoreError> {
        let now = sqlx::query_scalar!(
            r#"SELECT clock_timestamp() - make_interval(secs => $1) AS "now!""#,
            MARGIN_SECONDS
        )
        .fetch_one(&database.pool)
        .await?;
        let mut after = (after.unwrap_or(DateTime::UNIX_EPOCH), 0);
        loop {
            let page = page_after(database, after).await?;
            let revocations: Vec<Revocation> = page.iter().map(|row| row.into_revocation()).collect();
            let erased = self.add_all(&revocations);
            // At the start they were erased long ago.
            if self.is_loaded() {
                erased.into_iter().for_each(on_erased);
            }
            match page.last() {
                Some(last) if page.len() as i64 == PAGE => after = (last.revoked_at, last.id),
                _ => return Ok(now),
            }
        }
    }

    fn drop_expired(&self, now: DateTime<Utc>) {
        let mut walkers = self.shared.walkers.write().unwrap_or_else(PoisonError::into_inner);
        walkers.retain(|_, walker| walker.expires_at > now);
    }
}

async fn page_after(
    database: &Database,
    (time, id): (DateTime<Utc>, i64),
) -> Result<Vec<RevocationRow>, StoreError> {
    let rows = sqlx::query_as!(
        RevocationRow,
        "SELECT id, user_id, session_id, begun_until, kept_session, erased, revoked_at, expires_at
         FROM session_revocations
         WHERE (revoked_at, id) > ($1, $2) AND expires_at > now()
         ORDER BY revoked_at, id LIMIT $3",
        time,
        id,
        PAGE
    );
    Ok(rows.fetch_all(&database.pool).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALKER: UserId = UserId(Uuid::from_u128(1));

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap_or_default()
    }

    fn revocation(scope: Scope) -> Revocation {
        Revocation { user_id: WALKER, scope, expires_at: at(1_000) }
    }

    #[test]
    fn one_session_or_all_but_one_are_refused() {
        let (first, second, third) = (Uuid::from_u128(11), Uuid::from_u128(12), Uuid::from_u128(13));
        let revoked = RevokedSessions::default();
        revoked.add(&revocation(Scope::One(first)));
        assert!(revoked.contains(WALKER, first, at(0)));
        assert!(!revoked.contains(WALKER, second, at(0)));
        assert!(!revoked.contains(UserId(Uuid::from_u128(2)), first, at(0)));

        revoked.add(&revocation(Scope::BegunUntil { time: at(10), kept: Some(third) }));
        assert!(revoked.contains(WALKER, second, at(10)));
        assert!(!revoked.contains(WALKER, third, at(10)) && !revoked.contains(WALKER, second, at(11)));
        // An older one that arrives late takes nothing back.
        revoked.add(&revocation(Scope::BegunUntil { time: at(5), kept: Some(second) }));
        assert!(revoked.contains(WALKER, second, at(5)));

        revoked.add(&revocation(Scope::OfErased));
        assert!(revoked.contains(WALKER, third, at(500)));
    }

    #[test]
    fn what_is_known_already_is_no_change() {
        let revoked = RevokedSessions::default();
        let changes = revoked.changes();
        for scope in [Scope::One(Uuid::from_u128(11)), Scope::OfErased] {
            assert_eq!(revoked.add_all(&[revocation(scope)]).len(), usize::from(scope == Scope::OfErased));
            let before = *changes.borrow();
            assert!(revoked.add_all(&[revocation(scope)]).is_empty());
            assert_eq!(*changes.borrow(), before);
        }
    }

    #[test]
    fn what_has_expired_is_forgotten() {
        let revoked = RevokedSessions::default();
        revoked.add(&revocation(Scope::OfErased));
        revoked.drop_expired(at(999));
        assert_eq!(revoked.len(), 1);
        revoked.drop_expired(at(1_000));
        assert!(revoked.is_empty());
    }
}
