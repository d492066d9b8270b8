use std::path::Path;

use anyhow::{Context, bail, ensure};
use domain::{Bounds, Coordinate};
use serde_json::Value;

use crate::outlines;

/// Bands of latitude in which the edges of an area are kept: a point is compared with those of its own band only.
const BANDS: usize = 256;

/// Polygons, each of an outer ring and holes, each ring closed.
pub type MultiPolygon = Vec<Vec<Vec<Coordinate>>>;

/// The area to take in.
#[derive(Debug)]
pub struct Area {
    polygons: MultiPolygon,
    bounds: Bounds,
    /// Edges by band, as rings of two points.
    bands: Vec<Vec<Vec<Coordinate>>>,
}

impl Area {
    /// Reads a GeoJSON file: polygons, however deep in features and collections.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {name}"))?;
        let json: Value = serde_json::from_str(&text).with_context(|| format!("{name} is no JSON"))?;
        let mut polygons = Vec::new();
        gather(&json, &mut polygons).with_context(|| format!("{name} is no GeoJSON with polygons"))?;
        Self::new(polygons).with_context(|| format!("{name} contains no polygon"))
    }

    fn new(polygons: MultiPolygon) -> Option<Self> {
        let bounds = Bounds::around(polygons.iter().flatten().flatten().copied())?;
        let mut area = Self { polygons, bounds, bands: vec![Vec::new(); BANDS] };
        for edge in area.polygons.iter().flatten().flat_map(|ring| ring.windows(2)) {
            let ends = [area.band(edge[0]), area.band(edge[1])];
            for band in ends[0].min(ends[1])..=ends[0].max(ends[1]) {
                area.bands[band].push(edge.to_vec());
            }
        }
        Some(area)
    }

    pub(crate) fn polygons(&self) -> &MultiPolygon {
        &self.polygons
    }

    pub(crate) fn contains(&self, at: Coordinate) -> bool {
        let Bounds { min_lon, min_lat, max_lon, max_lat } = self.bounds;
        (min_lon..=max_lon).contains(&at.lon())
            && (min_lat..=max_lat).contains(&at.lat())
            && outlines::contains(&self.bands[self.band(at)], at)
    }

    fn band(&self, at: Coordinate) -> usize {
        let share = (at.lat() - self.bounds.min_lat) / (self.bounds.max_lat - self.bounds.min_lat);
        // A flat area divides by nothing; everything is in its first band then.
        ((share * BANDS as f64) as usize).min(BANDS - 1)
    }
}

/// A rectangle as a polygon.
pub(crate) fn rectangle(bounds: Bounds) -> Option<MultiPolygon> {
    let Bounds { min_lon, min_lat, max_lon, max_lat } = bounds;
    let corners =
        [(min_lon, min_lat), (max_lon, min_lat), (max_lon, max_lat), (min_lon, max_lat), (min_lon, min_lat)];
    let ring: Option<Vec<Coordinate>> =
        corners.into_iter().map(|(lon, lat)| Coordinate::new(lon, lat)).collect();
    Some(vec![vec![ring?]])
}

fn gather(json: &Value, polygons: &mut MultiPolygon) -> anyhow::Result<()> {
    let list = |name: &str| json[name].as_array().with_context(|| format!("{name} is no list"));
    match json["type"].as_str() {
        Some("FeatureCollection") => {
            list("features")?.iter().try_for_each(|feature| gather(feature, polygons))
        }
        Some("GeometryCollection") => {
            list("geometries")?.iter().try_for_each(|shape| gather(shape, polygons))
        }
        Some("Feature") => gather(&json["geometry"], polygons),
        Some("MultiPolygon") => list("coordinates")?.iter().try_for_each(|rings| {
            polygons.push(polygon(rings)?);
            Ok(())
        }),
        Some("Polygon") => {
            polygons.push(polygon(&json["coordinates"])?);
            Ok(())
        }
        Some(other) => bail!("a {other} is no area"),
        None => bail!("type is missing"),
    }
}

fn polygon(rings: &Value) -> anyhow::Result<Vec<Vec<Coordinate>>> {
    rings.as_array().context("a polygon is a list of rings")?.iter().map(ring).collect()
}

fn ring(positions: &Value) -> anyhow::Result<Vec<Coordinate>> {
    let positions = positions.as_array().context("a ring is a list of positions")?;
    let mut ring = positions.iter().map(position).collect::<anyhow::Result<Vec<_>>>()?;
    // The standard wants the first position repeated at the end, and tools forget it.
    if ring.first() != ring.last() {
        ring.extend(ring.first().copied());
    }
    ensure!(ring.len() >= 4, "a ring has at least three corners");
    Ok(ring)
}

/// Longitude, latitude, and possibly a height that nobody needs.
fn position(value: &Value) -> anyhow::Result<Coordinate> {
    let number = |index: usize| value[index].as_f64();
    let on_earth = number(0).zip(number(1)).and_then(|(lon, lat)| Coordinate::new(lon, lat));
    on_earth.with_context(|| format!("{value} is not a longitude and a latitude in degrees"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn area(json: &Value) -> anyhow::Result<Area> {
        let mut polygons = Vec::new();
        gather(json, &mut polygons)?;
        Area::new(polygons).context("no polygon")
    }

    fn at(lon: f64, lat: f64) -> Coordinate {
        Coordinate::new(lon, lat).unwrap()
    }

    #[test]
    fn a_hole_is_not_in_the_area() {
        let rings =
            json!([[[0, 0], [9, 0], [9, 9], [0, 9], [0, 0]], [[3, 3], [6, 3], [6, 6], [3, 6], [3, 3]]]);
        let feature = json!({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": rings}});
        let area = area(&json!({"type": "FeatureCollection", "features": [feature]})).unwrap();
        assert!(area.contains(at(1.0, 1.0)) && area.contains(at(8.9, 4.5)));
        assert!(!area.contains(at(4.5, 4.5)) && !area.contains(at(10.0, 4.5)));
    }

    #[test]
    fn bands_change_nothing() {
        let corners: Vec<(f64, f64)> = (0..40)
            .map(|i| f64::from(i) / 40.0 * std::f64::consts::TAU)
            .zip((0..40).map(|i| if i % 2 == 0 { 5.0 } else { 2.0 }))
            .map(|(angle, radius)| (radius * angle.cos(), radius * angle.sin()))
            .collect();
        let area = area(&json!({"type": "Polygon", "coordinates": [corners]})).unwrap();
        for step in 0..2500 {
            let point = at(f64::from(step % 50) * 0.217 - 5.3, f64::from(step / 50) * 0.213 - 5.2);
            assert_eq!(area.contains(point), outlines::contains(&area.polygons[0], point), "{point:?}");
        }
    }

    #[test]
    fn what_is_no_area_is_refused() {
        for json in [
            json!({"type": "Point", "coordinates": [1, 2]}),
            json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}),
            json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 100], [1, 1]]]}),
            json!({"type": "FeatureCollection", "features": []}),
            json!([]),
        ] {
            assert!(area(&json).is_err(), "{json}");
        }
    }
}
