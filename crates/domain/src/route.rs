use serde::{Deserialize, Serialize};

use crate::{LineString, PoiId, Point, ThemeId};

/// A generated walk: where it goes, where it stops, and how good it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// The whole way along the streets, from start to end.
    pub path: LineString,
    /// Length of the path in metres.
    pub distance_m: f64,
    /// Walking and dwelling, in seconds.
    pub duration_s: u32,
    /// Walking alone, in seconds.
    pub walking_s: u32,
    /// Metres climbed, where heights are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ascent_m: Option<f64>,
    /// The places to stop at, in order.
    pub stops: Vec<Stop>,
    /// The ways between start, stops and end, in order: one more than there are stops.
    pub legs: Vec<Leg>,
    /// How good it is.
    pub quality: Quality,
    /// Wanted themes of which too few places are known within reach.
    pub sparse_themes: Vec<ThemeId>,
}

/// A place to stop at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stop {
    /// 1 for the first stop.
    pub order: u32,
    /// Which place.
    pub poi_id: PoiId,
    /// Its name, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it is.
    pub location: Point,
    /// Seconds from the start of the walk until one is there.
    pub arrival_s: u32,
    /// Seconds to spend there.
    pub dwell_s: u32,
    /// All themes of the place.
    pub themes: Vec<ThemeId>,
    /// 0 hidden gem, 1 hotspot.
    pub popularity_score: f32,
    /// What is worth knowing about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub narrative: Option<String>,
    /// Why the walk stops here, for the walker.
    pub why: String,
}

/// The way from one stop to the next.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// `order` of the stop it leaves; 0 for the start.
    pub from: u32,
    /// `order` of the stop it reaches; one more than the last stop for the end.
    pub to: u32,
    /// Length in metres.
    pub distance_m: f64,
    /// Walking time in seconds.
    pub duration_s: u32,
    /// Its part of the route's path.
    pub geometry: OffsetRange,
}

/// Positions in the path's list of coordinates, both included: one leg's last point is the next one's first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffsetRange {
    /// First coordinate.
    pub start: u32,
    /// Last coordinate.
    pub end: u32,
}

/// Numbers that tell a good walk from a poor one. Shares are of the path's length, 0-1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Walked a second time, in either direction.
    pub repeated_share: f64,
    /// Known to be lit.
    pub well_lit_share: f64,
    /// Known to be lit or known to be unlit.
    pub lit_known_share: f64,
    /// The path uses steps.
    pub steps_used: bool,
    /// Share of the wanted themes that at least one stop has.
    pub theme_coverage: f64,
}
