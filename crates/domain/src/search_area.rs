use serde::{Deserialize, Serialize};
use std::{f64::consts::PI, fmt, str::FromStr};

use crate::{Bounds, Coordinate, RouteRequest};

/// Tiles of the web map at this zoom are some 10 km wide at the equator and 5 km in Helsinki.
const ZOOM: u32 = 12;
const TILES: u32 = 1 << ZOOM;
/// The map ends here.
const MOST_LAT: f64 = 85.0511;
const METRES_PER_DEGREE: f64 = 111_195.08;
/// Nobody walks faster, for long, with a map in hand.
const FASTEST_M_PER_S: f64 = 1.5;
/// The engine looks no farther.
const LARGEST_RADIUS_M: f64 = 10_000.0;

/// A rectangle of tiles in which places of a theme are looked for. Walks from about the same place have the same one, so
/// that what one walker led to is there for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SearchArea {
    /// West, north, east and south, both ends included.
    tiles: [u32; 4],
}

impl SearchArea {
    /// The smallest one that holds all that a walk can reach.
    pub fn of_walk(request: &RouteRequest) -> Self {
        Self::holding(Bounds::of_walk(request))
    }

    fn holding(bounds: Bounds) -> Self {
        let tile =
            |share: f64| ((share * f64::from(TILES)).floor() as i64).clamp(0, i64::from(TILES) - 1) as u32;
        let x = |lon: f64| tile((lon + 180.0) / 360.0);
        let y = |lat: f64| tile((1.0 - lat.clamp(-MOST_LAT, MOST_LAT).to_radians().tan().asinh() / PI) / 2.0);
        let Bounds { min_lon, min_lat, max_lon, max_lat } = bounds;
        Self { tiles: [x(min_lon), y(max_lat), x(max_lon), y(min_lat)] }
    }

    /// Its edges, in degrees.
    pub fn bounds(self) -> Bounds {
        let [west, north, east, south] = self.tiles;
        let lon = |x: u32| f64::from(x) / f64::from(TILES) * 360.0 - 180.0;
        let lat = |y: u32| (PI * (1.0 - 2.0 * f64::from(y) / f64::from(TILES))).sinh().atan().to_degrees();
        Bounds { min_lon: lon(west), min_lat: lat(south + 1), max_lon: lon(east + 1), max_lat: lat(north) }
    }
}

impl Bounds {
    /// A rectangle that holds every point that a walk can pass: a walk of length L is within L / 2 of its middle.
    pub fn of_walk(request: &RouteRequest) -> Self {
        let radius_m = (f64::from(request.budget_s()) * FASTEST_M_PER_S / 2.0).min(LARGEST_RADIUS_M);
        Self::around_disc(request.start().midpoint(request.end()), radius_m)
    }

    /// A rectangle that holds a disc; it ends at the antimeridian and at the poles.
    fn around_disc(center: Coordinate, radius_m: f64) -> Self {
        let d_lat = radius_m / METRES_PER_DEGREE;
        let d_lon = (d_lat / center.lat().to_radians().cos().max(0.01)).min(180.0);
        Self {
            min_lon: (center.lon() - d_lon).max(-180.0),
            min_lat: (center.lat() - d_lat).max(-90.0),
            max_lon: (center.lon() + d_lon).min(180.0),
            max_lat: (center.lat() + d_lat).min(90.0),
        }
    }

    /// Its middle.
    pub fn center(self) -> Option<Coordinate> {
        Coordinate::new((self.min_lon + self.max_lon) / 2.0, (self.min_lat + self.max_lat) / 2.0)
    }
}

/// Fit for a subject of the message bus: `12-2331-1185-2332-1186`.
impl fmt::Display for SearchArea {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [west, north, east, south] = self.tiles;
        write!(f, "{ZOOM}-{west}-{north}-{east}-{south}")
    }
}

impl FromStr for SearchArea {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Option<Vec<u32>> = text.split('-').map(|number| number.parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[ZOOM, west, north, east, south])
                if west <= east && north <= south && east.max(south) < TILES =>
            {
                Ok(Self { tiles: [west, north, east, south] })
            }
            _ => Err(format!("{text:?} is no search area")),
        }
    }
}

impl TryFrom<String> for SearchArea {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<SearchArea> for String {
    fn from(area: SearchArea) -> Self {
        area.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(lon: f64, lat: f64, radius_m: f64) -> SearchArea {
        SearchArea::holding(Bounds::around_disc(Coordinate::new(lon, lat).unwrap(), radius_m))
    }

    #[test]
    fn it_holds_the_disc_that_it_was_made_for() {
        for (lon, lat) in [(24.94, 60.17), (14.5, 35.9), (-3.2, 55.9), (0.0, 0.0), (179.99, -45.0)] {
            let (area, disc) = (
                around(lon, lat, 2_400.0).bounds(),
                Bounds::around_disc(Coordinate::new(lon, lat).unwrap(), 2_400.0),
            );
            assert!(area.min_lon <= disc.min_lon && area.max_lon >= disc.max_lon - 1e-9, "{lon} {lat}");
            assert!(area.min_lat <= disc.min_lat && area.max_lat >= disc.max_lat, "{lon} {lat}");
        }
    }

    #[test]
    fn neighbours_share_one() {
        assert_eq!(around(24.9410, 60.1687, 2_400.0), around(24.9384, 60.1699, 2_300.0));
        assert_ne!(around(24.94, 60.17, 2_400.0), around(14.5, 35.9, 2_400.0));
    }

    #[test]
    fn it_is_read_as_it_is_written() {
        let area = around(24.94, 60.17, 2_400.0);
        assert_eq!(area.to_string().parse::<SearchArea>().unwrap(), area);
        assert_eq!(area, serde_json::from_value(serde_json::to_value(area).unwrap()).unwrap());
        for wrong in ["", "12-1-1-1", "13-1-1-1-1", "12-2-1-1-1", "12-1-1-4096-1", "12-1-1-x-1"] {
            assert!(wrong.parse::<SearchArea>().is_err(), "{wrong}");
        }
    }
}
