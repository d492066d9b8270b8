//! Squares are walked across, not around.

use crate::spot::{Plane, Spot};

/// More entrances than this are thinned out evenly: the crossings grow with their square.
const MOST_ENTRANCES: usize = 20;
const LONGEST_OUTLINE: usize = 2000;

type Node = (i64, Spot);
type Xy = (f64, f64);

/// The straight ways across the surface within a closed outline, between the nodes where streets meet it.
pub(super) fn crossings(outline: &[Node], is_shared: impl Fn(i64) -> bool) -> Vec<(Node, Node)> {
    let closed = outline.len() >= 4 && outline.first().map(|n| n.0) == outline.last().map(|n| n.0);
    if !closed || outline.len() > LONGEST_OUTLINE {
        return Vec::new();
    }
    let ring = &outline[..outline.len() - 1];
    let plane = Plane::at(ring[0].1);
    let corners: Vec<Xy> = ring.iter().map(|&(_, spot)| plane.metres(spot)).collect();
    let entrances: Vec<usize> = (0..ring.len()).filter(|&i| is_shared(ring[i].0)).collect();
    let step = entrances.len().div_ceil(MOST_ENTRANCES).max(1);
    let entrances: Vec<usize> = entrances.into_iter().step_by(step).collect();
    let mut found = Vec::new();
    for (position, &a) in entrances.iter().enumerate() {
        for &b in &entrances[position + 1..] {
            let neighbours = b - a == 1 || b - a == ring.len() - 1;
            if !neighbours && ring[a].0 != ring[b].0 && is_inside(&corners, a, b) {
                found.push((ring[a], ring[b]));
            }
        }
    }
    found
}

/// Whether the straight line between two corners stays within the outline.
fn is_inside(corners: &[Xy], a: usize, b: usize) -> bool {
    let (from, to) = (corners[a], corners[b]);
    let crosses_outline = (0..corners.len()).any(|i| {
        let j = (i + 1) % corners.len();
        let touches = [i, j].iter().any(|corner| [a, b].contains(corner));
        !touches && cross(from, to, corners[i], corners[j])
    });
    // Three inner points: one could lie on the outline by chance.
    let share = |s: f64| (from.0 + (to.0 - from.0) * s, from.1 + (to.1 - from.1) * s);
    !crosses_outline && [0.11, 0.47, 0.91].into_iter().all(|s| holds(corners, share(s)))
}

/// Which side of the line a-b the point lies on.
fn side(a: Xy, b: Xy, point: Xy) -> f64 {
    (b.0 - a.0) * (point.1 - a.1) - (b.1 - a.1) * (point.0 - a.0)
}

/// Whether two lines cross or touch.
fn cross(a: Xy, b: Xy, c: Xy, d: Xy) -> bool {
    side(a, b, c) * side(a, b, d) <= 0.0 && side(c, d, a) * side(c, d, b) <= 0.0
}

/// Whether a polygon holds a point: a ray from it crosses the outline an odd number of times.
fn holds(corners: &[Xy], (x, y): Xy) -> bool {
    (0..corners.len()).fold(false, |inside, i| {
        let (a, b) = (corners[i], corners[(i + 1) % corners.len()]);
        let crosses = (a.1 > y) != (b.1 > y) && x < (b.0 - a.0) * (y - a.1) / (b.1 - a.1) + a.0;
        inside != crosses
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(corners: &[(i32, i32)]) -> Vec<Node> {
        let node = |(index, &(lon, lat)): (usize, &(i32, i32))| {
            (index as i64, Spot { lon: lon * 1000, lat: lat * 1000 })
        };
        let mut ring: Vec<Node> = corners.iter().enumerate().map(node).collect();
        ring.push(ring[0]);
        ring
    }

    fn pairs(corners: &[(i32, i32)]) -> Vec<(i64, i64)> {
        crossings(&ring(corners), |_| true).into_iter().map(|(a, b)| (a.0, b.0)).collect()
    }

    #[test]
    fn a_square_is_crossed_along_its_diagonals() {
        assert_eq!(pairs(&[(0, 0), (10, 0), (10, 10), (0, 10)]), [(0, 2), (1, 3)]);
    }

    #[test]
    fn nobody_walks_through_the_house_in_the_corner() {
        // An L: the line between its tips would leave it.
        let pairs = pairs(&[(0, 0), (10, 0), (10, 4), (4, 4), (4, 10), (0, 10)]);
        assert!(!pairs.contains(&(2, 4)) && pairs.contains(&(0, 3)), "{pairs:?}");
    }

    #[test]
    fn an_open_line_is_no_square() {
        let mut open = ring(&[(0, 0), (10, 0), (10, 10), (0, 10)]);
        open.pop();
        assert_eq!(crossings(&open, |_| true), []);
    }
}
