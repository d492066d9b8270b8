//! From lines to places: rings out of ways, and one point that stands for an area or a line.

use std::collections::HashMap;

use domain::Coordinate;

/// Scan lines that are tried for the point of an area.
const SCAN_LINES: u32 = 15;

/// Joins lines of node ids at their ends into closed rings. `None` where some end stays open: a part is missing.
pub(crate) fn rings(lines: &[&[i64]]) -> Option<Vec<Vec<i64>>> {
    let mut ends: HashMap<i64, Vec<usize>> = HashMap::new();
    for (index, line) in lines.iter().enumerate() {
        if line.len() < 2 {
            return None;
        }
        if line.first() != line.last() {
            [line.first(), line.last()]
                .into_iter()
                .flatten()
                .for_each(|end| ends.entry(*end).or_default().push(index));
        }
    }
    let mut used = vec![false; lines.len()];
    let mut rings = Vec::new();
    for start in 0..lines.len() {
        if used[start] {
            continue;
        }
        used[start] = true;
        let mut ring = lines[start].to_vec();
        while ring.first() != ring.last() {
            let end = *ring.last()?;
            let next = *ends.get(&end)?.iter().find(|index| !used[**index])?;
            used[next] = true;
            let line = lines[next];
            if line.first() == Some(&end) {
                ring.extend(&line[1..]);
            } else {
                ring.extend(line.iter().rev().skip(1));
            }
        }
        rings.push(ring);
    }
    Some(rings)
}

/// True inside an odd number of the rings, so that holes are outside. Rings are closed.
pub(crate) fn contains(rings: &[Vec<Coordinate>], at: Coordinate) -> bool {
    let crossings =
        edges(rings).filter(|(a, b)| crossing(*a, *b, at.lat()).is_some_and(|lon| lon > at.lon()));
    crossings.count() % 2 == 1
}

/// A point in an area, far from its edges: of the middles of its widest stretches on some scan lines, the one farthest
/// from any edge. `None` where the rings enclose nothing.
pub(crate) fn point_inside(rings: &[Vec<Coordinate>]) -> Option<Coordinate> {
    let lats = || rings.iter().flatten().map(|at| at.lat());
    let (south, north) = (lats().fold(f64::INFINITY, f64::min), lats().fold(f64::NEG_INFINITY, f64::max));
    // A degree of longitude is shorter than one of latitude.
    let shrink = south.to_radians().cos();
    let mut best: Option<(f64, Coordinate)> = None;
    for line in 1..=SCAN_LINES {
        let lat = south + (north - south) * f64::from(line) / f64::from(SCAN_LINES + 1);
        let mut crossings: Vec<f64> = edges(rings).filter_map(|(a, b)| crossing(a, b, lat)).collect();
        crossings.sort_by(f64::total_cmp);
        let stretches = crossings.chunks_exact(2).map(|pair| (pair[1] - pair[0], (pair[0] + pair[1]) / 2.0));
        let Some((width, lon)) = stretches.max_by(|a, b| a.0.total_cmp(&b.0)) else { continue };
        let Some(at) = Coordinate::new(lon, lat).filter(|_| width > 0.0) else { continue };
        let room = edges(rings).map(|(a, b)| distance(at, a, b, shrink)).fold(f64::INFINITY, f64::min);
        if best.is_none_or(|(most, _)| room > most) {
            best = Some((room, at));
        }
    }
    let (_, at) = best?;
    // As exact as OSM, about a centimetre.
    let round = |degrees: f64| (degrees * 1e7).round() / 1e7;
    Coordinate::new(round(at.lon()), round(at.lat()))
}

/// The vertex in the middle of a line, by number: it is on the line.
pub(crate) fn middle(line: &[Coordinate]) -> Option<Coordinate> {
    line.get(line.len() / 2).copied()
}

fn edges(rings: &[Vec<Coordinate>]) -> impl Iterator<Item = (Coordinate, Coordinate)> {
    rings.iter().flat_map(|ring| ring.windows(2)).map(|pair| (pair[0], pair[1]))
}

/// The longitude at which an edge crosses a latitude. An edge owns its southern end but not its northern one, so that
/// a vertex is crossed once.
fn crossing(a: Coordinate, b: Coordinate, lat: f64) -> Option<f64> {
    let crosses = (a.lat() <= lat) != (b.lat() <= lat);
    crosses.then(|| a.lon() + (lat - a.lat()) / (b.lat() - a.lat()) * (b.lon() - a.lon()))
}

/// Distance from a point to an edge, in degrees of latitude.
fn distance(at: Coordinate, a: Coordinate, b: Coordinate, shrink: f64) -> f64 {
    let plane = |to: Coordinate| ((to.lon() - a.lon()) * shrink, to.lat() - a.lat());
    let ((bx, by), (px, py)) = (plane(b), plane(at));
    let length_squared = bx * bx + by * by;
    let share =
        if length_squared > 0.0 { ((px * bx + py * by) / length_squared).clamp(0.0, 1.0) } else { 0.0 };
    (px - share * bx).hypot(py - share * by)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(points: &[(f64, f64)]) -> Vec<Coordinate> {
        let closed = points.iter().chain(points.first());
        closed.map(|(lon, lat)| Coordinate::new(*lon, *lat).unwrap()).collect()
    }

    fn square(from: f64, to: f64) -> Vec<Coordinate> {
        ring(&[(from, from), (to, from), (to, to), (from, to)])
    }

    #[test]
    fn lines_are_joined_at_their_ends_whichever_way_they_run() {
        let joined = rings(&[&[1, 2, 3], &[5, 4, 3], &[5, 6, 1], &[7, 8, 9, 7]]).unwrap();
        assert_eq!(joined, [vec![1, 2, 3, 4, 5, 6, 1], vec![7, 8, 9, 7]]);
    }

    #[test]
    fn a_ring_with_a_gap_is_none() {
        assert_eq!(rings(&[&[1, 2, 3], &[3, 4, 5]]), None);
        assert_eq!(rings(&[&[1]]), None);
    }

    #[test]
    fn the_point_of_an_area_is_in_it_and_not_in_its_hole() {
        let yard = [square(0.0, 1.0), square(0.2, 0.8)];
        let at = point_inside(&yard).unwrap();
        assert!(contains(&yard, at), "{at:?}");
        assert!(!contains(&yard, Coordinate::new(0.5, 0.5).unwrap()));
    }

    #[test]
    fn the_point_of_a_horseshoe_is_not_between_its_arms() {
        let shoe = [ring(&[
            (0.0, 0.0),
            (3.0, 0.0),
            (3.0, 3.0),
            (2.0, 3.0),
            (2.0, 1.0),
            (1.0, 1.0),
            (1.0, 3.0),
            (0.0, 3.0),
        ])];
        let at = point_inside(&shoe).unwrap();
        assert!(contains(&shoe, at), "{at:?}");
    }

    #[test]
    fn the_point_of_a_long_neck_is_in_its_body() {
        let pan = [ring(&[
            (0.0, 0.0),
            (2.0, 0.0),
            (2.0, 0.9),
            (9.0, 0.9),
            (9.0, 1.1),
            (2.0, 1.1),
            (2.0, 2.0),
            (0.0, 2.0),
        ])];
        let at = point_inside(&pan).unwrap();
        assert!(at.lon() < 2.0 && contains(&pan, at), "{at:?}");
    }

    #[test]
    fn what_encloses_nothing_has_no_point_inside() {
        assert_eq!(point_inside(&[]), None);
        assert_eq!(point_inside(&[ring(&[(1.0, 1.0), (2.0, 1.0)])]), None);
        assert_eq!(middle(&[]), None);
    }

    #[test]
    fn the_middle_of_a_line_is_one_of_its_vertices() {
        let line = ring(&[(0.0, 0.0), (1.0, 5.0), (2.0, 0.0)]);
        assert!(line.contains(&middle(&line).unwrap()));
    }
}
