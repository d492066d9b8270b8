use std::{
    cmp::{Ordering, Reverse},
    collections::HashMap,
};

use crate::{Coordinate, OsmKind, Place, PoiId, Tags, comparable_name, in_brief, is_same_place, prominence};

/// Makes one place of each that is mapped twice, such as a museum as a point and as a building. The element that tells
/// more stays; it takes over the themes of the other, and the tags that it lacks.
pub fn merge_duplicates(places: impl IntoIterator<Item = Place>) -> Vec<Place> {
    let mut ranked: Vec<(Rank, Place)> = places.into_iter().map(|place| (rank(&place), place)).collect();
    ranked.sort_by(|(a, _), (b, _)| a.partial_cmp(b).unwrap_or(Ordering::Equal));
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
    kept.sort_by_key(|place| place.poi.id);
    kept
}

/// Smaller is better: a museum before the building that it is in, then the better known, the larger, the older one.
type Rank = (bool, f32, Reverse<OsmKind>, PoiId);

fn rank(place: &Place) -> Rank {
    let kind = place.poi.kind.as_str();
    let is_shell =
        ["building=", "place=", "landuse=", "boundary=", "heritage="].iter().any(|key| kind.starts_with(key))
            || ["place", "tourism=attraction", "tourism=yes", "historic=yes", "historic=building"]
                .contains(&kind);
    let size = place.poi.id.osm().map_or(OsmKind::Node, |(kind, _)| kind);
    (is_shell, -prominence(&place.tags), Reverse(size), place.poi.id)
}

/// What the same place would have in common.
fn handles(place: &Place) -> Vec<String> {
    let name = comparable_name(&place.tags).map(|name| format!("name {name}"));
    let entry = place.tags.get("wikidata").map(|entry| format!("wikidata {entry}"));
    name.into_iter().chain(entry).collect()
}

fn of(place: &Place) -> (Coordinate, &Tags) {
    (place.poi.location, &place.tags)
}

fn absorb(kept: &mut Place, other: Place) {
    kept.poi.themes.extend(other.poi.themes);
    kept.poi.themes.sort_unstable();
    kept.poi.themes.dedup();
    // Who built the house did not found the museum: what is known of each is told apart.
    let (ours, theirs) = (in_brief(&kept.tags), in_brief(&other.tags));
    if let (Some(narrative), Some(theirs)) = (&mut kept.poi.narrative, &theirs)
        && ours.as_ref().is_none_or(|ours| !ours.starts_with(theirs))
        && !["a building", "a visitor attraction", "a historic place"].contains(&theirs.as_str())
    {
        *narrative += &format!(" In the same place there is {theirs}.");
    }
    kept.also.push(other.poi.id);
    kept.also.extend(other.also);
    for (key, value) in other.tags {
        kept.tags.entry(key).or_insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Poi, PopularityScale, ThemeId, poi::tags};

    /// A place so many metres north of the first, with one theme.
    fn place(kind: OsmKind, metres: f64, theme: u128, text: &str) -> Place {
        let (tags, at) = (tags(text), Coordinate::new(24.94, 60.17 + metres / 111_195.0).unwrap());
        let themes = vec![ThemeId(uuid::Uuid::from_u128(theme))];
        let poi = Poi::from_tags(PoiId::of(kind, 1), at, &tags, themes, &PopularityScale::default());
        Place { poi, tags, also: vec![] }
    }

    #[test]
    fn a_museum_and_the_building_around_it_are_one_place_that_knows_all_of_both() {
        let museum = place(OsmKind::Node, 0.0, 2, "name=Ateneum tourism=museum opening_hours=Tu-Su");
        let house = place(OsmKind::Way, 20.0, 1, "name=ATENEUM building=university architect=Höijer fee=no");
        let [one] = &merge_duplicates([house.clone(), museum.clone()])[..] else { panic!("two places") };
        assert_eq!((one.poi.id, &one.also), (museum.poi.id, &vec![house.poi.id]));
        assert_eq!(one.poi.themes, [house.poi.themes[0], museum.poi.themes[0]]);
        let expected = tags(
            "name=Ateneum tourism=museum opening_hours=Tu-Su building=university architect=Höijer fee=no",
        );
        assert_eq!(one.tags, expected);
        let told = "A museum. In the same place there is a university building designed by Höijer.";
        assert_eq!(one.poi.narrative.as_deref(), Some(told));
    }

    #[test]
    fn neighbours_and_namesakes_far_away_stay() {
        let here = place(OsmKind::Node, 0.0, 1, "name=Engel amenity=cafe");
        let next_door = place(OsmKind::Way, 5.0, 1, "name=Ekberg amenity=cafe");
        let far_away = place(OsmKind::Relation, 500.0, 1, "name=Engel amenity=cafe");
        let nameless = [0.0, 1.0].map(|metres| {
            let mut statue = place(OsmKind::Node, metres, 1, "tourism=artwork");
            statue.poi.id = PoiId::of(OsmKind::Node, 10 + metres as i64);
            statue
        });
        assert_eq!(merge_duplicates([here, next_door, far_away].into_iter().chain(nameless)).len(), 5);
    }
}
