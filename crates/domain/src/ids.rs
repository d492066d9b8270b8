use serde::{Deserialize, Serialize};
use std::{fmt, num::ParseIntError, str::FromStr};
use uuid::{Uuid, fmt::Hyphenated};

use crate::OsmKind;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        /// Reads the hyphenated form only: one id has one address, but for the case of its letters.
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse::<Hyphenated>().map(|id| Self(id.into_uuid()))
            }
        }
    };
}

uuid_id!(
    /// A walker, known by nothing but this id.
    UserId
);
uuid_id!(
    /// One accepted wish for a walk; also the id of the HTTP request that brought it, so that one id runs through all logs.
    RequestId
);
uuid_id!(
    /// A generated walk; given out before the walk exists.
    RouteId
);
uuid_id!(
    /// An interest theme: a version 5 UUID of its key, so that the same theme has the same id on every installation.
    ThemeId
);

/// A place worth a stop: an OSM element, its kind in the two lowest bits, so that node 7 and way 7 are two places.
/// Ids stay below 2^53 and are exact in JavaScript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PoiId(pub i64);

impl PoiId {
    /// OSM ids from here on do not fit; OSM is a long way from there.
    pub const OSM_ID_LIMIT: i64 = 1 << 51;

    /// The id of an OSM element that somebody else names; `None` where no element can have that number.
    pub fn of_element(kind: OsmKind, osm_id: i64) -> Option<Self> {
        (1..Self::OSM_ID_LIMIT).contains(&osm_id).then(|| Self::of(kind, osm_id))
    }

    /// The id of an OSM element.
    pub fn of(kind: OsmKind, osm_id: i64) -> Self {
        Self(osm_id << 2 | kind as i64)
    }

    /// The kind and the number of the OSM element behind this id; `None` for a number that no element has.
    pub fn osm(self) -> Option<(OsmKind, i64)> {
        let kind = match self.0 & 3 {
            0 => OsmKind::Node,
            1 => OsmKind::Way,
            2 => OsmKind::Relation,
            _ => return None,
        };
        Some((kind, self.0 >> 2))
    }
}

/// Reads the canonical form only: a second spelling would be a second address, and a second copy in every cache.
impl FromStr for PoiId {
    type Err = ParseIntError;
    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let id: i64 = text.parse()?;
        if id.to_string() == text { Ok(Self(id)) } else { "".parse().map(Self) }
    }
}

impl fmt::Display for PoiId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poi_id_remembers_which_osm_element_it_is() {
        for (kind, osm_id) in [(OsmKind::Node, 7), (OsmKind::Way, 7), (OsmKind::Relation, 13_000_000_000)] {
            assert_eq!(PoiId::of(kind, osm_id).osm(), Some((kind, osm_id)));
        }
        assert_eq!(PoiId(3).osm(), None);
    }

    #[test]
    fn a_number_that_no_element_can_have_makes_no_id() {
        let largest = PoiId::OSM_ID_LIMIT - 1;
        assert_eq!(PoiId::of_element(OsmKind::Relation, largest).and_then(PoiId::osm).unwrap().1, largest);
        for osm_id in [i64::MIN, -1, 0, PoiId::OSM_ID_LIMIT, i64::MAX] {
            assert_eq!(PoiId::of_element(OsmKind::Node, osm_id), None, "{osm_id}");
        }
    }

    #[test]
    fn an_id_is_read_from_its_canonical_form_only() {
        let id = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
        let route: RouteId = id.parse().unwrap();
        assert_eq!(id.to_uppercase().parse(), Ok(route));
        for alias in [id.replace('-', ""), format!("{{{id}}}"), format!("urn:uuid:{id}"), format!("{id} ")] {
            assert!(alias.parse::<RouteId>().is_err(), "{alias}");
        }
        assert_eq!("28".parse(), Ok(PoiId(28)));
        for alias in ["+28", "028", "28.0", "", "-0", " 28"] {
            assert!(alias.parse::<PoiId>().is_err(), "{alias}");
        }
    }
}
