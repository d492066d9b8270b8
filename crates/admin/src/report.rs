use std::{collections::HashMap, time::Duration};

use domain::{Place, ThemeCatalogue, ThemeId};
use store::{IngestSummary, IngestedCell};

/// Tells what an ingest did.
#[expect(clippy::print_stdout, reason = "this is what the operator asked for")]
pub(crate) fn print(
    summary: &IngestSummary,
    catalogue: &ThemeCatalogue,
    pois: &[Place],
    cells: &[IngestedCell],
    took: Duration,
) {
    let IngestSummary { added, updated, retired, unchanged, cells_changed, data_version, changed } = *summary;
    println!("POIs      {added} added, {updated} updated, {retired} retired, {unchanged} unchanged");
    let mut counts: HashMap<ThemeId, usize> = HashMap::new();
    for theme in pois.iter().flat_map(|place| &place.poi.themes) {
        *counts.entry(*theme).or_default() += 1;
    }
    for theme in catalogue.themes() {
        println!("  {:26} {:6}", theme.name, counts.get(&theme.id).copied().unwrap_or(0));
    }
    let segments: i64 = cells.iter().map(|cell| i64::from(cell.segments)).sum();
    println!("Streets   {segments} segments in {} squares, {cells_changed} squares changed", cells.len());
    let word = if changed { "is now" } else { "stays" };
    println!("Data      version {word} {data_version}");
    println!("Took      {:.1} s", took.as_secs_f64());
}
