use std::ops::RangeInclusive;

use crate::{Database, StoreError};

/// The street network of a rectangle of squares, in the engine's own form. Where datasets overlap, a square comes
/// once from each.
pub async fn street_cells(
    database: &Database,
    x: RangeInclusive<i32>,
    y: RangeInclusive<i32>,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let cells = sqlx::query_scalar!(
        "SELECT network FROM street_cells
         WHERE x BETWEEN $1 AND $2 AND y BETWEEN $3 AND $4
         ORDER BY x, y, dataset",
        x.start(),
        x.end(),
        y.start(),
        y.end()
    );
    Ok(cells.fetch_all(&database.pool).await?)
}

/// Grows with every change of the places or streets; 0 where there are none yet.
pub async fn data_version(database: &Database) -> Result<i64, StoreError> {
    let version = sqlx::query_scalar!(r#"SELECT coalesce(max(data_version), 0) AS "version!" FROM datasets"#);
    Ok(version.fetch_one(&database.pool).await?)
}
