//! Prepares the street networks of the regions that an ingest changed.

use std::collections::BTreeSet;

use anyhow::Context;
use store::{CellRect, Ingesting};
use wildside_engine::{CellId, CellRange, Network, Region};

/// Prepares what is out of date, and what another version of the engine prepared. Returns how many networks that were.
pub(crate) async fn prepare(ingesting: &mut Ingesting<'_>, cells: &[CellId]) -> anyhow::Result<usize> {
    let changed: Vec<CellId> = ingesting.changed_cells().iter().map(|&(x, y)| CellId { x, y }).collect();
    let stale: BTreeSet<Region> =
        changed.iter().flat_map(|&cell| Region::holding(cell, Region::COARSE)).collect();
    let ours = cells.iter().map(|&cell| Region::of(cell, Region::COARSE));
    let mut prepared = 0;
    for region in stale.iter().copied().chain(ours).collect::<BTreeSet<Region>>() {
        let is_stale = stale.contains(&region);
        if !is_stale && is_known(ingesting, region).await? {
            continue;
        }
        let occupied = ingesting.occupied_cells(rect(region.tile())).await?;
        if occupied.is_empty() {
            ingesting.drop_networks(Region::COARSE, rect(region.tile())).await?;
            ingesting.drop_networks(Region::FINE, rect(region.tile())).await?;
            continue;
        }
        write(ingesting, region).await?;
        prepared += 1 + prepare_fine(ingesting, region, &occupied, &changed).await?;
    }
    Ok(prepared)
}

/// The finer networks within a coarse region, if it has so many streets that they are worth it.
async fn prepare_fine(
    ingesting: &mut Ingesting<'_>,
    coarse: Region,
    occupied: &[(i32, i32)],
    changed: &[CellId],
) -> anyhow::Result<usize> {
    let within = rect(coarse.tile());
    if ingesting.segments_in(rect(coarse.cells())).await? <= Region::FEW_SEGMENTS {
        ingesting.drop_networks(Region::FINE, within).await?;
        return Ok(0);
    }
    let stale: BTreeSet<Region> =
        changed.iter().flat_map(|&cell| Region::holding(cell, Region::FINE)).collect();
    let needed: BTreeSet<Region> =
        occupied.iter().map(|&(x, y)| Region::of(CellId { x, y }, Region::FINE)).collect();
    for gone in stale.difference(&needed).filter(|region| coarse.tile().contains(region.tile().min)) {
        ingesting.drop_networks(Region::FINE, rect(gone.tile())).await?;
    }
    let mut prepared = 0;
    for region in needed {
        if stale.contains(&region) || !is_known(ingesting, region).await? {
            write(ingesting, region).await?;
            prepared += 1;
        }
    }
    Ok(prepared)
}

async fn is_known(ingesting: &mut Ingesting<'_>, region: Region) -> anyhow::Result<bool> {
    Ok(ingesting.has_network(region.zoom, region.x, region.y, Network::FORMAT).await?)
}

async fn write(ingesting: &mut Ingesting<'_>, region: Region) -> anyhow::Result<()> {
    let cells = rect(region.cells());
    let streets = ingesting.streets_in(cells).await?;
    let network =
        Network::prepare(streets.iter().map(Vec::as_slice)).context("preparing a street network")?;
    ingesting.write_network((region.zoom, region.x, region.y), cells, &network, Network::FORMAT).await?;
    Ok(())
}

fn rect(cells: CellRange) -> CellRect {
    CellRect { min_x: cells.min.x, max_x: cells.max.x, min_y: cells.min.y, max_y: cells.max.y }
}
