use crate::{Coordinate, Tags, poi::name_of_place};

/// The same name within this distance is the same place, mapped twice: as a building and as what is in it.
const SAME_NAME_M: f64 = 60.0;
/// The same entry in Wikidata is the same place also where its parts lie farther apart.
const SAME_ENTRY_M: f64 = 200.0;

/// Two elements of OSM stand for one place.
pub fn is_same_place(a: (Coordinate, &Tags), b: (Coordinate, &Tags)) -> bool {
    let apart = a.0.distance_m(b.0);
    let both = |of: fn(&Tags) -> Option<String>| of(a.1).is_some_and(|one| of(b.1) == Some(one));
    (apart <= SAME_NAME_M && both(comparable_name)) || (apart <= SAME_ENTRY_M && both(wikidata))
}

/// The name as one would hear it: upper and lower case sound alike.
pub fn comparable_name(tags: &Tags) -> Option<String> {
    name_of_place(tags).map(|name| name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase())
}

fn wikidata(tags: &Tags) -> Option<String> {
    tags.get("wikidata").cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poi::tags;

    /// A place so many metres north of the first.
    fn at(metres: f64) -> Coordinate {
        Coordinate::new(24.94, 60.17 + metres / 111_195.0).unwrap()
    }

    fn same(a: &str, b: &str, metres: f64) -> bool {
        is_same_place((at(0.0), &tags(a)), (at(metres), &tags(b)))
    }

    #[test]
    fn a_museum_and_its_building_are_one_place() {
        assert!(same("name=Ateneum tourism=museum", "name=ATENEUM building=yes", 40.0));
        assert!(!same("name=Ateneum tourism=museum", "name=Ateneum building=yes", 80.0));
        assert!(same("name=Fort wikidata=Q1", "name=Gate wikidata=Q1", 150.0));
    }

    #[test]
    fn neighbours_are_two_places() {
        assert!(!same("name=Engel amenity=cafe", "name=Ekberg amenity=cafe", 1.0));
        assert!(!same("tourism=artwork", "tourism=artwork", 1.0), "what has no name is no namesake");
    }
}
