//! Which ways one may walk on, and what about them matters to a walker. Defaults follow the OpenStreetMap wiki,
//! "OSM tags for routing/Access restrictions" and "Key:foot".

use domain::Tags;

use super::attributes::{Attributes, Class, Lit};

/// What the tags say; `None` for a way that is not for walkers.
pub(crate) fn attributes_of(tags: &Tags) -> Option<Attributes> {
    let tag = |key: &str| tags.get(key).map_or("", String::as_str);
    let class = class_of(tag("highway"))?;
    let mut bits = class as u32;
    let has_sidewalk = ["sidewalk", "sidewalk:left", "sidewalk:right", "sidewalk:both"]
        .iter()
        .any(|key| matches!(tag(key), "yes" | "both" | "left" | "right"));
    let foot = Permission::of(tag("foot"));
    let open_by_default = match tag("highway") {
        "motorway" | "motorway_link" => has_sidewalk,
        "cycleway" => has_sidewalk || matches!(tag("segregated"), "yes" | "no"),
        "bridleway" => false,
        // A tunnel for deliveries lies below the streets that a walker sees on the map.
        "service" => !matches!(tag("tunnel"), "yes" | "culvert") || has_sidewalk,
        _ => tag("motorroad") != "yes" || has_sidewalk,
    };
    let permission = match (foot, Permission::of(tag("access"))) {
        (Some(foot), _) => foot,
        (None, Some(Permission::Public)) if !open_by_default => Permission::Closed,
        (None, Some(access)) => access,
        (None, None) if open_by_default => Permission::Public,
        (None, None) => Permission::Closed,
    };
    let indoors = matches!(tag("indoor"), "yes" | "room" | "area" | "corridor");
    let climbing = matches!(tag("sac_scale"), scale if scale.contains("alpine_hiking"));
    if permission == Permission::Closed || indoors || climbing {
        return None;
    }
    if permission == Permission::Private {
        bits |= Attributes::PRIVATE;
    }
    let is_trunk = matches!(tag("highway"), "trunk" | "trunk_link");
    if is_trunk && !has_sidewalk && foot.is_none() {
        bits |= Attributes::BUSY;
    }
    if tag("highway") == "steps" {
        bits |= Attributes::STEPS;
    }
    if [tag("sidewalk"), tag("sidewalk:both")].contains(&"separate") {
        bits |= Attributes::SIDEWALK_APART;
    }
    let lit = match tag("lit") {
        "yes" | "24/7" | "automatic" | "sunset-sunrise" | "dusk-dawn" | "operating_times" => Lit::Yes,
        "no" | "disused" => Lit::No,
        _ => Lit::Unknown,
    };
    bits |= (lit as u32) << Attributes::LIT_SHIFT;
    if matches!(
        tag("surface"),
        "mud" | "sand" | "rock" | "stone" | "pebblestone" | "grass" | "earth" | "woodchips"
    ) {
        bits |= Attributes::ROUGH;
    }
    bits |= u32::from(incline_percent(tag("incline")) as u8) << Attributes::INCLINE_SHIFT;
    // A plain oneway binds vehicles only; escalators run one way for everybody.
    for key in ["oneway:foot", "foot:oneway", "conveying"] {
        match tag(key) {
            "yes" | "1" | "true" | "forward" if !(key == "conveying" && tag(key) == "yes") => {
                bits |= Attributes::NO_BACKWARD;
            }
            "-1" | "reverse" | "backward" => bits |= Attributes::NO_FORWARD,
            _ => {}
        }
    }
    if tag("foot:forward") == "no" {
        bits |= Attributes::NO_FORWARD;
    }
    if tag("foot:backward") == "no" {
        bits |= Attributes::NO_BACKWARD;
    }
    let both = Attributes::NO_FORWARD | Attributes::NO_BACKWARD;
    (bits & both != both).then_some(Attributes(bits))
}

/// What an incline tag says, such as `10%`, `-7.5 %` or `4°`; 0 for `up`, `down` and what nobody understands. Beyond 40
/// percent nobody walks upright: there the number is likely wrong.
fn incline_percent(value: &str) -> i8 {
    let number =
        |text: &str| text.trim().replace(',', ".").parse::<f64>().ok().filter(|number| number.is_finite());
    let percent = match value.strip_suffix('°') {
        Some(degrees) => number(degrees)
            .filter(|degrees| degrees.abs() < 45.0)
            .map(|degrees| degrees.to_radians().tan() * 100.0),
        None => value.strip_suffix('%').and_then(number),
    };
    percent.filter(|percent| percent.abs() <= 40.0).unwrap_or(0.0).round() as i8
}

fn class_of(highway: &str) -> Option<Class> {
    Some(match highway {
        "footway" | "path" | "steps" | "pedestrian" | "living_street" => Class::Foot,
        "track" => Class::Track,
        "residential" | "cycleway" | "bridleway" => Class::Quiet,
        "service" => Class::Service,
        "unclassified" | "tertiary" | "tertiary_link" | "road" => Class::Minor,
        "secondary" | "secondary_link" => Class::Major,
        "primary" | "primary_link" | "trunk" | "trunk_link" | "motorway" | "motorway_link" => Class::Heavy,
        "platform" => Class::Platform,
        // Unbuilt (construction, proposed), indoors (corridor, elevator) or for vehicles alone.
        _ => return None,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Permission {
    Public,
    Private,
    Closed,
}

impl Permission {
    /// What an access value says; `None` where the tag is missing or says nothing.
    fn of(value: &str) -> Option<Self> {
        match value {
            "yes" | "designated" | "permissive" | "official" | "public" | "destination" => Some(Self::Public),
            "private" | "customers" | "residents" | "permit" => Some(Self::Private),
            "no" | "use_sidepath" | "military" | "agricultural" | "forestry" | "delivery" | "emergency"
            | "discouraged" => Some(Self::Closed),
            _ => None,
        }
    }
}

/// Whether a node stops walkers: a wall across the way, or a gate that is locked or not for the public.
pub(crate) fn blocks(tags: &Tags) -> bool {
    let tag = |key: &str| tags.get(key).map_or("", String::as_str);
    if tag("barrier").is_empty() {
        return false;
    }
    match (Permission::of(tag("foot")), Permission::of(tag("access"))) {
        (Some(foot), _) => foot != Permission::Public,
        (None, Some(Permission::Closed | Permission::Private)) => true,
        _ => {
            let solid = matches!(
                tag("barrier"),
                "wall" | "fence" | "hedge" | "retaining_wall" | "city_wall" | "guard_rail" | "ditch"
            );
            solid || tag("locked") == "yes"
        }
    }
}

/// Whether a closed way is the outline of a surface that one may cross freely.
pub(crate) fn is_square(tags: &Tags) -> bool {
    tags.get("area").is_some_and(|area| area == "yes") && is_surface(tags)
}

/// Whether a relation is such a surface, with ways for its outline and its holes.
pub(crate) fn is_square_of_ways(tags: &Tags) -> bool {
    let is = |key: &str, value: &str| tags.get(key).is_some_and(|is| is == value);
    is("type", "multipolygon") && !is("area", "no") && is_surface(tags)
}

fn is_surface(tags: &Tags) -> bool {
    let highway = tags.get("highway").map_or("", String::as_str);
    matches!(highway, "pedestrian" | "footway" | "path" | "living_street")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(text: &str) -> Tags {
        text.split_whitespace()
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    fn way(text: &str) -> Option<Attributes> {
        attributes_of(&tags(text))
    }

    #[test]
    fn ways_for_walkers_are_walkable() {
        for text in [
            "highway=footway",
            "highway=path",
            "highway=residential oneway=yes",
            "highway=tertiary_link",
            "highway=cycleway foot=designated",
            "highway=cycleway segregated=yes",
            "highway=trunk sidewalk=both",
            "highway=trunk foot=yes",
            "highway=service access=no foot=yes",
            "highway=service tunnel=building_passage",
            "highway=service tunnel=yes foot=yes",
            "highway=residential access=destination",
            "highway=residential vehicle=private",
        ] {
            assert!(way(text).is_some_and(|way| !way.private()), "{text}");
        }
    }

    #[test]
    fn ways_that_are_not_for_walkers_are_left_out() {
        for text in [
            "highway=motorway",
            "highway=trunk motorroad=yes",
            "highway=trunk foot=no",
            "highway=motorway access=yes",
            "highway=primary motorroad=yes",
            "highway=cycleway",
            "highway=bridleway",
            "highway=residential foot=no",
            "highway=primary foot=use_sidepath",
            "highway=service access=no",
            "highway=service tunnel=yes access=destination",
            "highway=construction",
            "highway=proposed",
            "highway=corridor",
            "highway=elevator",
            "route=ferry foot=yes",
            "railway=rail",
            "highway=path sac_scale=demanding_alpine_hiking",
        ] {
            assert_eq!(way(text), None, "{text}");
        }
    }

    #[test]
    fn a_trunk_road_is_for_those_who_have_no_other_way() {
        let busy = |text: &str| way(text).unwrap().busy();
        assert!(busy("highway=trunk") && busy("highway=trunk_link access=yes"));
        assert!(!busy("highway=trunk sidewalk=left") && !busy("highway=trunk foot=yes"));
        assert!(!busy("highway=primary"));
    }

    #[test]
    fn private_ways_are_known_as_such() {
        for text in [
            "highway=service access=private",
            "highway=footway foot=private",
            "highway=path access=customers",
        ] {
            assert!(way(text).unwrap().private(), "{text}");
        }
        assert!(!way("highway=service access=private foot=permissive").unwrap().private());
    }

    #[test]
    fn lighting_has_three_states() {
        assert_eq!(way("highway=path lit=yes").unwrap().lit(), Lit::Yes);
        assert_eq!(way("highway=path lit=no").unwrap().lit(), Lit::No);
        assert_eq!(way("highway=path lit=limited").unwrap().lit(), Lit::Unknown);
        assert_eq!(way("highway=path").unwrap().lit(), Lit::Unknown);
    }

    #[test]
    fn only_what_binds_walkers_makes_a_way_one_way() {
        let both = |text: &str| way(text).map(|way| (way.forward(), way.backward()));
        assert_eq!(both("highway=residential oneway=yes"), Some((true, true)));
        assert_eq!(both("highway=footway oneway:foot=yes"), Some((true, false)));
        assert_eq!(both("highway=footway foot:oneway=-1"), Some((false, true)));
        assert_eq!(both("highway=steps conveying=backward"), Some((false, true)));
        assert_eq!(both("highway=steps conveying=yes"), Some((true, true)));
    }

    #[test]
    fn inclines_are_numbers_with_a_direction() {
        let incline = |value: &str| {
            let tags = [("highway", "path"), ("incline", value)].map(|(k, v)| (k.to_owned(), v.to_owned()));
            attributes_of(&tags.into_iter().collect()).unwrap().incline_percent()
        };
        for (value, percent) in [
            ("10%", 10),
            ("-7.6 %", -8),
            ("4°", 7),
            ("up", 0),
            ("10", 0),
            ("80%", 0),
            ("-90°", 0),
            ("NaN%", 0),
        ] {
            assert_eq!(incline(value), percent, "{value}");
        }
        assert_eq!(way("highway=path incline=10%").unwrap().reversed().incline_percent(), -10);
    }

    #[test]
    fn a_way_reversed_twice_is_the_way() {
        for text in [
            "highway=path incline=10%",
            "highway=steps conveying=backward lit=yes",
            "highway=path surface=mud",
        ] {
            let way = way(text).unwrap();
            assert_eq!(way.reversed().reversed(), way);
            assert_eq!((way.reversed().forward(), way.rough()), (way.backward(), text.contains("mud")));
        }
    }

    #[test]
    fn locked_gates_and_walls_block_but_bollards_do_not() {
        for text in [
            "barrier=gate locked=yes",
            "barrier=gate access=private",
            "barrier=wall",
            "barrier=bollard foot=no",
        ] {
            assert!(blocks(&tags(text)), "{text}");
        }
        for text in
            ["barrier=gate", "barrier=bollard", "barrier=gate access=private foot=yes", "highway=crossing"]
        {
            assert!(!blocks(&tags(text)), "{text}");
        }
    }
}
