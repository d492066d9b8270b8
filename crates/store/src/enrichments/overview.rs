use chrono::{DateTime, Utc};
use domain::SearchArea;

use super::read;
use crate::{Database, StoreError};

/// An enrichment, for an operator.
#[derive(Clone, Debug, PartialEq)]
pub struct EnrichmentRow {
    /// Where.
    pub area: SearchArea,
    /// Of what.
    pub theme: String,
    /// `wanted`, `done` or `failed`.
    pub status: String,
    /// When a walker last wanted it.
    pub wanted_at: DateTime<Utc>,
    /// When it last came to an end.
    pub finished_at: Option<DateTime<Utc>>,
    /// Wanted: when it is tried; otherwise how long it is known well enough.
    pub due_at: DateTime<Utc>,
    /// Places found, new ones, and elements that could not be read.
    pub result: Option<[i32; 3]>,
    /// Why the last try came to nothing.
    pub error: Option<String>,
}

/// All enrichments, those wanted last first.
pub async fn enrichments(database: &Database) -> Result<Vec<EnrichmentRow>, StoreError> {
    let rows = sqlx::query!(
        "SELECT e.area, t.name, e.status, e.wanted_at, e.finished_at, e.due_at, e.found, e.added, e.skipped, e.error
         FROM enrichments AS e JOIN interest_themes AS t ON t.id = e.theme_id
         ORDER BY e.wanted_at DESC, e.area, t.name"
    )
    .fetch_all(&database.pool)
    .await?;
    let enrichments = rows.into_iter().map(|row| {
        Ok(EnrichmentRow {
            area: read(&row.area)?,
            theme: row.name,
            status: row.status,
            wanted_at: row.wanted_at,
            finished_at: row.finished_at,
            due_at: row.due_at,
            result: row
                .found
                .zip(row.added)
                .zip(row.skipped)
                .map(|((found, added), skipped)| [found, added, skipped]),
            error: row.error,
        })
    });
    enrichments.collect()
}
