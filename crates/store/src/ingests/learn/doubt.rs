//! Whether an answer may take away what is known: a mirror whose data is old, or whose database is empty for a while, answers
//! like any other.

use std::collections::HashSet;

use chrono::{DateTime, SecondsFormat, Utc};
use sqlx::PgConnection;
use thiserror::Error;

use super::Enrichment;
use crate::StoreError;

/// Why an answer is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Doubt {
    /// Something is known, and nobody can say whether this is newer.
    #[error("the answer has no date, and something is known already")]
    Undated,
    /// An earlier answer was made from newer data.
    #[error("the answer is of {}, older than what is known ({})", date(answer), date(known))]
    Older {
        /// How new its data is.
        answer: DateTime<Utc>,
        /// How new the data is that is known.
        known: DateTime<Utc>,
    },
    /// More than half of the known places are missing in it. Where the next answer says the same, it is believed.
    #[error("the answer has {kept} of {known} places that are known; a second answer has to confirm it")]
    Smaller {
        /// Known places that it has.
        kept: usize,
        /// Places that are known from the answer before, and from nobody else.
        known: usize,
    },
}

fn date(time: &DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// What speaks against an answer, if anything does.
pub(super) async fn doubt(
    connection: &mut PgConnection,
    dataset: &str,
    enrichment: &Enrichment<'_>,
) -> Result<Option<Doubt>, StoreError> {
    let known = sqlx::query!(
        r#"SELECT d.osm_timestamp,
                  ARRAY(SELECT id FROM pois WHERE dataset = d.name AND retired_at IS NULL) AS "places!",
                  EXISTS (SELECT FROM enrichments WHERE area = $2 AND theme_id = $3 AND doubted_at IS NOT NULL)
                      AS "doubted!"
           FROM datasets AS d WHERE d.name = $1"#,
        dataset,
        enrichment.area.to_string(),
        enrichment.theme_id.0
    )
    .fetch_optional(connection)
    .await?;
    let Some(known) = known else { return Ok(None) };
    match (enrichment.answer.osm_timestamp, known.osm_timestamp) {
        (None, None) if known.places.is_empty() => return Ok(None),
        (None, _) => return Ok(Some(Doubt::Undated)),
        (Some(answer), Some(known)) if answer < known => return Ok(Some(Doubt::Older { answer, known })),
        (Some(_), _) => {}
    }
    let found: HashSet<i64> = enrichment.pois.iter().map(|place| place.poi.id.0).collect();
    let kept = known.places.iter().filter(|id| found.contains(id)).count();
    let is_fall = kept * 2 < known.places.len() && !known.doubted;
    Ok(is_fall.then_some(Doubt::Smaller { kept, known: known.places.len() }))
}

/// Notes that an answer lacked most of what is known, so that a second one can confirm it. `false` where another attempt owns
/// the enrichment.
pub(super) async fn note(
    connection: &mut PgConnection,
    enrichment: &Enrichment<'_>,
) -> Result<bool, StoreError> {
    let noted = sqlx::query!(
        "UPDATE enrichments SET doubted_at = now()
         WHERE area = $1 AND theme_id = $2 AND attempt = $3 AND status = 'wanted'",
        enrichment.area.to_string(),
        enrichment.theme_id.0,
        enrichment.attempt
    )
    .execute(connection)
    .await?;
    Ok(noted.rows_affected() == 1)
}
