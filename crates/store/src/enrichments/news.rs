use domain::{RequestId, SearchArea, ThemeId, UserId};

use super::read;
use crate::{Database, StoreError};

/// What one who wanted an enrichment is to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnrichmentNews {
    /// Where.
    pub area: SearchArea,
    /// Of what.
    pub theme_id: ThemeId,
    /// Who.
    pub user_id: UserId,
    /// Whose request it was that led to it.
    pub request_id: RequestId,
    /// How many places are new.
    pub added: u32,
}

/// Whose news is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewsOf {
    /// Of everybody who wanted this.
    Enrichment(SearchArea, ThemeId),
    /// Of this request.
    Request(RequestId),
    /// Of everybody who could have been told five seconds ago.
    Overdue,
}

/// Who is still to be told of what was learnt. Only those who have been told of their walk: the news that there is a
/// better one comes after it.
pub async fn untold(database: &Database, of: NewsOf) -> Result<Vec<EnrichmentNews>, StoreError> {
    let (area, theme, request) = match of {
        NewsOf::Enrichment(area, theme) => (Some(area.to_string()), Some(theme.0), None),
        NewsOf::Request(request) => (None, None, Some(request.0)),
        NewsOf::Overdue => (None, None, None),
    };
    let overdue_s = if of == NewsOf::Overdue { 5.0 } else { 0.0 };
    let rows = sqlx::query!(
        r#"SELECT r.area, r.theme_id, asked.user_id, asked.id, coalesce(e.added, 0) AS "added!"
           FROM enrichment_requests AS r
           JOIN enrichments AS e ON e.area = r.area AND e.theme_id = r.theme_id
           JOIN route_requests AS asked ON asked.id = r.request_id
           WHERE (r.area = $1 OR $1 IS NULL) AND (r.theme_id = $2 OR $2 IS NULL) AND (r.request_id = $3 OR $3 IS NULL)
             AND e.status = 'done' AND asked.status = 'complete' AND r.walk_told
             AND greatest(e.finished_at, asked.notified_at) <= now() - make_interval(secs => $4)
           LIMIT 1000"#,
        area,
        theme,
        request,
        overdue_s
    )
    .fetch_all(&database.pool)
    .await?;
    let news = rows.into_iter().map(|row| {
        Ok(EnrichmentNews {
            area: read(&row.area)?,
            theme_id: ThemeId(row.theme_id),
            user_id: UserId(row.user_id),
            request_id: RequestId(row.id),
            added: row.added.unsigned_abs(),
        })
    });
    news.collect()
}

/// They have been told.
pub async fn told(database: &Database, news: &EnrichmentNews) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM enrichment_requests WHERE area = $1 AND theme_id = $2 AND request_id = $3",
        news.area.to_string(),
        news.theme_id.0,
        news.request_id.0
    )
    .execute(&database.pool)
    .await?;
    Ok(())
}

/// Forgets those who waited for what has failed, or was learnt so many hours ago: nobody waits so long. Returns how many.
pub async fn forget_untold(database: &Database, hours: i32, limit: i64) -> Result<u64, StoreError> {
    let forgotten = sqlx::query!(
        "DELETE FROM enrichment_requests AS r USING (
             SELECT waiting.area, waiting.theme_id, waiting.request_id
             FROM enrichment_requests AS waiting JOIN enrichments AS e USING (area, theme_id)
             WHERE e.status <> 'wanted' AND e.finished_at < now() - make_interval(hours => $2) LIMIT $1) AS old
         WHERE r.area = old.area AND r.theme_id = old.theme_id AND r.request_id = old.request_id",
        limit,
        hours
    )
    .execute(&database.pool)
    .await?;
    Ok(forgotten.rows_affected())
}
