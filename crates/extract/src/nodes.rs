use std::collections::HashMap;

use domain::{Coordinate, Tags};

/// Where the nodes are that somebody asked for, and which of them are entrances: 16 bytes a node.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    ids: Vec<i64>,
    /// Degrees times 10^7, which is how exact OSM is.
    places: Vec<[i32; 2]>,
    entrances: HashMap<i64, Entrance>,
}

/// How good a way in is; the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Entrance {
    Main,
    Any,
}

/// Not on Earth: this node has not been seen.
const MISSING: [i32; 2] = [i32::MAX; 2];

impl Nodes {
    /// Asks for these nodes; repetitions cost nothing.
    pub(crate) fn wanted(mut ids: Vec<i64>) -> Self {
        ids.sort_unstable();
        ids.dedup();
        ids.shrink_to_fit();
        let places = vec![MISSING; ids.len()];
        Self { ids, places, entrances: HashMap::new() }
    }

    /// Somebody asked for this one.
    pub(crate) fn wants(&self, id: i64) -> bool {
        self.ids.binary_search(&id).is_ok()
    }

    /// Notes where a node is, if somebody asked for it.
    pub(crate) fn put(&mut self, id: i64, at: Coordinate, tags: &Tags) {
        let Ok(index) = self.ids.binary_search(&id) else { return };
        self.places[index] = [at.lon(), at.lat()].map(|degrees| (degrees * 1e7).round() as i32);
        match tags.get("entrance").map(String::as_str) {
            Some("main") => _ = self.entrances.insert(id, Entrance::Main),
            Some("yes") => _ = self.entrances.insert(id, Entrance::Any),
            _ => {}
        }
    }

    /// Where it is; `None` for a node that the extract does not have.
    pub(crate) fn get(&self, id: i64) -> Option<Coordinate> {
        let [lon, lat] = self.places[self.ids.binary_search(&id).ok()?];
        Coordinate::new(f64::from(lon) / 1e7, f64::from(lat) / 1e7)
    }

    /// The main entrance among these nodes, else the first entrance.
    pub(crate) fn entrance(&self, ids: impl Iterator<Item = i64>) -> Option<Coordinate> {
        let ways_in = ids.filter_map(|id| Some((self.entrances.get(&id)?, id)));
        // Of several alike the first on the outline: `min_by_key` keeps the earlier one.
        let (_, id) = ways_in.min_by_key(|(entrance, _)| **entrance)?;
        self.get(id)
    }
}
