use std::collections::{BTreeMap, HashMap};

use domain::{Coordinate, OsmKind, PoiId, comparable_name, is_same_place, prominence};

use crate::Place;

/// Makes one place of each that is mapped twice, such as a museum as a point and as a building. The better known element
/// stays, the larger one of two alike; it takes over the themes of the other, and the tags that it lacks.
pub(crate) fn merge(places: impl IntoIterator<Item = Place>) -> Vec<Place> {
    let mut ranked: Vec<(f32, Place)> =
        places.into_iter().map(|place| (prominence(&place.tags), place)).collect();
    let size = |place: &Place| place.poi.id.osm().map(|(kind, _)| kind).unwrap_or(OsmKind::Node);
    ranked.sort_by(|(a_known, a), (b_known, b)| {
        (b_known.total_cmp(a_known)).then(size(b).cmp(&size(a))).then(a.poi.id.cmp(&b.poi.id))
    });
    let mut kept: Vec<Place> = Vec::with_capacity(ranked.len());
    let mut by_handle: HashMap<String, Vec<usize>> = HashMap::new();
    for (_, place) in ranked {
        let handles = handles(&place);
        let namesakes = handles.iter().filter_map(|handle| by_handle.get(handle)).flatten().copied();
        let twin = namesakes.into_iter().find(|&index| is_same_place(of(&kept[index]), of(&place)));
        match twin {
            Some(index) => absorb(&mut kept[index], place),
            None => {
                handles.into_iter().for_each(|handle| by_handle.entry(handle).or_default().push(kept.len()));
                kept.push(place);
            }
        }
    }
    let by_id: BTreeMap<PoiId, Place> = kept.into_iter().map(|place| (place.poi.id, place)).collect();
    by_id.into_values().collect()
}

/// What the same place would have in common.
fn handles(place: &Place) -> Vec<String> {
    let name = comparable_name(&place.tags).map(|name| format!("name {name}"));
    let entry = place.tags.get("wikidata").map(|entry| format!("wikidata {entry}"));
    name.into_iter().chain(entry).collect()
}

fn of(place: &Place) -> (Coordinate, &domain::Tags) {
    (place.poi.location, &place.tags)
}

fn absorb(kept: &mut Place, other: Place) {
    kept.poi.themes.extend(other.poi.themes);
    kept.poi.themes.sort_unstable();
    kept.poi.themes.dedup();
    kept.also.push(other.poi.id);
    kept.also.extend(other.also);
    for (key, value) in other.tags {
        kept.tags.entry(key).or_insert(value);
    }
}
