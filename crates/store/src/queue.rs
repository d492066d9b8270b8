//! The order in which requests are served, and the wait that a newcomer has to expect.
//!
//! Self-clocked fair queueing (Golestani, INFOCOM 1994). Each request gets a finish tag when it is accepted: the later
//! of the virtual time and the tag of the last open request of the same source, plus its own cost. The lowest tag is
//! claimed first; the virtual time is the tag of what was claimed last. So sources share the workers by cost, however
//! many requests each of them has waiting, and a short request is not behind the long ones of another source.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Database, StoreError};

/// Open requests that are accepted while no worker is alive, and so no wait can be told.
const MAX_OPEN_WITHOUT_WORKERS: i64 = 500;

/// How much may be open at once, and how long anybody may have to wait.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdmissionLimits {
    /// Open requests of one walker.
    pub open_per_user: i64,
    /// Cost of the open requests of one source.
    pub open_cost_per_source: f64,
    /// Seconds.
    pub max_wait_s: f64,
}

/// Why a request is not accepted now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rejection {
    /// The walker has as many open requests as one may have.
    OpenPerUser,
    /// The source has as much open work as one may have.
    OpenPerSource,
    /// It would wait for so many seconds, which is longer than anybody should; `None` where no worker is alive.
    Busy(Option<f64>),
}

/// The place of a request in the queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    pub finish_tag: f64,
    /// Seconds until it is taken up; `None` where no worker is alive.
    pub wait_s: Option<f64>,
}

/// Finds the place of a newcomer, unless a limit is against it. Requests of one source find theirs one after the other.
pub(crate) async fn find_place(
    connection: &mut PgConnection,
    user: Uuid,
    source: Option<&str>,
    cost: f32,
    limits: AdmissionLimits,
) -> Result<Result<Place, Rejection>, StoreError> {
    if let Some(source) = source {
        // A statement of its own: the next one has to see what the holder of the lock has written.
        sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", source)
            .execute(&mut *connection)
            .await?;
    }
    let row = sqlx::query!(
        r#"WITH virtual AS (
               SELECT coalesce((SELECT max(finish_tag) FROM route_requests WHERE status = 'in_progress'),
                               (SELECT finish_tag - cost FROM route_requests WHERE status = 'pending'
                                ORDER BY finish_tag, id LIMIT 1), 0) AS tag),
           own AS (
               SELECT max(finish_tag) AS tag, coalesce(sum(cost), 0) AS cost FROM route_requests
               WHERE source = $2 AND status IN ('pending', 'in_progress')),
           place AS (
               SELECT greatest(virtual.tag, own.tag) + $3::real AS tag, own.cost FROM virtual, own)
           SELECT tag AS "tag!", cost::float8 AS "source_cost!", route_queue_wait_s(tag) AS wait_s,
                  (SELECT count(*) FROM route_requests
                   WHERE user_id = $1 AND status IN ('pending', 'in_progress')) AS "open_of_user!",
                  (SELECT count(*) FROM (
                       SELECT FROM route_requests WHERE status IN ('pending', 'in_progress') LIMIT $4) AS open) AS "open!"
           FROM place"#,
        user,
        source,
        cost,
        MAX_OPEN_WITHOUT_WORKERS
    )
    .fetch_one(connection)
    .await?;
    let is_too_long = match row.wait_s {
        Some(wait_s) => wait_s > limits.max_wait_s,
        None => row.open >= MAX_OPEN_WITHOUT_WORKERS,
    };
    Ok(if row.open_of_user >= limits.open_per_user {
        Err(Rejection::OpenPerUser)
    // Whoever has nothing open may ask for anything.
    } else if row.source_cost > 0.0 && row.source_cost + f64::from(cost) > limits.open_cost_per_source {
        Err(Rejection::OpenPerSource)
    } else if is_too_long {
        Err(Rejection::Busy(row.wait_s))
    } else {
        Ok(Place { finish_tag: row.tag, wait_s: row.wait_s })
    })
}

/// What waits and what is in hand, for those who watch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QueueState {
    /// Requests that wait for a worker.
    pub waiting: i64,
    /// Seconds that the one which waits for longest has waited.
    pub oldest_s: f64,
    /// Seconds that somebody new, with an ordinary request, has to expect; `None` where no worker is alive.
    pub expected_wait_s: Option<f64>,
}

/// Looks at the queue.
pub async fn queue_state(database: &Database) -> Result<QueueState, StoreError> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "waiting!",
                  coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS "oldest_s!",
                  route_queue_wait_s('infinity') AS expected_wait_s
           FROM route_requests WHERE status = 'pending'"#
    )
    .fetch_one(&database.pool)
    .await?;
    Ok(QueueState { waiting: row.waiting, oldest_s: row.oldest_s, expected_wait_s: row.expected_wait_s })
}

/// Writes that a route worker is alive and how much it can do: `seconds_per_cost` is what one of its slots takes for a
/// request of cost 1. As it is a write, it also shows whether the database takes any.
pub async fn report_worker(
    database: &Database,
    worker: Uuid,
    slots: u16,
    seconds_per_cost: f32,
) -> Result<(), StoreError> {
    sqlx::query!(
        "WITH gone AS (DELETE FROM route_workers WHERE seen_at < now() - interval '1 hour')
         INSERT INTO route_workers (id, slots, seconds_per_cost) VALUES ($1, $2, $3)
         ON CONFLICT (id) DO UPDATE
         SET slots = excluded.slots, seconds_per_cost = excluded.seconds_per_cost, seen_at = now()",
        worker,
        i32::from(slots),
        seconds_per_cost
    )
    .execute(&database.pool)
    .await?;
    Ok(())
}

/// A route worker takes no more requests.
pub async fn remove_worker(database: &Database, worker: Uuid) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM route_workers WHERE id = $1", worker).execute(&database.pool).await?;
    Ok(())
}
