//! A town of straight streets, 100 m apart, in Helsinki.

use domain::{Coordinate, Poi, PoiId, RouteRequest, Tags, ThemeId};
use serde_json::{Value, json};
use uuid::Uuid;
use wildside_engine::{Network, NetworkBuilder, NetworkCell};

const STREET_M: f64 = 100.0;

/// Streets 0 to `size - 1` from west to east and from south to north.
pub struct Town {
    pub builder: NetworkBuilder,
    origin: (f64, f64),
}

pub fn tags(text: &str) -> Tags {
    text.split_whitespace().filter_map(|tag| tag.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect()
}

pub fn theme(number: u128) -> ThemeId {
    ThemeId(Uuid::from_u128(number))
}

impl Town {
    /// All streets residential.
    pub fn new(size: usize) -> Self {
        Self::with(size, |_, _| "highway=residential".into())
    }

    /// The same somewhere else; with the longitude and latitude of its south-west corner.
    pub fn at_origin(size: usize, origin: (f64, f64)) -> Self {
        Self::built(size, origin, |_, _| "highway=residential".into())
    }

    /// `street(true, 3)` gives the tags of the fourth street that runs east.
    pub fn with(size: usize, street: impl Fn(bool, usize) -> String) -> Self {
        Self::built(size, (24.93, 60.16), street)
    }

    fn built(size: usize, origin: (f64, f64), street: impl Fn(bool, usize) -> String) -> Self {
        let mut town = Self { builder: NetworkBuilder::new(), origin };
        for number in 0..size {
            for east in [true, false] {
                let corners: Vec<(usize, usize)> =
                    (0..size).map(|along| if east { (along, number) } else { (number, along) }).collect();
                town.way((number * 2 + usize::from(east)) as i64 + 1, &street(east, number), &corners);
            }
        }
        town
    }

    pub fn way(&mut self, id: i64, text: &str, corners: &[(usize, usize)]) {
        let nodes: Vec<_> =
            corners.iter().map(|&(x, y)| (node(x, y), Some(self.at(x as f64, y as f64)))).collect();
        self.builder.add_way(id, &tags(text), &nodes);
    }

    /// A point so many streets to the east and to the north.
    pub fn at(&self, x: f64, y: f64) -> Coordinate {
        let degree_m = 111_195.08;
        let lon = self.origin.0 + x * STREET_M / degree_m / self.origin.1.to_radians().cos();
        Coordinate::new(lon, self.origin.1 + y * STREET_M / degree_m).unwrap()
    }

    pub fn poi(&self, number: i64, x: f64, y: f64) -> Poi {
        Poi {
            id: PoiId(number * 4),
            location: self.at(x, y),
            name: Some(format!("Place {number}")),
            kind: format!("kind={}", number % 5),
            themes: vec![theme(1 + number as u128 % 3)],
            popularity_score: 0.5,
            dwell_s: 180,
            narrative: None,
            opening_hours: None,
        }
    }

    pub fn cells(self) -> Vec<NetworkCell> {
        self.builder.finish()
    }

    pub fn network(self) -> Network {
        network(&self.cells())
    }
}

pub fn node(x: usize, y: usize) -> i64 {
    (1000 + x * 1000 + y) as i64
}

pub fn network(cells: &[NetworkCell]) -> Network {
    Network::from_cells(cells.iter().map(|cell| &cell.bytes[..])).unwrap()
}

/// A request for themes 1 to 3; `change` replaces members of it.
#[allow(clippy::needless_pass_by_value, reason = "a literal at every call")]
pub fn request(start: Coordinate, minutes: u16, change: Value) -> RouteRequest {
    let mut wish = json!({
        "start_location": {"type": "Point", "coordinates": start},
        "duration_minutes": minutes,
        "interest_theme_ids": [theme(1), theme(2), theme(3)],
    });
    for (name, value) in change.as_object().unwrap() {
        wish[name] = value.clone();
    }
    RouteRequest::parse(&wish).unwrap()
}

pub fn point(at: Coordinate) -> Value {
    json!({"type": "Point", "coordinates": at})
}
