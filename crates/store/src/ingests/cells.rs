use sqlx::PgConnection;

use super::Ingest;
use crate::StoreError;

/// Squares of the street network in one statement; each is some tens of kilobytes.
const CELLS_AT_ONCE: usize = 64;

/// The cells that are new, different or gone.
pub(super) async fn write_cells(
    connection: &mut PgConnection,
    ingest: &Ingest<'_>,
) -> Result<Vec<(i32, i32)>, StoreError> {
    let xs: Vec<i32> = ingest.cells.iter().map(|cell| cell.x).collect();
    let ys: Vec<i32> = ingest.cells.iter().map(|cell| cell.y).collect();
    let gone = sqlx::query!(
        "DELETE FROM street_cells AS c
         WHERE dataset = $1
           AND NOT EXISTS (SELECT FROM unnest($2::int[], $3::int[]) AS kept (x, y) WHERE (kept.x, kept.y) = (c.x, c.y))
         RETURNING x, y",
        ingest.dataset,
        &xs,
        &ys
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut changed: Vec<(i32, i32)> = gone.into_iter().map(|cell| (cell.x, cell.y)).collect();
    for (batch, (xs, ys)) in
        ingest.cells.chunks(CELLS_AT_ONCE).zip(xs.chunks(CELLS_AT_ONCE).zip(ys.chunks(CELLS_AT_ONCE)))
    {
        let networks: Vec<&[u8]> = batch.iter().map(|cell| cell.network.as_slice()).collect();
        let segments: Vec<i32> = batch.iter().map(|cell| cell.segments).collect();
        let written = sqlx::query!(
            "INSERT INTO street_cells AS c (dataset, x, y, network, segments)
             SELECT $1, * FROM unnest($2::int[], $3::int[], $4::bytea[], $5::int[])
             ON CONFLICT (x, y, dataset) DO UPDATE SET network = excluded.network, segments = excluded.segments
             WHERE (c.network, c.segments) IS DISTINCT FROM (excluded.network, excluded.segments)
             RETURNING x, y",
            ingest.dataset,
            xs,
            ys,
            &networks as &[&[u8]],
            &segments
        )
        .fetch_all(&mut *connection)
        .await?;
        changed.extend(written.into_iter().map(|cell| (cell.x, cell.y)));
    }
    Ok(changed)
}
