use anyhow::Context;
use domain::{Coordinate, OsmKind, Place, PopularityScale, ThemeCatalogue};
use osmpbf::{Element, Way};
use wildside_engine::NetworkCell;

use crate::{
    Area, Extract, MultiPolygon, guard::guarded, nodes::Nodes, pbf::tags, places::Places, polygon,
    streets::Streets,
};

/// What is in an extract, for us.
pub struct Content {
    /// The places that belong to a theme, by id.
    pub places: Vec<Place>,
    /// By which their popularity is told.
    pub popularity: PopularityScale,
    /// The streets.
    pub cells: Vec<NetworkCell>,
    /// Where the data is complete.
    pub coverage: MultiPolygon,
}

/// Reads what we want of an extract: of all of it, or of an area.
pub fn read(extract: &Extract, catalogue: &ThemeCatalogue, area: Option<&Area>) -> anyhow::Result<Content> {
    guarded(|| Ok(read_content(extract, catalogue, area)))
        .with_context(|| format!("{} is damaged", extract.name()))?
}

fn read_content(
    extract: &Extract,
    catalogue: &ThemeCatalogue,
    area: Option<&Area>,
) -> anyhow::Result<Content> {
    let inside = area.map(|area| nodes_inside(extract, area)).transpose()?;
    // A way with a node in the area counts as a whole, so that no street ends at the border.
    let ours = |way: &Way<'_>| match &inside {
        Some(inside) => way.refs().any(|id| inside.binary_search(&id).is_ok()),
        None => true,
    };
    let mut places = Places::new(catalogue);
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
    streets.read(extract, &nodes, ours)?;
    let (places, popularity) = places.finish(&nodes, area);
    let cells = streets.finish(&nodes);
    drop(nodes);
    let coverage = match area {
        Some(area) => area.polygons().clone(),
        None => polygon::rectangle(extract.bounds).context("the extract is nowhere")?,
    };
    Ok(Content { places, popularity, cells, coverage })
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
