use std::collections::{BTreeMap, HashMap};

use domain::{
    Coordinate, OsmKind, Place, Poi, PoiId, PopularityScale, Tags, ThemeCatalogue, ThemeId, merge_duplicates,
    prominence,
};
use osmpbf::{Relation, Way};

use crate::{
    nodes::Nodes,
    outlines,
    pbf::{AreaMembers, tags},
    polygon::Area,
};

/// Keys, and values where not all are meant, of what is a line even where it comes back to where it began: the point
/// of a town wall is on the wall, not in the middle of the town.
const LINES: [(&str, &[&str]); 5] = [
    ("historic", &["citywalls", "aqueduct"]),
    ("natural", &["cliff", "coastline", "ridge", "arete", "tree_row", "valley"]),
    ("barrier", &[]),
    ("waterway", &["river", "stream", "canal", "drain", "ditch"]),
    ("man_made", &["breakwater", "groyne", "embankment"]),
];

/// Gathers the places of an extract that belong to a theme.
pub(crate) struct Places<'a> {
    catalogue: &'a ThemeCatalogue,
    relations: Vec<AreaOfWays>,
    ways: Vec<Line>,
    /// The ways that the relations are made of, by their nodes.
    parts: HashMap<i64, Vec<i64>>,
    found: BTreeMap<PoiId, Place>,
}

struct AreaOfWays {
    what: Candidate,
    members: AreaMembers,
}

struct Line {
    what: Candidate,
    nodes: Vec<i64>,
}

/// A place that is only waiting for its point.
struct Candidate {
    id: PoiId,
    tags: Tags,
    themes: Vec<ThemeId>,
}

impl<'a> Places<'a> {
    pub(crate) fn new(catalogue: &'a ThemeCatalogue) -> Self {
        Self {
            catalogue,
            relations: Vec::new(),
            ways: Vec::new(),
            parts: HashMap::new(),
            found: BTreeMap::new(),
        }
    }

    /// First come the relations: areas made of several ways.
    pub(crate) fn take_relation(&mut self, relation: &Relation<'_>) {
        let is_area = |(key, value)| key == "type" && ["multipolygon", "boundary"].contains(&value);
        if !relation.tags().any(is_area) {
            return;
        }
        let Some(what) = self.candidate(OsmKind::Relation, relation.id(), relation.tags()) else { return };
        let members = AreaMembers::of(relation);
        self.parts.extend(members.all().map(|way| (way, Vec::new())));
        self.relations.push(AreaOfWays { what, members });
    }

    /// Then the ways; one that is not `ours` may still be part of a relation. Returns the nodes that will be asked for.
    pub(crate) fn take_way(&mut self, way: &Way<'_>, ours: bool) -> Vec<i64> {
        let mut wanted = Vec::new();
        if let Some(part) = self.parts.get_mut(&way.id()) {
            *part = way.refs().collect();
            wanted.extend(part.iter());
        }
        if ours && let Some(what) = self.candidate(OsmKind::Way, way.id(), way.tags()) {
            let nodes: Vec<i64> = way.refs().collect();
            wanted.extend(&nodes);
            self.ways.push(Line { what, nodes });
        }
        wanted
    }

    /// Then the nodes, which are places by themselves.
    pub(crate) fn take_node(&mut self, id: i64, at: Coordinate, tags: &Tags, area: Option<&Area>) {
        if tags.keys().any(|key| self.catalogue.asks_about(key))
            && let Some(what) = self.fitting(OsmKind::Node, id, tags.clone())
        {
            self.keep(what, Some(at), area);
        }
    }

    /// Last, ways and relations find their points. All places, by id, and the scale of their popularity.
    pub(crate) fn finish(mut self, nodes: &Nodes, area: Option<&Area>) -> (Vec<Place>, PopularityScale) {
        for Line { what, nodes: line } in std::mem::take(&mut self.ways) {
            let at = nodes.entrance(line.iter().copied()).or_else(|| point_of_way(&what.tags, &line, nodes));
            self.keep(what, at, area);
        }
        for AreaOfWays { what, members } in std::mem::take(&mut self.relations) {
            let lines = |ways: &[i64]| -> Vec<&[i64]> {
                ways.iter().filter_map(|way| self.parts.get(way)).map(Vec::as_slice).collect()
            };
            let (outer, inner) = (lines(&members.outer), lines(&members.inner));
            let entrance = nodes.entrance(outer.iter().flat_map(|line| line.iter().copied()));
            let at = entrance.or_else(|| point_of_area(&outer, &inner, nodes));
            self.keep(what, at, area);
        }
        let mut places = merge_duplicates(self.found.into_values());
        let scale = PopularityScale::of(places.iter().map(|place| prominence(&place.tags)));
        for place in &mut places {
            place.poi.popularity_score = scale.score(prominence(&place.tags));
        }
        (places, scale)
    }

    fn candidate<'t>(
        &self,
        kind: OsmKind,
        id: i64,
        mut of: impl Iterator<Item = (&'t str, &'t str)> + Clone,
    ) -> Option<Candidate> {
        let all = of.clone();
        // Nearly everything is of no interest, and that is seen before anything is copied.
        of.any(|(key, _)| self.catalogue.asks_about(key)).then(|| self.fitting(kind, id, tags(all))).flatten()
    }

    fn fitting(&self, kind: OsmKind, id: i64, tags: Tags) -> Option<Candidate> {
        let id = PoiId::of_element(kind, id)?;
        let themes = self.catalogue.themes_of(&tags);
        (!themes.is_empty()).then_some(Candidate { id, tags, themes })
    }

    fn keep(&mut self, what: Candidate, at: Option<Coordinate>, area: Option<&Area>) {
        let Some(location) = at.filter(|at| area.is_none_or(|area| area.contains(*at))) else { return };
        let Candidate { id, tags, themes } = what;
        // Its score is told when all places are known.
        let poi = Poi::from_tags(id, location, &tags, themes, &PopularityScale::default());
        self.found.insert(id, Place { poi, tags, also: Vec::new() });
    }
}

/// A point in a closed way, or on an open one. Of a way that is cut, some node of it that is there.
fn point_of_way(tags: &Tags, line: &[i64], nodes: &Nodes) -> Option<Coordinate> {
    let known: Vec<Coordinate> = line.iter().filter_map(|id| nodes.get(*id)).collect();
    let is_whole = known.len() == line.len();
    let is_ring = line.len() >= 4 && line.first() == line.last();
    let ring =
        (is_whole && is_ring && !is_line(tags)).then(|| outlines::point_inside(std::slice::from_ref(&known)));
    ring.flatten().or_else(|| outlines::middle(&known))
}

/// A point in an area of several ways. Of an area that is cut, some node of its longest piece that is there.
fn point_of_area(outer: &[&[i64]], inner: &[&[i64]], nodes: &Nodes) -> Option<Coordinate> {
    let whole = || -> Option<Vec<Vec<Coordinate>>> {
        // A hole that is cut is no reason to give up.
        let rings = outlines::rings(outer)?.into_iter().chain(outlines::rings(inner).unwrap_or_default());
        rings.map(|ring| ring.into_iter().map(|id| nodes.get(id)).collect()).collect()
    };
    let piece = || {
        let pieces = outer.iter().map(|line| line.iter().filter_map(|id| nodes.get(*id)).collect::<Vec<_>>());
        outlines::middle(&pieces.max_by_key(Vec::len)?)
    };
    whole().and_then(|rings| outlines::point_inside(&rings)).or_else(piece)
}

fn is_line(tags: &Tags) -> bool {
    let says = |key: &str, value: &str| tags.get(key).is_some_and(|is| is == value);
    let fits = |(key, values): &(&str, &[&str])| {
        tags.get(*key).is_some_and(|value| values.is_empty() || values.contains(&value.as_str()))
    };
    !says("area", "yes") && (says("area", "no") || LINES.iter().any(fits))
}
