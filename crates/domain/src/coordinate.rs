use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{FieldError, Fields, Read};

/// Mean Earth radius in metres (IUGG R1).
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// A point on Earth in WGS 84 degrees, written `[lon, lat]` as in GeoJSON. Always finite and in range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "[f64; 2]", into = "[f64; 2]")]
pub struct Coordinate {
    lon: f64,
    lat: f64,
}

impl Coordinate {
    /// `None` where a number is not finite or out of range; -0.0 becomes 0.0.
    pub fn new(lon: f64, lat: f64) -> Option<Self> {
        let legal = (-180.0..=180.0).contains(&lon) && (-90.0..=90.0).contains(&lat);
        legal.then_some(Self { lon: lon + 0.0, lat: lat + 0.0 })
    }

    /// Degrees east.
    pub fn lon(self) -> f64 {
        self.lon
    }

    /// Degrees north.
    pub fn lat(self) -> f64 {
        self.lat
    }

    /// Great-circle distance in metres (haversine).
    pub fn distance_m(self, other: Self) -> f64 {
        let (lat_a, lat_b) = (self.lat.to_radians(), other.lat.to_radians());
        let half_lat = ((lat_b - lat_a) / 2.0).sin();
        let half_lon = ((other.lon - self.lon).to_radians() / 2.0).sin();
        let h = half_lat * half_lat + lat_a.cos() * lat_b.cos() * half_lon * half_lon;
        2.0 * EARTH_RADIUS_M * h.sqrt().min(1.0).asin()
    }

    /// The point half-way on the straight line between two points that are near each other.
    pub fn midpoint(self, other: Self) -> Self {
        Self { lon: (self.lon + other.lon) / 2.0, lat: (self.lat + other.lat) / 2.0 }
    }
}

impl TryFrom<[f64; 2]> for Coordinate {
    type Error = String;
    fn try_from([lon, lat]: [f64; 2]) -> Result<Self, String> {
        Self::new(lon, lat)
            .ok_or_else(|| format!("[{lon}, {lat}] is not a longitude and a latitude in degrees"))
    }
}

impl From<Coordinate> for [f64; 2] {
    fn from(at: Coordinate) -> Self {
        [at.lon, at.lat]
    }
}

/// A rectangle in degrees that does not cross the antimeridian.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// West edge.
    pub min_lon: f64,
    /// South edge.
    pub min_lat: f64,
    /// East edge.
    pub max_lon: f64,
    /// North edge.
    pub max_lat: f64,
}

impl Bounds {
    /// The smallest rectangle that holds all points; `None` for no points.
    pub fn around(points: impl IntoIterator<Item = Coordinate>) -> Option<Self> {
        points.into_iter().fold(None, |bounds: Option<Self>, at| {
            let b =
                bounds.unwrap_or(Self { min_lon: at.lon, min_lat: at.lat, max_lon: at.lon, max_lat: at.lat });
            Some(Self {
                min_lon: b.min_lon.min(at.lon),
                min_lat: b.min_lat.min(at.lat),
                max_lon: b.max_lon.max(at.lon),
                max_lat: b.max_lat.max(at.lat),
            })
        })
    }
}

/// A GeoJSON `Point` geometry.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub struct Point {
    /// Where it is.
    pub coordinates: Coordinate,
}

/// A GeoJSON `LineString` geometry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub struct LineString {
    /// The points in order.
    pub coordinates: Vec<Coordinate>,
}

impl From<Coordinate> for Point {
    fn from(coordinates: Coordinate) -> Self {
        Self { coordinates }
    }
}

impl Point {
    /// Reads the public JSON form found at `pointer`.
    pub fn parse(value: &Value, pointer: &str) -> Read<Self> {
        let mut fields = Fields::of(value, pointer, &["type", "coordinates"]);
        let kind = fields.required("type", |value, pointer| match value.as_str() {
            Some("Point") => Ok(()),
            _ => Err(vec![FieldError::new(pointer, "must be \"Point\"")]),
        });
        let coordinates = fields.required("coordinates", coordinates);
        fields.finish(|| kind.and(coordinates).map(Point::from))
    }
}

fn coordinates(value: &Value, pointer: &str) -> Read<Coordinate> {
    let numbers: Option<Vec<f64>> =
        value.as_array().and_then(|list| list.iter().map(Value::as_f64).collect());
    let Some([lon, lat]) = numbers.as_deref() else {
        return Err(vec![FieldError::new(pointer, "must be two numbers: [longitude, latitude]")]);
    };
    let mut errors = Vec::new();
    if !(-180.0..=180.0).contains(lon) {
        errors
            .push(FieldError::new(format!("{pointer}/0"), "longitude must be between -180 and 180 degrees"));
    }
    if !(-90.0..=90.0).contains(lat) {
        errors.push(FieldError::new(
            format!("{pointer}/1"),
            "latitude must be between -90 and 90 degrees; the order is [longitude, latitude]",
        ));
    }
    Coordinate::new(*lon, *lat).ok_or(errors)
}

impl LineString {
    /// Length in metres.
    pub fn length_m(&self) -> f64 {
        self.coordinates.windows(2).map(|pair| pair[0].distance_m(pair[1])).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_on_earth_is_no_coordinate() {
        for (lon, lat) in [(181.0, 0.0), (0.0, 90.1), (f64::NAN, 0.0), (0.0, f64::NAN), (f64::INFINITY, 0.0)]
        {
            assert_eq!(Coordinate::new(lon, lat), None, "{lon} {lat}");
        }
        assert!(serde_json::from_str::<Coordinate>("[24.9, 160.2]").is_err());
    }

    #[test]
    fn a_degree_of_latitude_is_about_111_km() {
        let (a, b) = (Coordinate::new(25.0, 60.0).unwrap(), Coordinate::new(25.0, 61.0).unwrap());
        assert!((a.distance_m(b) - 111_195.0).abs() < 1.0);
    }

    #[test]
    fn geometries_are_written_as_geojson() {
        let point = Point::from(Coordinate::new(-3.1883, 55.9533).unwrap());
        assert_eq!(
            serde_json::to_string(&point).unwrap(),
            r#"{"type":"Point","coordinates":[-3.1883,55.9533]}"#
        );
    }

    #[test]
    fn minus_zero_is_zero() {
        assert!(Coordinate::new(-0.0, -0.0).unwrap().lon().is_sign_positive());
    }
}
