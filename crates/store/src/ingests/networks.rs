use super::Ingesting;
use crate::{CellRect, StoreError};

/// What preparing street networks needs of an ingest that is under way.
impl Ingesting<'_> {
    /// Where the streets are different now: columns and rows at zoom 14.
    pub fn changed_cells(&self) -> &[(i32, i32)] {
        &self.changed_cells
    }

    /// How many street segments there are in some cells.
    pub async fn segments_in(&mut self, cells: CellRect) -> Result<i64, StoreError> {
        let segments = sqlx::query_scalar!(
            r#"SELECT coalesce(sum(segments), 0) AS "segments!" FROM street_cells
               WHERE x BETWEEN $1 AND $2 AND y BETWEEN $3 AND $4"#,
            cells.min_x,
            cells.max_x,
            cells.min_y,
            cells.max_y
        );
        Ok(segments.fetch_one(&mut *self.transaction).await?)
    }

    /// The streets of some cells, in the engine's own form. Where datasets overlap a cell comes once from each.
    pub async fn streets_in(&mut self, cells: CellRect) -> Result<Vec<Vec<u8>>, StoreError> {
        let cells = sqlx::query_scalar!(
            "SELECT network FROM street_cells
             WHERE x BETWEEN $1 AND $2 AND y BETWEEN $3 AND $4
             ORDER BY x, y, dataset",
            cells.min_x,
            cells.max_x,
            cells.min_y,
            cells.max_y
        );
        Ok(cells.fetch_all(&mut *self.transaction).await?)
    }

    /// The cells with streets in them.
    pub async fn occupied_cells(&mut self, cells: CellRect) -> Result<Vec<(i32, i32)>, StoreError> {
        let occupied = sqlx::query!(
            "SELECT DISTINCT x, y FROM street_cells WHERE x BETWEEN $1 AND $2 AND y BETWEEN $3 AND $4 ORDER BY x, y",
            cells.min_x,
            cells.max_x,
            cells.min_y,
            cells.max_y
        );
        let occupied = occupied.fetch_all(&mut *self.transaction).await?;
        Ok(occupied.into_iter().map(|cell| (cell.x, cell.y)).collect())
    }

    /// Whether the network of a tile is there, in the engine's present form.
    pub async fn has_network(&mut self, zoom: u8, x: i32, y: i32, format: u32) -> Result<bool, StoreError> {
        let known = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM street_networks WHERE zoom = $1 AND x = $2 AND y = $3 AND format = $4) AS "known!""#,
            i16::from(zoom),
            x,
            y,
            format as i32
        );
        Ok(known.fetch_one(&mut *self.transaction).await?)
    }

    /// Writes the prepared network of a tile.
    pub async fn write_network(
        &mut self,
        (zoom, x, y): (u8, i32, i32),
        cells: CellRect,
        network: &[u8],
        format: u32,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "INSERT INTO street_networks AS n (zoom, x, y, min_x, max_x, min_y, max_y, network, format)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (zoom, x, y) DO UPDATE
             SET min_x = excluded.min_x, max_x = excluded.max_x, min_y = excluded.min_y, max_y = excluded.max_y,
                 network = excluded.network, format = excluded.format, version = excluded.version
             WHERE (n.network, n.format) IS DISTINCT FROM (excluded.network, excluded.format)",
            i16::from(zoom),
            x,
            y,
            cells.min_x,
            cells.max_x,
            cells.min_y,
            cells.max_y,
            network,
            format as i32
        )
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Drops the networks of tiles of a zoom, those with their north-west cell in this area.
    pub async fn drop_networks(&mut self, zoom: u8, cells: CellRect) -> Result<(), StoreError> {
        sqlx::query!(
            "DELETE FROM street_networks
             WHERE zoom = $1 AND x << (14 - $1::int) BETWEEN $2 AND $3 AND y << (14 - $1::int) BETWEEN $4 AND $5",
            i16::from(zoom),
            cells.min_x,
            cells.max_x,
            cells.min_y,
            cells.max_y
        )
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }
}
