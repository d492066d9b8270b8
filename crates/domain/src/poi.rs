use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::{Coordinate, PoiId, PopularityScale, ThemeId, narrative, prominence};

/// OSM tags, by key.
pub type Tags = BTreeMap<String, String>;

/// What an OSM element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OsmKind {
    /// A point.
    Node = 0,
    /// A line or an outline.
    Way = 1,
    /// A group of others, such as an outline with holes.
    Relation = 2,
}

impl OsmKind {
    /// The name OSM uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Way => "way",
            Self::Relation => "relation",
        }
    }
}

/// A place worth a stop, as the search sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Poi {
    /// Which place.
    pub id: PoiId,
    /// Where it is.
    pub location: Coordinate,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// What kind of place it is, such as `tourism=museum`; a walk has a variety of kinds.
    pub kind: String,
    /// Its themes, sorted.
    pub themes: Vec<ThemeId>,
    /// 0 hidden gem, 1 hotspot.
    pub popularity_score: f32,
    /// How long one stays, in seconds.
    pub dwell_s: u32,
    /// What is worth knowing about it.
    pub narrative: Option<String>,
    /// When it is open, as OSM writes it: <https://wiki.openstreetmap.org/wiki/Key:opening_hours>.
    pub opening_hours: Option<String>,
}

/// A place as OSM describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The place.
    pub poi: Poi,
    /// All its tags, and those that only the others have.
    pub tags: Tags,
    /// Other elements that stand for the same place.
    pub also: Vec<PoiId>,
}

impl Poi {
    /// A place as its tags describe it.
    pub fn from_tags(
        id: PoiId,
        location: Coordinate,
        tags: &Tags,
        themes: Vec<ThemeId>,
        popularity: &PopularityScale,
    ) -> Self {
        Self {
            id,
            location,
            name: name_of_place(tags).map(str::to_owned),
            kind: kind_of_place(tags).unwrap_or_else(|| "place".into()),
            themes,
            popularity_score: popularity.score(prominence(tags)),
            dwell_s: dwell_seconds(tags),
            narrative: narrative(tags),
            opening_hours: tags.get("opening_hours").cloned(),
        }
    }
}

/// Keys that say what a place is, the most telling first.
const KINDS: [&str; 17] = [
    "tourism",
    "historic",
    "amenity",
    "leisure",
    "natural",
    "man_made",
    "shop",
    "craft",
    "office",
    "artwork_type",
    "place",
    "waterway",
    "building",
    "military",
    "boundary",
    "landuse",
    "heritage",
];

/// Values that say little where another key says more: a church that is also an attraction is a church.
const VAGUE: [&str; 16] = [
    "yes",
    "attraction",
    "coastline",
    "locality",
    "building",
    "heritage",
    "information",
    "hotel",
    "hostel",
    "guest_house",
    "apartment",
    "house",
    "residential",
    "commercial",
    "retail",
    "bench",
];

/// What kind of place this is, such as `tourism=museum`; `None` where the tags do not tell.
pub fn kind_of_place(tags: &Tags) -> Option<String> {
    // Of several values the first is the one the mapper thought of first.
    let kinds = || KINDS.iter().filter_map(|key| Some((*key, tags.get(*key)?.split(';').next()?.trim())));
    // How a place is protected is not what it is.
    let telling = kinds().find(|(key, value)| *key != "heritage" && !VAGUE.contains(value) && *value != "no");
    let (key, value) = telling.or_else(|| kinds().find(|(_, value)| *value != "no"))?;
    Some(format!("{key}={value}"))
}

/// The name in the local language, else in English or for the world; `None` for a place without a name.
pub fn name_of_place(tags: &Tags) -> Option<&str> {
    let names = ["name", "name:en", "int_name", "official_name", "loc_name"];
    names.iter().filter_map(|key| tags.get(*key)).map(|name| name.trim()).find(|name| !name.is_empty())
}

/// The name in English, where there is one and it is not the one that [`name_of_place`] tells.
pub fn english_name(tags: &Tags) -> Option<&str> {
    let name = tags.get("name:en").map(|name| name.trim()).filter(|name| !name.is_empty())?;
    let is_local = name_of_place(tags).is_some_and(|local| local.to_lowercase() == name.to_lowercase());
    (!is_local).then_some(name)
}

/// How long a walker stays who passes by and looks, in seconds: not a whole visit, which nobody plans into a walk.
pub fn dwell_seconds(tags: &Tags) -> u32 {
    let kind = kind_of_place(tags).unwrap_or_default();
    let minutes = match kind.split_once('=').unwrap_or_default() {
        ("tourism", "zoo" | "theme_park" | "aquarium") => 40,
        ("tourism", "museum") => 20,
        ("tourism", "gallery") | ("amenity", "arts_centre" | "planetarium") => 12,
        ("amenity", "restaurant" | "biergarten") => 20,
        ("amenity", "pub" | "bar" | "cafe") | ("craft", "brewery") => 15,
        ("amenity", "marketplace" | "fast_food" | "food_court" | "ice_cream") => 10,
        ("amenity", "library") | ("shop", "books" | "antiques" | "music") => 8,
        ("shop", _) => 6,
        ("historic", "castle" | "fort" | "palace" | "archaeological_site") => 12,
        ("amenity", "place_of_worship" | "monastery") => 6,
        ("leisure", "park" | "garden" | "nature_reserve" | "playground") | ("natural", "beach") => 8,
        ("tourism", "viewpoint" | "picnic_site") | ("man_made", "tower" | "lighthouse" | "pier") => 5,
        ("historic", "memorial" | "boundary_stone" | "milestone") | ("tourism", "artwork") => 2,
        ("amenity", "fountain" | "clock") | ("natural", "tree" | "stone") => 2,
        _ => 3,
    };
    minutes * 60
}

/// Tags written as `key=value key=value`.
#[cfg(test)]
pub(crate) fn tags(text: &str) -> Tags {
    text.split_whitespace().filter_map(|tag| tag.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_telling_tag_is_the_kind() {
        let kind = |text: &str| kind_of_place(&tags(text)).unwrap_or_default();
        assert_eq!(kind("tourism=museum building=yes"), "tourism=museum");
        assert_eq!(
            kind("tourism=attraction amenity=place_of_worship historic=yes"),
            "amenity=place_of_worship"
        );
        assert_eq!(kind("tourism=attraction building=yes"), "tourism=attraction");
        assert_eq!(kind("historic=monument;ruins"), "historic=monument");
        assert_eq!(kind("historic=heritage heritage=2 building=yes"), "historic=heritage");
        assert_eq!(kind("place=island natural=coastline"), "place=island");
        assert_eq!(kind("building=no name=Nothing"), "");
    }

    #[test]
    fn a_museum_takes_longer_than_a_plaque() {
        assert!(dwell_seconds(&tags("tourism=museum")) > dwell_seconds(&tags("historic=memorial")));
        assert!(dwell_seconds(&Tags::new()) > 0);
    }

    #[test]
    fn a_place_is_called_what_people_there_call_it() {
        assert_eq!(name_of_place(&tags("name=Tuomiokirkko name:en=Cathedral")), Some("Tuomiokirkko"));
        assert_eq!(name_of_place(&tags("name:en=Cathedral")), Some("Cathedral"));
        assert_eq!(name_of_place(&tags("ref=12")), None);
    }

    #[test]
    fn a_name_in_english_is_told_where_it_says_more() {
        assert_eq!(english_name(&tags("name=Tuomiokirkko name:en=Cathedral")), Some("Cathedral"));
        assert_eq!(english_name(&tags("name=Kiasma name:en=KIASMA")), None);
        assert_eq!(english_name(&tags("name:en=Cathedral")), None);
        assert_eq!(english_name(&tags("name=Kiasma")), None);
    }
}
