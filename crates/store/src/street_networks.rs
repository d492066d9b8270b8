use crate::{Database, StoreError};

/// Cells of zoom 14: columns and rows, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellRect {
    /// Westernmost column.
    pub min_x: i32,
    /// Easternmost column.
    pub max_x: i32,
    /// Northernmost row.
    pub min_y: i32,
    /// Southernmost row.
    pub max_y: i32,
}

/// Which prepared street network, in which version. A number that is not used again: another version is another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreetNetworkKey {
    /// Zoom of its tile.
    pub zoom: i16,
    /// Column of its tile.
    pub x: i32,
    /// Row of its tile.
    pub y: i32,
    /// Another one whenever its streets change.
    pub version: i64,
}

/// The network for walks that stay within some cells: the finest that holds them all; where none does, the largest with
/// the cell in the middle, so that there is a walk at the edge of the data too.
pub async fn street_network_around(
    database: &Database,
    cells: CellRect,
) -> Result<Option<StreetNetworkKey>, StoreError> {
    let (x, y) = ((cells.min_x + cells.max_x) / 2, (cells.min_y + cells.max_y) / 2);
    let key = sqlx::query_as!(
        StreetNetworkKey,
        "SELECT zoom, x, y, version FROM street_networks
         WHERE $5 BETWEEN min_x AND max_x AND $6 BETWEEN min_y AND max_y
         ORDER BY
             (min_x <= $1 AND max_x >= $2 AND min_y <= $3 AND max_y >= $4) DESC,
             CASE WHEN min_x <= $1 AND max_x >= $2 AND min_y <= $3 AND max_y >= $4 THEN -zoom ELSE zoom END,
             abs(min_x + max_x - 2 * $5) + abs(min_y + max_y - 2 * $6), x, y
         LIMIT 1",
        cells.min_x,
        cells.max_x,
        cells.min_y,
        cells.max_y,
        x,
        y
    );
    Ok(key.fetch_optional(&database.pool).await?)
}

/// The bytes of a prepared network; `None` where it is gone or has another version by now.
pub async fn street_network(
    database: &Database,
    key: StreetNetworkKey,
) -> Result<Option<Vec<u8>>, StoreError> {
    let network = sqlx::query_scalar!(
        "SELECT network FROM street_networks WHERE zoom = $1 AND x = $2 AND y = $3 AND version = $4",
        key.zoom,
        key.x,
        key.y,
        key.version
    );
    Ok(network.fetch_optional(&database.pool).await?)
}
