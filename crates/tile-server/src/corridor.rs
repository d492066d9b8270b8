//! The tiles along a line: what a walker takes along for a walk without a net.

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path};

use crate::tile_id::{Envelope, TileId, WORLD, project};

type Point = (f64, f64);

/// Lines in web mercator metres, and how far around them the corridor reaches.
pub(crate) struct Corridor {
    segments: Vec<(Point, Point)>,
    reach: f64,
}

impl Corridor {
    /// Reads the lines of a GeoJSON file; points in it, such as the stops of a route, are left out.
    pub fn read(file: &Path, metres: f64) -> anyhow::Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let json: Value =
            serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))?;
        let mut lines = Vec::new();
        collect(&json, &mut lines).with_context(|| format!("{} is no GeoJSON", file.display()))?;
        let segments: Vec<_> =
            lines.iter().flat_map(|line| line.windows(2).map(|ends| (ends[0], ends[1]))).collect();
        ensure!(!segments.is_empty(), "{} has no line", file.display());
        // Web mercator stretches the world by this much here; of several places the most stretched counts.
        let stretch =
            segments.iter().map(|((_, y), _)| (y * std::f64::consts::PI / WORLD).cosh()).fold(1.0, f64::max);
        Ok(Self { segments, reach: metres * stretch })
    }

    /// Its tiles at one zoom.
    pub fn tiles(&self, z: u8) -> BTreeSet<TileId> {
        let mut tiles = BTreeSet::new();
        for &(a, b) in &self.segments {
            let (columns, rows) = TileId::range(z, &around(a, b).widened(self.reach));
            for (x, y) in columns.flat_map(|x| rows.clone().map(move |y| (x, y))) {
                let id = TileId { z, x, y };
                if distance(a, b, &id.envelope()) <= self.reach {
                    tiles.insert(id);
                }
            }
        }
        tiles
    }

    /// The box around all of it.
    pub fn envelope(&self) -> Envelope {
        let ends = self.segments.iter().map(|&(a, b)| around(a, b));
        let all = ends.reduce(|all, next| Envelope {
            xmin: all.xmin.min(next.xmin),
            ymin: all.ymin.min(next.ymin),
            xmax: all.xmax.max(next.xmax),
            ymax: all.ymax.max(next.ymax),
        });
        all.unwrap_or(Envelope { xmin: 0.0, ymin: 0.0, xmax: 0.0, ymax: 0.0 }).widened(self.reach)
    }
}

fn collect(json: &Value, lines: &mut Vec<Vec<Point>>) -> anyhow::Result<()> {
    let parts = |name: &str| json[name].as_array().with_context(|| format!("there is no list `{name}`"));
    match json["type"].as_str().context("an object without a type")? {
        "FeatureCollection" => parts("features")?.iter().try_for_each(|part| collect(part, lines)),
        "GeometryCollection" => parts("geometries")?.iter().try_for_each(|part| collect(part, lines)),
        "Feature" => collect(&json["geometry"], lines),
        "LineString" => {
            lines.push(line(&json["coordinates"])?);
            Ok(())
        }
        "MultiLineString" => {
            for part in parts("coordinates")? {
                lines.push(line(part)?);
            }
            Ok(())
        }
        "Point" | "MultiPoint" | "Polygon" | "MultiPolygon" => Ok(()),
        other => bail!("{other:?} is no type of GeoJSON"),
    }
}

fn line(coordinates: &Value) -> anyhow::Result<Vec<Point>> {
    let points = coordinates.as_array().context("a line without coordinates")?.iter();
    let read = |point: &Value| {
        let (lon, lat) = (point[0].as_f64(), point[1].as_f64());
        lon.zip(lat).filter(|(lon, lat)| lon.abs() <= 180.0 && lat.abs() <= 90.0)
    };
    points
        .map(|point| {
            read(point).map(|(lon, lat)| project(lon, lat)).with_context(|| format!("{point} is no place"))
        })
        .collect()
}

fn around(a: Point, b: Point) -> Envelope {
    Envelope { xmin: a.0.min(b.0), ymin: a.1.min(b.1), xmax: a.0.max(b.0), ymax: a.1.max(b.1) }
}

/// How far a segment is from a box.
fn distance(a: Point, b: Point, box_: &Envelope) -> f64 {
    if crosses(a, b, box_) {
        return 0.0;
    }
    // Otherwise the nearest two points are an end of the segment and the box, or a corner and the segment.
    let corners =
        [(box_.xmin, box_.ymin), (box_.xmin, box_.ymax), (box_.xmax, box_.ymin), (box_.xmax, box_.ymax)];
    let to_box = |(x, y): Point| {
        let (dx, dy) =
            ((box_.xmin - x).max(x - box_.xmax).max(0.0), (box_.ymin - y).max(y - box_.ymax).max(0.0));
        dx.hypot(dy)
    };
    corners
        .map(|corner| to_segment(corner, a, b))
        .into_iter()
        .chain([to_box(a), to_box(b)])
        .fold(f64::MAX, f64::min)
}

fn to_segment((x, y): Point, a: Point, b: Point) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx * dx + dy * dy;
    let along =
        if length == 0.0 { 0.0 } else { (((x - a.0) * dx + (y - a.1) * dy) / length).clamp(0.0, 1.0) };
    (x - a.0 - along * dx).hypot(y - a.1 - along * dy)
}

/// Whether a segment has a point in a box (Liang and Barsky).
fn crosses(a: Point, b: Point, box_: &Envelope) -> bool {
    let (mut from, mut to) = (0.0_f64, 1.0_f64);
    let sides = [
        (a.0 - b.0, a.0 - box_.xmin),
        (b.0 - a.0, box_.xmax - a.0),
        (a.1 - b.1, a.1 - box_.ymin),
        (b.1 - a.1, box_.ymax - a.1),
    ];
    for (step, room) in sides {
        if step == 0.0 {
            if room < 0.0 {
                return false;
            }
        } else if step < 0.0 {
            from = from.max(room / step);
        } else {
            to = to.min(room / step);
        }
    }
    from <= to
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: Envelope = Envelope { xmin: 0.0, ymin: 0.0, xmax: 10.0, ymax: 10.0 };

    #[test]
    fn a_segment_is_as_far_as_its_nearest_point() {
        assert_eq!(distance((-5.0, 5.0), (15.0, 5.0), &BOX), 0.0);
        assert_eq!(distance((2.0, 2.0), (3.0, 3.0), &BOX), 0.0);
        assert_eq!(distance((13.0, 0.0), (13.0, 20.0), &BOX), 3.0);
        assert_eq!(distance((13.0, 14.0), (20.0, 30.0), &BOX), 5.0);
        // Past the corner, without an end nearby.
        assert!((distance((10.0, 12.0), (12.0, 10.0), &BOX) - 2_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_corridor_is_narrower_than_the_box_around_it() {
        let (a, b) = (project(24.93, 60.16), project(24.96, 60.18));
        let corridor = Corridor { segments: vec![(a, b)], reach: 600.0 };
        let (columns, rows) = TileId::range(16, &corridor.envelope());
        let (all, along) = (columns.count() * rows.count(), corridor.tiles(16).len());
        assert!(along * 2 < all && along >= 10, "{along} of {all}");
    }
}
