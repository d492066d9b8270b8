use anyhow::{Context, anyhow};
use domain::{
    Coordinate, OsmKind, PoiId, PopularityScale, Tags, ThemeCatalogue, ThemeId, comparable_name,
    dwell_seconds, kind_of_place, prominence,
};
use osmpbf::{Element, ElementReader, RelMemberType};
use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use super::{
    footing::{Footing, footing},
    plane::{Plane, Spot},
};

/// Two elements of the same name, or the same entry in Wikidata, may stand for one place within this distance.
const MAPPED_TWICE_M: f64 = 200.0;

/// What the checker needs of an extract, as it stands there.
pub(super) struct Extract {
    pub plane: Plane,
    /// Where each numbered node is.
    pub nodes: Vec<Spot>,
    /// Walkable ways, cut where the extract lacks a node.
    pub ways: Vec<(Footing, Vec<u32>)>,
    pub squares: Vec<Square>,
    pub places: HashMap<PoiId, Place>,
}

/// What one may cross anywhere.
#[derive(Clone)]
pub(super) struct Square {
    pub footing: Footing,
    /// Its outline, and its holes.
    pub rings: Vec<Vec<Spot>>,
    /// The nodes of all rings.
    pub nodes: Vec<u32>,
}

/// Something with a theme.
pub(super) struct Place {
    /// Those of its own tags.
    pub own_themes: Vec<ThemeId>,
    /// Its own, and those of elements that may stand for the same place.
    pub themes: Vec<ThemeId>,
    pub kind: String,
    /// Its name, and its entry in Wikidata: what it has in common with an element that stands for the same place.
    handles: Vec<String>,
    /// How long one stays.
    pub dwell_s: u32,
    /// As its tags have it.
    pub opening_hours: Option<String>,
    /// 0 hidden gem, 1 hotspot.
    pub popularity: f64,
    /// A single spot, a line, or rings; of a relation only what the extract holds.
    pub outline: Vec<Vec<Spot>>,
}

#[derive(Default)]
struct Raw {
    origin: Option<Plane>,
    numbers: HashMap<i64, u32>,
    nodes: Vec<Spot>,
    ways: HashMap<i64, Vec<i64>>,
    found: Vec<Found>,
}

struct Found {
    id: PoiId,
    tags: Tags,
    members: Vec<i64>,
}

impl Extract {
    pub fn read(file: &Path, themes: &ThemeCatalogue) -> anyhow::Result<Self> {
        let mut raw = Raw::default();
        let reader = ElementReader::from_path(file).with_context(|| format!("opening {}", file.display()))?;
        reader
            .for_each(|element| raw.take(&element))
            .with_context(|| format!("reading {}", file.display()))?;
        let plane = raw.origin.ok_or_else(|| anyhow!("{} has no nodes", file.display()))?;
        let mut extract =
            Self { plane, nodes: Vec::new(), ways: Vec::new(), squares: Vec::new(), places: HashMap::new() };
        for found in &raw.found {
            extract.sort_in(found, &raw, themes);
        }
        extract.nodes = raw.nodes;
        extract.join_themes();
        let scale = PopularityScale::of(extract.places.values().map(|place| place.popularity as f32));
        for place in extract.places.values_mut() {
            place.popularity = scale.score(place.popularity as f32).into();
        }
        Ok(extract)
    }

    /// A place that is mapped twice, as a museum and as its building, has the themes of both.
    fn join_themes(&mut self) {
        let mut namesakes: HashMap<&String, Vec<PoiId>> = HashMap::new();
        for (id, place) in &self.places {
            place.handles.iter().for_each(|handle| namesakes.entry(handle).or_default().push(*id));
        }
        let pairs =
            namesakes.values().flat_map(|ids| ids.iter().flat_map(|a| ids.iter().map(move |b| (*a, *b))));
        let near = |(a, b): &(PoiId, PoiId)| {
            let spot = self.places[b].outline.iter().flatten().next();
            spot.is_some_and(|spot| self.places[a].distance(*spot) < MAPPED_TWICE_M)
        };
        let joined: Vec<(PoiId, Vec<ThemeId>)> =
            pairs.filter(near).map(|(a, b)| (a, self.places[&b].themes.clone())).collect();
        for (id, themes) in joined {
            self.places.entry(id).and_modify(|place| place.themes.extend(themes));
        }
    }

    fn sort_in(&mut self, found: &Found, raw: &Raw, themes: &ThemeCatalogue) {
        let themes = themes.themes_of(&found.tags);
        let ground = footing(&found.tags);
        let kind = found.id.osm().map(|(kind, _)| kind);
        let runs = match kind {
            Some(OsmKind::Relation) => raw.rings(&found.members),
            _ => raw.known_runs(&found.members),
        };
        let outline: Vec<Vec<Spot>> =
            runs.iter().map(|run| run.iter().map(|node| raw.nodes[*node as usize]).collect()).collect();
        if let Some(ground) = ground.filter(|_| kind != Some(OsmKind::Node)) {
            let closed = |ring: &&Vec<Spot>| ring.len() > 3 && ring.first() == ring.last();
            let rings: Vec<Vec<Spot>> = outline.iter().filter(closed).cloned().collect();
            if ground.area && !rings.is_empty() {
                self.squares.push(Square { footing: ground, rings, nodes: runs.concat() });
            }
            self.ways.extend(runs.into_iter().map(|run| (ground, run)));
        }
        if !themes.is_empty() {
            let kind = kind_of_place(&found.tags).unwrap_or_default();
            let entry = found.tags.get("wikidata").map(|entry| format!("wikidata {entry}"));
            let handles = comparable_name(&found.tags).into_iter().chain(entry).collect();
            // Its rank among all places is told when all are known.
            let (dwell_s, popularity) = (dwell_seconds(&found.tags), prominence(&found.tags).into());
            self.places.insert(
                found.id,
                Place {
                    own_themes: themes.clone(),
                    themes,
                    kind,
                    handles,
                    dwell_s,
                    opening_hours: found.tags.get("opening_hours").cloned(),
                    popularity,
                    outline,
                },
            );
        }
    }
}

impl Raw {
    fn take(&mut self, element: &Element<'_>) {
        match element {
            Element::Node(node) => self.take_node(node.id(), node.lon(), node.lat(), node.tags()),
            Element::DenseNode(node) => self.take_node(node.id(), node.lon(), node.lat(), node.tags()),
            Element::Way(way) => {
                let refs: Vec<i64> = way.refs().collect();
                self.keep(OsmKind::Way, way.id(), way.tags(), refs.clone());
                self.ways.insert(way.id(), refs);
            }
            Element::Relation(relation) => {
                let ways = relation.members().filter(|member| member.member_type == RelMemberType::Way);
                let members = ways.map(|member| member.member_id).collect();
                self.keep(OsmKind::Relation, relation.id(), relation.tags(), members);
            }
        }
    }

    fn take_node<'a>(&mut self, id: i64, lon: f64, lat: f64, tags: impl Iterator<Item = (&'a str, &'a str)>) {
        let Some(at) = Coordinate::new(lon, lat) else { return };
        let plane = *self.origin.get_or_insert_with(|| Plane::around(at));
        self.numbers.insert(id, self.nodes.len() as u32);
        self.nodes.push(plane.spot(at));
        self.keep(OsmKind::Node, id, tags, vec![id]);
    }

    fn keep<'a>(
        &mut self,
        kind: OsmKind,
        id: i64,
        tags: impl Iterator<Item = (&'a str, &'a str)>,
        members: Vec<i64>,
    ) {
        let tags: Tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        if !tags.is_empty() {
            self.found.push(Found { id: PoiId::of(kind, id), tags, members });
        }
    }

    /// The nodes of a way, cut where one is missing: an extract ends somewhere.
    fn known_runs(&self, refs: &[i64]) -> Vec<Vec<u32>> {
        let numbers: Vec<Option<u32>> = refs.iter().map(|id| self.numbers.get(id).copied()).collect();
        let runs = numbers.split(Option::is_none).filter(|run| !run.is_empty());
        runs.map(|run| run.iter().flatten().copied().collect()).collect()
    }

    /// Joins the ways of a relation end to end; what does not close stays open.
    fn rings(&self, ways: &[i64]) -> Vec<Vec<u32>> {
        let known = ways.iter().filter_map(|way| self.ways.get(way));
        let mut runs: Vec<Vec<u32>> = known.flat_map(|refs| self.known_runs(refs)).collect();
        let mut rings = Vec::new();
        while let Some(mut ring) = runs.pop() {
            while ring.first() != ring.last() {
                let end = ring.last().copied();
                let Some(next) =
                    runs.iter().position(|run| run.first() == end.as_ref() || run.last() == end.as_ref())
                else {
                    break;
                };
                let mut run = runs.swap_remove(next);
                if run.first() != end.as_ref() {
                    run.reverse();
                }
                ring.extend(run.into_iter().skip(1));
            }
            rings.push(ring);
        }
        rings
    }
}

impl Place {
    /// Some spot of it.
    pub fn spot(&self) -> Spot {
        self.outline.iter().flatten().next().copied().unwrap_or_default()
    }

    /// How far a spot is from it; nothing for one who stands in it.
    pub fn distance(&self, spot: Spot) -> f64 {
        let rings: Vec<Vec<Spot>> =
            self.outline.iter().filter(|run| run.len() > 3 && run.first() == run.last()).cloned().collect();
        if spot.is_inside(&rings) {
            return 0.0;
        }
        let lines = self.outline.iter().flat_map(|run| run.windows(2));
        let corners = self.outline.iter().flatten().map(|corner| corner.distance(spot));
        lines.map(|line| spot.distance_to_line(line[0], line[1])).chain(corners).fold(f64::INFINITY, f64::min)
    }

    /// Whether it has one of these themes.
    pub fn has_any(&self, wanted: &[ThemeId]) -> bool {
        let own: BTreeSet<_> = self.themes.iter().collect();
        wanted.iter().any(|theme| own.contains(theme))
    }
}
