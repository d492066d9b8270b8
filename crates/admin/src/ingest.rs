use std::{path::Path, time::Instant};

use anyhow::Context;
use chrono::Utc;
use domain::{Coordinate, OsmKind, ThemeCatalogue};
use osmpbf::{Element, Way};
use store::{Database, IngestSummary, IngestedCell, IngestedPoi, MultiPolygon};

use crate::{
    IngestArgs, Source,
    download::download,
    extract::{Extract, tags},
    nodes::Nodes,
    places::Places,
    polygon::{self, Area},
    progress::Progress,
    report,
    streets::Streets,
};

/// Whom to thank for OpenStreetMap, as its licence asks.
const ATTRIBUTION: &str = "© OpenStreetMap contributors, ODbL 1.0";

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
    coverage: MultiPolygon,
    catalogue: ThemeCatalogue,
    pois: Vec<IngestedPoi>,
    cells: Vec<IngestedCell>,
}

async fn ingest_content(args: IngestArgs) -> anyhow::Result<(IngestSummary, Content)> {
    let started_at = Utc::now();
    let database = Database::new(&args.postgres.database_url, 2, "wildside-admin")?;
    // Better to hear of it now than after minutes of reading.
    database.ready().await.map_err(anyhow::Error::msg)?;
    let dataset = args.dataset.clone();
    let progress = if args.quiet { Progress::Quiet } else { Progress::Told };
    let read = tokio::task::spawn_blocking(move || read(&args, progress)).await;
    // The reader of the format panics on a few kinds of damage.
    let (path, content) = read.context("the extract is damaged")??;
    let dataset = match dataset {
        Some(name) => name,
        None => stem(&path).context("the extract has no name: give it one with --dataset")?,
    };
    let _step = progress.open_ended("Writing");
    let summary = store::ingest(
        &database,
        &store::Ingest {
            dataset: &dataset,
            coverage: &content.coverage,
            extract: &content.extract,
            themes: &content.catalogue,
            pois: &content.pois,
            cells: &content.cells,
            started_at,
        },
    )
    .await
    .context("writing; nothing was changed")?;
    database.close().await;
    Ok((summary, content))
}

fn read(args: &IngestArgs, progress: Progress) -> anyhow::Result<(std::path::PathBuf, Content)> {
    let catalogue = match &args.themes {
        None => ThemeCatalogue::bundled(),
        Some(path) => {
            let yaml =
                std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
            ThemeCatalogue::parse(&yaml).with_context(|| format!("in {}", path.display()))?
        }
    };
    let area = args.polygon.as_deref().map(Area::read).transpose()?;
    let path = match &args.source {
        Source { extract: Some(path), .. } => path.clone(),
        Source { download: Some(url), sha256, to, .. } => {
            download(url, sha256.as_deref(), to.as_deref(), progress)?
        }
        _ => anyhow::bail!("say which extract: --extract FILE or --download URL"),
    };
    let extract = Extract::open(&path, progress)?;
    let content = read_extract(extract, catalogue, area.as_ref())?;
    Ok((path, content))
}

fn read_extract(extract: Extract, catalogue: ThemeCatalogue, area: Option<&Area>) -> anyhow::Result<Content> {
    let inside = area.map(|area| nodes_inside(&extract, area)).transpose()?;
    // A way with a node in the area counts as a whole, so that no street ends at the border.
    let ours = |way: &Way<'_>| match &inside {
        Some(inside) => way.refs().any(|id| inside.binary_search(&id).is_ok()),
        None => true,
    };
    let mut places = Places::new(&catalogue);
    let mut streets = Streets::default();
    extract.each("Reading areas", OsmKind::Relation, |element| {
        if let Element::Relation(relation) = element {
            places.take_relation(&relation);
            streets.take_relation(&relation);
        }
    })?;
    let mut wanted = Vec::new();
    extract.each("Reading ways", OsmKind::Way, |element| {
        if let Element::Way(way) = element {
            let ours = ours(&way);
            wanted.extend(places.take_way(&way, ours));
            wanted.extend(streets.take_way(&way, ours));
        }
    })?;
    let mut nodes = Nodes::wanted(wanted);
    extract.each("Reading places", OsmKind::Node, |element| {
        let (id, at, tags) = match element {
            Element::Node(node) => (node.id(), Coordinate::new(node.lon(), node.lat()), tags(node.tags())),
            Element::DenseNode(node) => {
                (node.id(), Coordinate::new(node.lon(), node.lat()), tags(node.tags()))
            }
            _ => return,
        };
        // A node that is not on Earth is as good as missing.
        let Some(at) = at else { return };
        if nodes.wants(id) {
            nodes.put(id, at, &tags);
            streets.take_node(id, &tags);
        }
        places.take_node(id, at, &tags, area);
    })?;
    streets.read(&extract, &nodes, ours)?;
    let pois = places.finish(&nodes, area);
    let cells = streets.finish(&nodes)?;
    drop(nodes);
    let coverage = match area {
        Some(area) => area.polygons().clone(),
        None => polygon::rectangle(extract.bounds).context("the extract is nowhere")?,
    };
    let extract = store::Extract {
        name: extract.name(),
        bytes: i64::try_from(extract.bytes)?,
        sha256: extract.sha256,
        osm_timestamp: extract.timestamp,
        attribution: ATTRIBUTION.into(),
    };
    Ok(Content { extract, coverage, catalogue, pois, cells })
}

/// The nodes in an area, sorted: known before anything is kept, so that a town out of a continent takes the memory of a
/// town.
fn nodes_inside(extract: &Extract, area: &Area) -> anyhow::Result<Vec<i64>> {
    let mut inside = Vec::new();
    extract.each("Reading nodes", OsmKind::Node, |element| {
        let (id, at) = match element {
            Element::Node(node) => (node.id(), Coordinate::new(node.lon(), node.lat())),
            Element::DenseNode(node) => (node.id(), Coordinate::new(node.lon(), node.lat())),
            _ => return,
        };
        if at.is_some_and(|at| area.contains(at)) {
            inside.push(id);
        }
    })?;
    inside.sort_unstable();
    Ok(inside)
}

/// `malta.osm.pbf` is malta.
fn stem(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let stem = name.split('.').next().unwrap_or(name);
    (!stem.is_empty()).then(|| stem.to_owned())
}
