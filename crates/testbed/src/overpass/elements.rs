use anyhow::Context;
use domain::{Bounds, Coordinate, OsmKind, Tags};
use osmpbf::{Element, ElementReader, RelMemberType};
use serde_json::{Value, json};
use std::{collections::HashMap, path::Path};

use super::ql::{Query, Statement};

/// Everything with tags in an extract, with the rectangle that it takes up.
pub(super) struct Elements(Vec<Tagged>);

struct Tagged {
    kind: OsmKind,
    id: i64,
    tags: Tags,
    bounds: Bounds,
}

impl Elements {
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let mut nodes: HashMap<i64, Coordinate> = HashMap::new();
        let mut ways: HashMap<i64, Bounds> = HashMap::new();
        let mut tagged = Vec::new();
        let mut keep = |kind, id, tags: Tags, bounds: Option<Bounds>| {
            if let (Some(bounds), false) = (bounds, tags.is_empty()) {
                tagged.push(Tagged { kind, id, tags, bounds });
            }
        };
        let reader = ElementReader::from_path(file).with_context(|| format!("opening {}", file.display()))?;
        let taken = reader.for_each(|element| match element {
            Element::Node(node) => {
                if let Some(at) = Coordinate::new(node.lon(), node.lat()) {
                    nodes.insert(node.id(), at);
                    keep(OsmKind::Node, node.id(), owned(node.tags()), Bounds::around([at]));
                }
            }
            Element::DenseNode(node) => {
                if let Some(at) = Coordinate::new(node.lon(), node.lat()) {
                    nodes.insert(node.id(), at);
                    keep(OsmKind::Node, node.id(), owned(node.tags()), Bounds::around([at]));
                }
            }
            Element::Way(way) => {
                let bounds = Bounds::around(way.refs().filter_map(|id| nodes.get(&id).copied()));
                ways.extend(bounds.map(|bounds| (way.id(), bounds)));
                keep(OsmKind::Way, way.id(), owned(way.tags()), bounds);
            }
            Element::Relation(relation) => {
                let of_ways = relation.members().filter(|member| member.member_type == RelMemberType::Way);
                let corners = of_ways.filter_map(|member| ways.get(&member.member_id)).flat_map(corners);
                keep(OsmKind::Relation, relation.id(), owned(relation.tags()), Bounds::around(corners));
            }
        });
        taken.with_context(|| format!("reading {}", file.display()))?;
        Ok(Self(tagged))
    }

    /// What a query asks for, each once, as `out center tags` writes it.
    pub fn answer(&self, query: &Query) -> Vec<Value> {
        let wanted = |element: &&Tagged| query.union.iter().any(|statement| element.fits(statement));
        let most = query.most.unwrap_or(usize::MAX);
        self.0.iter().filter(wanted).take(most).map(Tagged::json).collect()
    }
}

impl Tagged {
    fn fits(&self, statement: &Statement) -> bool {
        let (ours, theirs) = (self.bounds, statement.rectangle);
        statement.kinds.contains(&self.kind)
            && ours.min_lon <= theirs.max_lon
            && ours.max_lon >= theirs.min_lon
            && ours.min_lat <= theirs.max_lat
            && ours.max_lat >= theirs.min_lat
            && statement.filters.iter().all(|filter| filter.fits(&self.tags))
    }

    fn json(&self) -> Value {
        let (lat, lon) = (
            (self.bounds.min_lat + self.bounds.max_lat) / 2.0,
            (self.bounds.min_lon + self.bounds.max_lon) / 2.0,
        );
        let [lat, lon] = [lat, lon].map(|degrees| (degrees * 1e7).round() / 1e7);
        match self.kind {
            OsmKind::Node => {
                json!({"type": "node", "id": self.id, "lat": lat, "lon": lon, "tags": self.tags})
            }
            kind => {
                json!({"type": kind.as_str(), "id": self.id, "center": {"lat": lat, "lon": lon}, "tags": self.tags})
            }
        }
    }
}

fn corners(bounds: &Bounds) -> impl Iterator<Item = Coordinate> + use<> {
    let corners = [(bounds.min_lon, bounds.min_lat), (bounds.max_lon, bounds.max_lat)];
    corners.into_iter().filter_map(|(lon, lat)| Coordinate::new(lon, lat))
}

fn owned<'a>(tags: impl Iterator<Item = (&'a str, &'a str)>) -> Tags {
    tags.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
