//! Manners towards the Overpass API, which others run for all of us. They are kept in PostgreSQL, for all replicas
//! together: a process, or a Redis, that starts anew would start with a full budget.

use std::time::Duration;

use sqlx::PgConnection;

use crate::{Database, StoreError};

/// Queries at once, by all replicas together.
pub const OVERPASS_AT_ONCE: i64 = 2;

/// After so many failures in a row one query at a time tells whether the API is back.
const BREAKER_FAILURES: i32 = 5;
/// The first pause after a failure; each further one doubles it.
const FIRST_PAUSE_S: f64 = 5.0;
/// The longest pause that we take by ourselves; the API may ask for a longer one.
const LONGEST_PAUSE_S: f64 = 3_600.0;
/// The longest pause at all. The budget is that of a day, so an API is asked once a day at the least whether it still wants
/// to be left alone: a slip of its proxy must not silence us for years.
pub const OVERPASS_MAX_PAUSE: Duration = Duration::from_secs(24 * 3_600);

/// What may be used in a day (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverpassBudget {
    /// Queries.
    pub requests: i64,
    /// Bytes of answers.
    pub bytes: i64,
    /// The largest answer that is read: as long as a query is under way so much is set aside for it, so that the budget is
    /// never overdrawn.
    pub largest_answer: i64,
}

/// The answer to one who wants to ask.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Turn {
    /// Now; under this number the end is told.
    Granted(i64),
    /// After so long: the API asked for a pause, the day's budget is used up, or others are asking.
    Wait(Duration),
}

/// Takes a turn. It lasts for `longest`, after which its place is free again whatever became of the query.
pub async fn take_turn(
    database: &Database,
    budget: OverpassBudget,
    longest: Duration,
) -> Result<Turn, StoreError> {
    let mut transaction = database.begin().await?;
    // The row is the lock: whoever holds it decides alone. A pause that was noted before there was a longest one ends in time.
    let state = sqlx::query!(
        r#"UPDATE overpass
           SET requests = CASE WHEN day = today THEN requests ELSE 0 END,
               bytes = CASE WHEN day = today THEN bytes ELSE 0 END, day = today,
               paused_until = least(paused_until, now() + make_interval(secs => $1))
           FROM (SELECT (now() AT TIME ZONE 'UTC')::date AS today) AS clock
           RETURNING requests, failures,
                     extract(epoch FROM greatest(paused_until, now()) - now())::float8 AS "paused_s!",
                     extract(epoch FROM (today + 1)::timestamp AT TIME ZONE 'UTC' - now())::float8 AS "tomorrow_s!""#,
        OVERPASS_MAX_PAUSE.as_secs_f64()
    )
    .fetch_one(&mut *transaction)
    .await?;
    let bytes = charge_expired_turns(&mut transaction, budget).await?;
    let taken = sqlx::query!(
        r#"SELECT count(*) AS "count!", count(*) FILTER (WHERE turn.day = overpass.day) AS "today!",
                  coalesce(extract(epoch FROM min(until) - now()), 0)::float8 AS "free_s!"
           FROM overpass_turns AS turn, overpass"#
    )
    .fetch_one(&mut *transaction)
    .await?;
    let at_once = if state.failures >= BREAKER_FAILURES { 1 } else { OVERPASS_AT_ONCE };
    let set_aside = taken.today.saturating_mul(budget.largest_answer);
    let wait_s = if state.paused_s > 0.0 {
        state.paused_s
    } else if state.requests >= budget.requests || budget.largest_answer > budget.bytes - bytes {
        state.tomorrow_s
    } else if taken.count >= at_once || budget.largest_answer > budget.bytes - bytes - set_aside {
        // Most queries are over long before their time is.
        taken.free_s.clamp(0.1, 2.0)
    } else {
        0.0
    };
    if wait_s > 0.0 {
        transaction.commit().await?;
        return Ok(Turn::Wait(Duration::from_secs_f64(wait_s)));
    }
    sqlx::query!("UPDATE overpass SET requests = requests + 1").execute(&mut *transaction).await?;
    let turn = sqlx::query_scalar!(
        "INSERT INTO overpass_turns (day, until) SELECT day, now() + make_interval(secs => $1) FROM overpass RETURNING id",
        longest.as_secs_f64()
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Turn::Granted(turn))
}

/// Ends the turns whose askers died. What they read nobody knows: each is charged what a turn of today has cost on average
/// (nothing where it is the first), so that crashes do not use up a day that answers would not. Returns the bytes of today.
async fn charge_expired_turns(
    connection: &mut PgConnection,
    budget: OverpassBudget,
) -> Result<i64, StoreError> {
    let expired = sqlx::query_scalar!(
        r#"WITH expired AS (DELETE FROM overpass_turns WHERE until < now() RETURNING day)
           SELECT count(*) AS "today!" FROM expired JOIN overpass USING (day)"#
    )
    .fetch_one(&mut *connection)
    .await?;
    let bytes = sqlx::query_scalar!(
        "UPDATE overpass
         SET bytes = bytes + $1 * least($2, bytes / greatest(1, requests - $1 - (
                 SELECT count(*) FROM overpass_turns AS open WHERE open.day = overpass.day)))
         RETURNING bytes",
        expired,
        budget.largest_answer
    )
    .fetch_one(connection)
    .await?;
    Ok(bytes)
}

/// How a query went, as far as manners go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnEnd {
    /// There was an answer, good or bad.
    Answered,
    /// The API cannot, or does not want to, answer now; it may have said for how long.
    Unwelcome {
        /// As the API asked.
        retry_after: Option<Duration>,
    },
}

/// Ends a turn: the bytes that were read are charged, and a failure means a pause for everybody, of the length that the API
/// asked for ([`OVERPASS_MAX_PAUSE`] at most), but never less than our own, which grows with each failure in a row and has
/// a jitter of a quarter. Returns that pause.
pub async fn end_turn(
    database: &Database,
    turn: i64,
    budget: OverpassBudget,
    bytes: i64,
    end: TurnEnd,
) -> Result<Duration, StoreError> {
    let (failed, retry_after) = match end {
        TurnEnd::Answered => (false, Duration::ZERO),
        TurnEnd::Unwelcome { retry_after } => (true, retry_after.unwrap_or_default().min(OVERPASS_MAX_PAUSE)),
    };
    let mut transaction = database.begin().await?;
    // The same lock as in `take_turn`, and taken first as there.
    sqlx::query!("SELECT day FROM overpass FOR UPDATE").fetch_one(&mut *transaction).await?;
    // One that lasted too long is gone, and was charged.
    let day = sqlx::query_scalar!("DELETE FROM overpass_turns WHERE id = $1 RETURNING day", turn)
        .fetch_optional(&mut *transaction)
        .await?;
    let paused_s = sqlx::query_scalar!(
        r#"UPDATE overpass
           SET bytes = bytes + CASE WHEN day = $6 THEN $1::bigint ELSE 0 END,
               failures = CASE WHEN $2 THEN least(failures, 1000000) + 1 ELSE 0 END,
               paused_until = least(now() + make_interval(secs => $7), CASE
                   WHEN $2 THEN greatest(paused_until, now() + make_interval(secs => greatest($3,
                       least($4 * power(2, least(failures, 20)), $5) * (0.75 + random() / 2))))
                   ELSE paused_until END)
           RETURNING extract(epoch FROM greatest(paused_until, now()) - now())::float8 AS "paused_s!""#,
        bytes.clamp(0, budget.largest_answer.max(0)),
        failed,
        retry_after.as_secs_f64(),
        FIRST_PAUSE_S,
        LONGEST_PAUSE_S,
        day,
        OVERPASS_MAX_PAUSE.as_secs_f64()
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Duration::from_secs_f64(paused_s))
}

/// Queries and bytes that are left for today; what is set aside for queries under way is not.
pub async fn budget_left(database: &Database, budget: OverpassBudget) -> Result<(i64, i64), StoreError> {
    let state = overpass_state(database).await?;
    let set_aside = state.open_turns.saturating_mul(budget.largest_answer);
    let bytes = budget.bytes.saturating_sub(state.bytes).saturating_sub(set_aside);
    Ok(((budget.requests - state.requests).max(0), bytes.max(0)))
}

/// How we stand with the API, for an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverpassState {
    /// Queries of today (UTC).
    pub requests: i64,
    /// Bytes of answers read today.
    pub bytes: i64,
    /// Queries under way.
    pub open_turns: i64,
    /// Since the last answer that was one.
    pub failures: i32,
    /// How long nobody asks from now on; zero where there is no pause.
    pub pause: Duration,
    /// Questions of walkers that wait for their turn, or for a pause to be over.
    pub waiting: i64,
}

/// How we stand with the API.
pub async fn overpass_state(database: &Database) -> Result<OverpassState, StoreError> {
    let row = sqlx::query!(
        r#"SELECT CASE WHEN day = today THEN requests ELSE 0 END AS "requests!",
                  CASE WHEN day = today THEN bytes ELSE 0 END AS "bytes!", failures,
                  (SELECT count(*) FROM overpass_turns WHERE until >= now()) AS "open_turns!",
                  (SELECT count(*) FROM enrichments WHERE status = 'wanted') AS "waiting!",
                  extract(epoch FROM greatest(now(), least(paused_until, now() + make_interval(secs => $1)))
                          - now())::float8 AS "paused_s!"
           FROM overpass, (SELECT (now() AT TIME ZONE 'UTC')::date AS today) AS clock"#,
        OVERPASS_MAX_PAUSE.as_secs_f64()
    )
    .fetch_one(&database.pool)
    .await?;
    Ok(OverpassState {
        requests: row.requests,
        bytes: row.bytes,
        open_turns: row.open_turns,
        failures: row.failures,
        pause: Duration::from_secs_f64(row.paused_s),
        waiting: row.waiting,
    })
}

/// Ends the pause and forgets the failures; questions that were put off for it are due at once. Returns how many those are.
pub async fn resume_overpass(database: &Database) -> Result<u64, StoreError> {
    let mut transaction = database.begin().await?;
    sqlx::query!("UPDATE overpass SET paused_until = '-infinity', failures = 0")
        .execute(&mut *transaction)
        .await?;
    let due =
        sqlx::query!("UPDATE enrichments SET due_at = now() WHERE status = 'wanted' AND due_at > now()")
            .execute(&mut *transaction)
            .await?;
    transaction.commit().await?;
    Ok(due.rows_affected())
}
