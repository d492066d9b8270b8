use std::{path::Path, time::Instant};

use anyhow::Context;
use chrono::Utc;
use domain::{OSM_ATTRIBUTION, Place, PopularityScale, ThemeCatalogue, ThemeId};
use extract::{Area, Extract, Progress};
use store::{Database, IngestSummary, IngestedCell};

use wildside_engine::CellId;

use crate::{IngestArgs, Source, download::download, networks, report};

/// Ingests, and tells about it.
pub(crate) async fn run(args: IngestArgs) -> anyhow::Result<()> {
    let started = Instant::now();
    let (summary, content) = ingest_content(args).await?;
    report::print(&summary, &content.catalogue, &content.pois, &content.cells, started.elapsed());
    Ok(())
}

/// Reads an extract and makes the database say what it says.
pub async fn ingest(args: IngestArgs) -> anyhow::Result<IngestSummary> {
    ingest_content(args).await.map(|(summary, _)| summary)
}

/// What is in an extract, for us.
struct Content {
    extract: store::Extract,
    coverage: extract::MultiPolygon,
    catalogue: ThemeCatalogue,
    pois: Vec<Place>,
    popularity: PopularityScale,
    left_out: Vec<ThemeId>,
    cells: Vec<IngestedCell>,
}

async fn ingest_content(args: IngestArgs) -> anyhow::Result<(IngestSummary, Content)> {
    let started_at = Utc::now();
    let database = Database::new(&args.postgres.url()?, 2, "wildside-admin")?;
    // Better to hear of it now than after minutes of reading.
    database.ready().await.map_err(anyhow::Error::msg)?;
    let dataset = args.dataset.clone();
    let progress = if args.quiet { Progress::Quiet } else { Progress::Told };
    let read = tokio::task::spawn_blocking(move || read(&args, progress)).await;
    let (path, content) = read.context("reading the extract")??;
    let dataset = match dataset {
        Some(name) => name,
        None => stem(&path).context("the extract has no name: give it one with --dataset")?,
    };
    let _step = progress.open_ended("Writing");
    let ingest = store::Ingest {
        dataset: &dataset,
        coverage: &content.coverage,
        extract: &content.extract,
        themes: &content.catalogue,
        pois: &content.pois,
        popularity: &content.popularity,
        left_out: &content.left_out,
        cells: &content.cells,
        started_at,
    };
    let summary = write(&database, &ingest).await.context("writing; nothing was changed")?;
    database.close().await;
    Ok((summary, content))
}

/// The themes of a file, or those built in.
pub(crate) fn catalogue(themes: Option<&Path>) -> anyhow::Result<ThemeCatalogue> {
    let Some(path) = themes else { return Ok(ThemeCatalogue::bundled()) };
    let yaml = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    ThemeCatalogue::parse(&yaml).with_context(|| format!("in {}", path.display()))
}

fn themes_by_key(catalogue: &ThemeCatalogue, keys: &[String]) -> anyhow::Result<Vec<ThemeId>> {
    let find = |key: &String| {
        let theme = catalogue.themes().iter().find(|theme| theme.key == *key);
        let known =
            || catalogue.themes().iter().map(|theme| theme.key.as_str()).collect::<Vec<_>>().join(", ");
        theme
            .map(|theme| theme.id)
            .with_context(|| format!("there is no theme {key}; there are: {}", known()))
    };
    keys.iter().map(find).collect()
}

fn read(args: &IngestArgs, progress: Progress) -> anyhow::Result<(std::path::PathBuf, Content)> {
    let catalogue = catalogue(args.themes.as_deref())?;
    let area = args.polygon.as_deref().map(Area::read).transpose()?;
    let path = match &args.source {
        Source { extract: Some(path), .. } => path.clone(),
        Source { download: Some(url), sha256, to, .. } => {
            let download = download(url, sha256.as_deref(), to.as_deref(), &args.postgres.tls, progress);
            tokio::runtime::Handle::current().block_on(download)?
        }
        _ => anyhow::bail!("say which extract: --extract FILE or --download URL"),
    };
    let extract = Extract::open(&path, progress)?;
    let extract::Content { places: mut pois, popularity, cells, coverage } =
        extract::read(&extract, &catalogue, area.as_ref())?;
    let left_out = themes_by_key(&catalogue, &args.leave_out)?;
    pois.retain(|place| place.poi.themes.iter().any(|theme| !left_out.contains(theme)));
    let cells = cells.into_iter().map(|cell| {
        let segments = i32::try_from(cell.segments).context("a square has too many streets")?;
        Ok(IngestedCell { x: cell.id.x, y: cell.id.y, network: cell.bytes, segments })
    });
    let cells = cells.collect::<anyhow::Result<_>>()?;
    let extract = store::Extract {
        name: extract.name(),
        bytes: i64::try_from(extract.bytes)?,
        sha256: extract.sha256,
        osm_timestamp: extract.timestamp,
        attribution: OSM_ATTRIBUTION.into(),
    };
    Ok((path, Content { extract, coverage, catalogue, pois, popularity, left_out, cells }))
}

async fn write(database: &Database, ingest: &store::Ingest<'_>) -> anyhow::Result<IngestSummary> {
    let mut ingesting = store::ingest(database, ingest).await?;
    let cells: Vec<CellId> = ingest.cells.iter().map(|cell| CellId { x: cell.x, y: cell.y }).collect();
    networks::prepare(&mut ingesting, &cells).await?;
    Ok(ingesting.finish().await?)
}

/// `malta.osm.pbf` is malta.
fn stem(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let stem = name.split('.').next().unwrap_or(name);
    (!stem.is_empty()).then(|| stem.to_owned())
}
