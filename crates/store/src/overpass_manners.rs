//! Manners towards the Overpass API, which others run for all of us. They are kept in PostgreSQL, for all replicas
//! together: a process, or a Redis, that starts anew would start with a full budget.

use std::time::Duration;

use crate::{Database, StoreError};

/// Queries at once, by all replicas together.
pub const OVERPASS_AT_ONCE: i64 = 2;

/// After so many failures in a row one query at a time tells whether the API is back.
const BREAKER_FAILURES: i32 = 5;
/// The first pause after a failure; each further one doubles it.
const FIRST_PAUSE_S: f64 = 5.0;
/// The longest pause that we take by ourselves; the API may ask for a longer one.
const LONGEST_PAUSE_S: f64 = 3_600.0;

/// What may be used in a day (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverpassBudget {
    /// Queries.
    pub requests: i64,
    /// Bytes of answers.
    pub bytes: i64,
    /// The largest answer that is read: it is set aside before a query and settled after it, so that the budget is never
    /// overdrawn.
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
    // The row is the lock: whoever holds it decides alone.
    let state = sqlx::query!(
        r#"UPDATE overpass
           SET requests = CASE WHEN day = today THEN requests ELSE 0 END,
               bytes = CASE WHEN day = today THEN bytes ELSE 0 END, day = today
           FROM (SELECT (now() AT TIME ZONE 'UTC')::date AS today) AS clock
           RETURNING requests, bytes, failures,
                     extract(epoch FROM greatest(paused_until, now()) - now())::float8 AS "paused_s!",
                     extract(epoch FROM (today + 1)::timestamp AT TIME ZONE 'UTC' - now())::float8 AS "tomorrow_s!""#
    )
    .fetch_one(&mut *transaction)
    .await?;
    sqlx::query!("DELETE FROM overpass_turns WHERE until < now()").execute(&mut *transaction).await?;
    let taken = sqlx::query!(
        r#"SELECT count(*) AS "count!", coalesce(extract(epoch FROM min(until) - now()), 0)::float8 AS "free_s!"
           FROM overpass_turns"#
    )
    .fetch_one(&mut *transaction)
    .await?;
    let at_once = if state.failures >= BREAKER_FAILURES { 1 } else { OVERPASS_AT_ONCE };
    let wait_s = if state.paused_s > 0.0 {
        state.paused_s
    } else if state.requests >= budget.requests || state.bytes + budget.largest_answer > budget.bytes {
        state.tomorrow_s
    } else if taken.count >= at_once {
        // Most queries are over long before their time is.
        taken.free_s.clamp(0.1, 2.0)
    } else {
        0.0
    };
    if wait_s > 0.0 {
        transaction.commit().await?;
        return Ok(Turn::Wait(Duration::from_secs_f64(wait_s)));
    }
    sqlx::query!("UPDATE overpass SET requests = requests + 1, bytes = bytes + $1", budget.largest_answer)
        .execute(&mut *transaction)
        .await?;
    let turn = sqlx::query_scalar!(
        "INSERT INTO overpass_turns (day, until) SELECT day, now() + make_interval(secs => $1) FROM overpass RETURNING id",
        longest.as_secs_f64()
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Turn::Granted(turn))
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

/// Gives a turn back: what of the bytes that were set aside was not read, and after a failure a pause for everybody, of
/// the length that the API asked for, but never less than our own, which grows with each failure in a row and has a
/// jitter of a quarter. Returns that pause.
pub async fn end_turn(
    database: &Database,
    turn: i64,
    budget: OverpassBudget,
    bytes: i64,
    end: TurnEnd,
) -> Result<Duration, StoreError> {
    let (failed, retry_after) = match end {
        TurnEnd::Answered => (false, Duration::ZERO),
        TurnEnd::Unwelcome { retry_after } => (true, retry_after.unwrap_or_default()),
    };
    let mut transaction = database.begin().await?;
    // The same lock as in `take_turn`, and taken first as there.
    sqlx::query!("SELECT day FROM overpass FOR UPDATE").fetch_one(&mut *transaction).await?;
    // One that lasted too long is gone, and what was set aside for it counts as used.
    let day = sqlx::query_scalar!("DELETE FROM overpass_turns WHERE id = $1 RETURNING day", turn)
        .fetch_optional(&mut *transaction)
        .await?;
    let paused_s = sqlx::query_scalar!(
        r#"UPDATE overpass
           SET bytes = bytes - CASE WHEN day = $6 THEN $1::bigint ELSE 0 END, failures = CASE WHEN $2 THEN failures + 1 ELSE 0 END,
               paused_until = CASE
                   WHEN $2 THEN greatest(paused_until, now() + make_interval(secs => greatest($3,
                       least($4 * power(2, least(failures, 20)), $5) * (0.75 + random() / 2))))
                   ELSE paused_until END
           RETURNING extract(epoch FROM greatest(paused_until, now()) - now())::float8 AS "paused_s!""#,
        (budget.largest_answer - bytes).max(0),
        failed,
        retry_after.as_secs_f64(),
        FIRST_PAUSE_S,
        LONGEST_PAUSE_S,
        day
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Duration::from_secs_f64(paused_s))
}

/// Queries and bytes that are left for today.
pub async fn budget_left(database: &Database, budget: OverpassBudget) -> Result<(i64, i64), StoreError> {
    let used =
        sqlx::query!("SELECT requests, bytes FROM overpass WHERE day = (now() AT TIME ZONE 'UTC')::date")
            .fetch_optional(&database.pool)
            .await?;
    let (requests, bytes) = used.map_or((0, 0), |used| (used.requests, used.bytes));
    Ok(((budget.requests - requests).max(0), (budget.bytes - bytes).max(0)))
}
