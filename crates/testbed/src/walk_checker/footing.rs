use domain::Tags;

/// What is known of the light on a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Light {
    Lit,
    Unlit,
    Unknown,
}

/// What a walker has under their feet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Footing {
    pub steps: bool,
    /// Not everybody may walk here.
    pub private: bool,
    pub light: Light,
    /// How steeply it rises in its direction, as a share; 0 where that is not known.
    pub rise: f64,
    /// A trunk road without a sidewalk: one may walk there, and would rather not.
    pub busy: bool,
    /// One may cross it anywhere, not only along its outline.
    pub area: bool,
}

impl Footing {
    /// The same, walked the other way.
    pub fn reversed(self) -> Self {
        Self { rise: -self.rise, ..self }
    }

    /// Open to everybody, without steps where none are wanted, and no road that nobody would choose.
    pub fn is_good(&self, stepless: bool) -> bool {
        !self.busy && self.is_possible(stepless)
    }

    /// The same, a busy road included.
    pub fn is_possible(&self, stepless: bool) -> bool {
        !self.private && (!stepless || !self.steps)
    }
}

/// Roads for vehicles alone, and roads that are not there.
const NO_WAY: [&str; 19] = [
    "motorway",
    "motorway_link",
    "construction",
    "proposed",
    "planned",
    "abandoned",
    "razed",
    "demolished",
    "disused",
    "raceway",
    "bus_guideway",
    "busway",
    "escape",
    "rest_area",
    "services",
    "emergency_bay",
    "bus_stop",
    "no",
    "via_ferrata",
];

/// What a way with these tags is to one who walks; `None` where nobody walks. The idea is kept simple on purpose: it is
/// not the engine's, so that the two can disagree.
pub(super) fn footing(tags: &Tags) -> Option<Footing> {
    let tag = |key: &str| tags.get(key).map_or("", String::as_str);
    let highway = tag("highway");
    if highway.is_empty() {
        return None;
    }
    let welcome = matches!(tag("foot"), "yes" | "designated" | "permissive" | "official" | "use_sidepath");
    let sidewalk = !matches!(tag("sidewalk"), "" | "no" | "none");
    let invited = welcome || sidewalk;
    if NO_WAY.contains(&highway) || tag("foot") == "no" || (tag("motorroad") == "yes" && !invited) {
        return None;
    }
    let closed = matches!(tag("access"), "private" | "no" | "permit") && !welcome;
    let light = match tag("lit") {
        "" => Light::Unknown,
        "no" | "disused" => Light::Unlit,
        _ => Light::Lit,
    };
    Some(Footing {
        steps: highway == "steps",
        private: closed || tag("foot") == "private",
        light,
        busy: matches!(highway, "trunk" | "trunk_link") && !invited,
        rise: rise(tag("incline")),
        area: tag("area") == "yes" || tag("type") == "multipolygon",
    })
}

/// What an incline says, in percent or degrees; nobody walks upright on more than 40 %, so that is an error.
fn rise(incline: &str) -> f64 {
    let number = |text: &str| text.trim().replace(',', ".").parse::<f64>().ok();
    let share = match incline.strip_suffix('%') {
        Some(percent) => number(percent).map(|percent| percent / 100.0),
        None => incline.strip_suffix('°').and_then(number).map(|degrees| degrees.to_radians().tan()),
    };
    share.filter(|share| share.abs() <= 0.4).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(text: &str) -> Option<Footing> {
        let tags = text.split_whitespace().filter_map(|tag| tag.split_once('='));
        footing(&tags.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn a_trunk_road_can_be_walked_but_nobody_would_choose_it() {
        let trunk = way("highway=trunk").unwrap();
        assert!(trunk.is_possible(true) && !trunk.is_good(false));
        assert!(way("highway=trunk sidewalk=left").unwrap().is_good(true));
        assert!(way("highway=trunk foot=no").is_none() && way("highway=trunk motorroad=yes").is_none());
    }

    #[test]
    fn inclines_have_a_direction() {
        let path = way("highway=path incline=-10%").unwrap();
        assert!((path.rise + 0.1).abs() < 1e-9 && (path.reversed().rise - 0.1).abs() < 1e-9);
        assert!(way("highway=path incline=up").unwrap().rise.abs() < 1e-9);
    }
}
