use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::{RevokedSessions as Scope, UserId};
use store::{RevokedSessions, revoke_session, revoke_sessions_of};
use uuid::Uuid;

use crate::{soon, stage::Stage};

/// What a replica knows that reads nothing but the database. It stops reading with its value.
struct Replica {
    revoked: RevokedSessions,
    reading: tokio::task::JoinHandle<()>,
}

impl Replica {
    async fn start(stage: &Stage) -> Self {
        let (revoked, database) = (RevokedSessions::default(), stage.database.clone());
        assert!(revoked.ready().await.is_err());
        let reader = revoked.clone();
        let reading = tokio::spawn(async move { reader.follow(&database, |_| {}).await });
        soon("the first reading", async || revoked.ready().await.is_ok()).await;
        Self { revoked, reading }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_reads_what_was_revoked_before_it_came_and_what_is_revoked_since() {
    let stage = Stage::new().await;
    let (walker, other) = (UserId(Uuid::now_v7()), UserId(Uuid::now_v7()));
    let [first, second, third] = [1, 2, 3].map(Uuid::from_u128);
    revoke_session(&stage.database, walker, first).await.unwrap();
    let replica = Replica::start(&stage).await;
    let knows = |user, session, begun| replica.revoked.contains(user, session, at(begun));
    assert!(knows(walker, first, 0) && !knows(walker, second, 0) && !knows(other, first, 0));

    revoke_sessions_of(&stage.database, walker, at(10), Some(third)).await.unwrap();
    soon("all of the walker's", async || knows(walker, second, 10)).await;
    assert!(!knows(walker, third, 10) && !knows(walker, second, 11) && !knows(other, second, 0));
    // However a walker goes.
    stage.sql(&format!("INSERT INTO users (id) VALUES ('{other}'); DELETE FROM users")).await;
    soon("the erased one's", async || knows(other, first, 1_000)).await;
    // A replica that comes later knows as much.
    let later = Replica::start(&stage).await;
    assert_eq!(later.revoked.len(), replica.revoked.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_whose_transaction_was_slow_is_read_although_later_ones_came_before_it() {
    let stage = Stage::new().await;
    let replica = Replica::start(&stage).await;
    let (slow, quick) = (UserId(Uuid::now_v7()), UserId(Uuid::now_v7()));
    stage.sql(&format!("INSERT INTO users (id) VALUES ('{slow}')")).await;
    let deleting = {
        let (stage, sql) = (
            stage.clone(),
            format!("BEGIN; DELETE FROM users WHERE id = '{slow}'; SELECT pg_sleep(4); COMMIT"),
        );
        tokio::spawn(async move { stage.sql(&sql).await })
    };
    tokio::time::sleep(Duration::from_millis(500)).await;
    revoke_session(&stage.database, quick, Uuid::nil()).await.unwrap();
    soon("the quick one", async || replica.revoked.contains(quick, Uuid::nil(), at(0))).await;
    assert!(!replica.revoked.contains(slow, Uuid::nil(), at(0)));
    deleting.await.unwrap();
    soon("the slow one", async || replica.revoked.contains(slow, Uuid::nil(), at(0))).await;
}

#[tokio::test]
async fn revoking_again_adds_no_row_and_takes_nothing_back() {
    let stage = Stage::new().await;
    let walker = UserId(Uuid::now_v7());
    for time in [20, 30, 10] {
        let revocation = revoke_sessions_of(&stage.database, walker, at(time), None).await.unwrap();
        assert_eq!(
            revocation.scope,
            Scope::BegunUntil { time: at(time.max(if time == 10 { 30 } else { 0 })), kept: None }
        );
        revoke_session(&stage.database, walker, Uuid::nil()).await.unwrap();
    }
    assert_eq!(stage.count("session_revocations").await, 2);
    stage.sql(&format!("INSERT INTO users (id) VALUES ('{walker}'); DELETE FROM users")).await;
    let revocation = revoke_sessions_of(&stage.database, walker, at(40), None).await.unwrap();
    assert_eq!(revocation.scope, Scope::OfErased);
    assert_eq!(stage.count("session_revocations WHERE erased").await, 1);
}
