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
    /// One may cross it anywhere, not only along its outline.
    pub area: bool,
}

impl Footing {
    /// The same, walked the other way.
    pub fn reversed(self) -> Self {
        Self { rise: -self.rise, ..self }
    }

    /// Open to everybody, and without steps where none are wanted.
    pub fn is_good(&self, stepless: bool) -> bool {
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
    let trunk = matches!(highway, "trunk" | "trunk_link") || tag("motorroad") == "yes";
    if NO_WAY.contains(&highway) || tag("foot") == "no" || (trunk && !welcome && !sidewalk) {
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
