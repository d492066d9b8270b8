//! What walkers wanted and we had too little of: wanted, tried by one worker at a time, and known well enough for a
//! while. The places themselves are written by `ingests/learn.rs`.

mod news;
mod overview;

use std::time::Duration;

use domain::{RequestId, SearchArea, ThemeId};

use crate::{Database, OVERPASS_MAX_PAUSE, StoreError};

pub use news::{EnrichmentNews, NewsOf, forget_untold, told, untold};
pub use overview::{EnrichmentRow, enrichments};

/// After so many failures in a row an enrichment is left alone for a day.
const MOST_FAILURES: i32 = 5;
/// An area that nobody wanted for so long is not kept fresh.
const WANTED_WITHIN_DAYS: i32 = 90;

/// A job to publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedEnrichment {
    /// Where.
    pub area: SearchArea,
    /// Of what.
    pub theme_id: ThemeId,
    /// How often its job was published, this time included: part of the message's id.
    pub publication: i32,
}

/// Notes that a request found too few places of some themes in an area. Returns the jobs to publish: none where the same
/// was wanted a moment ago, and none where it is known well enough.
pub async fn want_enrichment(
    database: &Database,
    request: RequestId,
    area: SearchArea,
    themes: &[ThemeId],
) -> Result<Vec<WantedEnrichment>, StoreError> {
    // In one order, so that two requests never wait for each other.
    let mut themes: Vec<uuid::Uuid> = themes.iter().map(|theme| theme.0).collect();
    themes.sort_unstable();
    let bounds = area.bounds();
    let mut transaction = database.begin().await?;
    let rows = sqlx::query!(
        r#"INSERT INTO enrichments AS e (area, theme_id, bounds)
           SELECT $1, theme, ST_MakeEnvelope($3, $4, $5, $6, 4326) FROM unnest($2::uuid[]) AS theme
           WHERE NOT EXISTS (
               SELECT FROM enrichments AS wider
               WHERE wider.theme_id = theme AND wider.area <> $1 AND wider.status = 'done' AND wider.due_at > now()
                 AND ST_Covers(wider.bounds, ST_MakeEnvelope($3, $4, $5, $6, 4326)))
           ON CONFLICT (area, theme_id) DO UPDATE
           SET wanted_at = now(),
               status = CASE WHEN e.due_at <= now() THEN 'wanted' ELSE e.status END,
               failures = CASE WHEN e.status <> 'wanted' AND e.due_at <= now() THEN 0 ELSE e.failures END,
               publications = e.publications + CASE WHEN e.status <> 'wanted' AND e.due_at <= now() THEN 1 ELSE 0 END,
               published_at = CASE WHEN e.status <> 'wanted' AND e.due_at <= now() THEN now() ELSE e.published_at END
           RETURNING theme_id, publications, published_at = now() AS "publish!""#,
        area.to_string(),
        &themes,
        bounds.min_lon,
        bounds.min_lat,
        bounds.max_lon,
        bounds.max_lat
    )
    .fetch_all(&mut *transaction)
    .await?;
    // What was learnt while this walk was made it does not know of.
    sqlx::query!(
        "INSERT INTO enrichment_requests (area, theme_id, request_id, walk_told)
         SELECT e.area, e.theme_id, asked.id, false FROM enrichments AS e, route_requests AS asked
         WHERE e.area = $1 AND e.theme_id = ANY($2) AND asked.id = $3
           AND (e.status = 'wanted' OR e.status = 'done' AND e.finished_at > asked.created_at)
         ON CONFLICT DO NOTHING",
        area.to_string(),
        &themes,
        request.0
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let jobs = rows.iter().filter(|row| row.publish).map(|row| WantedEnrichment {
        area,
        theme_id: ThemeId(row.theme_id),
        publication: row.publications,
    });
    Ok(jobs.collect())
}

/// What a worker that wants an enrichment gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrichmentClaim {
    /// It is theirs, as this attempt.
    Granted(i32),
    /// It is over; walkers may not have heard of it.
    Over,
    /// Another worker has it, or it is to be tried later: its job comes again.
    NotNow,
}

/// Takes an enrichment up for the length of `lease`.
pub async fn claim_enrichment(
    database: &Database,
    area: SearchArea,
    theme: ThemeId,
    lease: Duration,
) -> Result<EnrichmentClaim, StoreError> {
    let attempt = sqlx::query_scalar!(
        "UPDATE enrichments SET attempt = attempt + 1, lease_until = now() + make_interval(secs => $3)
         WHERE area = $1 AND theme_id = $2 AND status = 'wanted' AND due_at <= now()
           AND (lease_until IS NULL OR lease_until < now())
         RETURNING attempt",
        area.to_string(),
        theme.0,
        lease.as_secs_f64()
    )
    .fetch_optional(&database.pool)
    .await?;
    if let Some(attempt) = attempt {
        return Ok(EnrichmentClaim::Granted(attempt));
    }
    let open = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM enrichments WHERE area = $1 AND theme_id = $2 AND status = 'wanted') AS "open!""#,
        area.to_string(),
        theme.0
    )
    .fetch_one(&database.pool)
    .await?;
    Ok(if open { EnrichmentClaim::NotNow } else { EnrichmentClaim::Over })
}

/// Keeps a claimed enrichment; `false` where a newer attempt owns it or it is over.
pub async fn renew_enrichment(
    database: &Database,
    area: SearchArea,
    theme: ThemeId,
    attempt: i32,
    lease: Duration,
) -> Result<bool, StoreError> {
    let renewed = sqlx::query!(
        "UPDATE enrichments SET lease_until = now() + make_interval(secs => $4)
         WHERE area = $1 AND theme_id = $2 AND attempt = $3 AND status = 'wanted'",
        area.to_string(),
        theme.0,
        attempt,
        lease.as_secs_f64()
    )
    .execute(&database.pool)
    .await?;
    Ok(renewed.rows_affected() == 1)
}

/// Why an enrichment has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOff<'a> {
    /// It is not our turn.
    NotOurTurn,
    /// The API could not answer, whatever was asked.
    Unanswered(&'a str),
    /// There is something about this very question: the last of too many such failures ends it for a day.
    Failed(&'a str),
}

/// Hands an enrichment back, to be tried again after a while.
pub async fn put_off_enrichment(
    database: &Database,
    area: SearchArea,
    theme: ThemeId,
    attempt: i32,
    pause: Duration,
    why: PutOff<'_>,
) -> Result<(), StoreError> {
    let (error, failures) = match why {
        PutOff::NotOurTurn => (None, 0),
        PutOff::Unanswered(error) => (Some(error), 0),
        PutOff::Failed(error) => (Some(error), 1),
    };
    sqlx::query!(
        "UPDATE enrichments
         SET lease_until = NULL, failures = failures + $6, error = coalesce($5, error),
             status = CASE WHEN failures + $6 >= $7 THEN 'failed' ELSE 'wanted' END,
             finished_at = CASE WHEN failures + $6 >= $7 THEN now() ELSE finished_at END,
             due_at = now() + CASE WHEN failures + $6 >= $7 THEN interval '1 day' ELSE make_interval(secs => $4) END
         WHERE area = $1 AND theme_id = $2 AND attempt = $3 AND status = 'wanted'",
        area.to_string(),
        theme.0,
        attempt,
        pause.min(OVERPASS_MAX_PAUSE).as_secs_f64(),
        error,
        failures,
        MOST_FAILURES
    )
    .execute(&database.pool)
    .await?;
    Ok(())
}

/// Takes enrichments whose job is to be published again: put off until now, or lost with their message. Several sweepers
/// share them out.
pub async fn due_enrichments(database: &Database, limit: i64) -> Result<Vec<WantedEnrichment>, StoreError> {
    // Nothing is put off for longer than the longest pause: what says otherwise was written before there was one.
    sqlx::query!(
        "UPDATE enrichments SET due_at = now() WHERE status = 'wanted' AND due_at > now() + make_interval(secs => $1)",
        OVERPASS_MAX_PAUSE.as_secs_f64()
    )
    .execute(&database.pool)
    .await?;
    let rows = sqlx::query!(
        "UPDATE enrichments AS e SET publications = e.publications + 1, published_at = now()
         FROM (
             SELECT area, theme_id FROM enrichments
             WHERE status = 'wanted' AND due_at <= now() AND (lease_until IS NULL OR lease_until < now())
               AND (published_at < due_at OR published_at < now() - interval '1 minute')
             ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
         ) AS due
         WHERE e.area = due.area AND e.theme_id = due.theme_id
         RETURNING e.area, e.theme_id, e.publications",
        limit
    )
    .fetch_all(&database.pool)
    .await?;
    let due = rows.into_iter().map(|row| {
        Ok(WantedEnrichment {
            area: read(&row.area)?,
            theme_id: ThemeId(row.theme_id),
            publication: row.publications,
        })
    });
    due.collect()
}

/// Wants again what is known no longer well enough and walkers still ask for. Returns how much that is.
pub async fn refresh_enrichments(database: &Database, limit: i64) -> Result<u64, StoreError> {
    let refreshed = sqlx::query!(
        "UPDATE enrichments SET status = 'wanted', failures = 0, due_at = now()
         WHERE (area, theme_id) IN (
             SELECT area, theme_id FROM enrichments
             WHERE status <> 'wanted' AND due_at <= now() AND wanted_at > now() - make_interval(days => $1)
             ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        WANTED_WITHIN_DAYS,
        limit
    )
    .execute(&database.pool)
    .await?;
    Ok(refreshed.rows_affected())
}

/// An area as it is written.
fn read(area: &str) -> Result<SearchArea, StoreError> {
    area.parse().map_err(|why| StoreError::Unreadable { what: "search area", why })
}
