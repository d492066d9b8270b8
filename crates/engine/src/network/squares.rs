//! Squares are walked across, not around.

use crate::spot::{Plane, Spot};

/// More entrances than this are thinned out evenly: the crossings grow with their square.
const MOST_ENTRANCES: usize = 20;
/// Corners of holes that the ways across go round, thinned out in the same way.
const MOST_CORNERS: usize = 10;
const LONGEST_OUTLINE: usize = 2000;
/// What is nearer to a line than this, in metres, is on it.
const TOUCHING_M: f64 = 0.5;
/// No straight line of steps is longer, in 1e-7 degrees: 55 m of latitude, less of longitude.
const LONG_STEPS: i32 = 5_000;
/// What is as far from a square in latitude does not lie on it: 5 km.
const FAR_OFF: u32 = 500_000;
/// Steps with their middle nearer than this, in metres, are under the line.
const UNDER_M: f64 = 2.0;

type Node = (i64, Spot);
type Xy = (f64, f64);

/// A corner of a ring, and which one it is: of which ring, in which place.
#[derive(Clone, Copy)]
struct Corner {
    node: Node,
    at: Xy,
    ring: usize,
    place: usize,
}

/// The straight ways across the surface within closed rings, outer ones and holes, between the nodes where streets
/// meet them and the corners of the holes. `is_shared` is told whether the node is the one where its ring closes.
pub(super) fn crossings(rings: &[Vec<Node>], is_shared: impl Fn(i64, bool) -> bool) -> Vec<(Node, Node)> {
    let closed = |ring: &Vec<Node>| ring.len() >= 4 && ring.first().map(|n| n.0) == ring.last().map(|n| n.0);
    let total: usize = rings.iter().map(Vec::len).sum();
    let Some(origin) = rings.first().and_then(|ring| ring.first()) else { return Vec::new() };
    if !rings.iter().all(closed) || total > LONGEST_OUTLINE {
        return Vec::new();
    }
    let plane = Plane::at(origin.1);
    let corners: Vec<Vec<Corner>> = rings
        .iter()
        .enumerate()
        .map(|(ring, nodes)| {
            let corner =
                |(place, &node): (usize, &Node)| Corner { node, at: plane.metres(node.1), ring, place };
            nodes[..nodes.len() - 1].iter().enumerate().map(corner).collect()
        })
        .collect();
    let rings: Vec<Vec<Xy>> =
        corners.iter().map(|ring| ring.iter().map(|corner| corner.at).collect()).collect();
    let is_hole = |ring: usize| {
        rings.iter().enumerate().any(|(other, outer)| other != ring && holds(outer, rings[ring][0]))
    };
    let (doors, others): (Vec<Corner>, Vec<Corner>) =
        corners.iter().flatten().partition(|corner| is_shared(corner.node.0, corner.place == 0));
    let of_holes = others.into_iter().filter(|corner| is_hole(corner.ring)).collect();
    let mut ends = thinned(doors, MOST_ENTRANCES);
    ends.extend(thinned(of_holes, MOST_CORNERS));
    let mut found = Vec::new();
    for (position, a) in ends.iter().enumerate() {
        for b in &ends[position + 1..] {
            let apart = a.place.abs_diff(b.place);
            let neighbours = a.ring == b.ring && (apart == 1 || apart == rings[a.ring].len() - 1);
            if !neighbours && a.node.0 != b.node.0 && is_inside(&rings, a, b) {
                found.push((a.node, b.node));
            }
        }
    }
    found
}

fn thinned(corners: Vec<Corner>, most: usize) -> Vec<Corner> {
    let step = corners.len().div_ceil(most).max(1);
    corners.into_iter().step_by(step).collect()
}

/// Whether the straight line between two corners stays within the outline.
fn is_inside(rings: &[Vec<Xy>], a: &Corner, b: &Corner) -> bool {
    let (from, to) = (a.at, b.at);
    let crosses_outline = rings.iter().enumerate().any(|(number, ring)| {
        (0..ring.len()).any(|i| {
            let j = (i + 1) % ring.len();
            let is_end = |place: usize| [a, b].iter().any(|end| end.ring == number && end.place == place);
            // A corner on the line: the outline leads there already.
            let touches = !is_end(i) && distance(ring[i], from, to) < TOUCHING_M;
            touches || (!is_end(i) && !is_end(j) && cross(from, to, ring[i], ring[j]))
        })
    });
    // Three inner points: one could lie on the outline by chance.
    let share = |s: f64| (from.0 + (to.0 - from.0) * s, from.1 + (to.1 - from.1) * s);
    let is_within = |at: Xy| rings.iter().filter(|ring| holds(ring, at)).count() % 2 == 1;
    !crosses_outline && [0.11, 0.47, 0.91].into_iter().all(|s| is_within(share(s)))
}

/// Whether the straight way between two nodes meets steps other than at its ends: what looks like one surface may lie
/// on two levels. The lines of steps are sorted by where they begin.
pub(super) fn is_stepped(a: Node, b: Node, steps: &[[Spot; 2]]) -> bool {
    let west = a.1.lon.min(b.1.lon).saturating_sub(LONG_STEPS);
    let east = a.1.lon.max(b.1.lon).saturating_add(LONG_STEPS);
    let first = steps.partition_point(|line| line[0].lon < west);
    let near = steps[first..].iter().take_while(|line| line[0].lon <= east);
    near.filter(|line| line[0].lat.abs_diff(a.1.lat) < FAR_OFF).any(|&line| meets_steps(a, b, line))
}

fn meets_steps(a: Node, b: Node, steps: [Spot; 2]) -> bool {
    let plane = Plane::at(a.1);
    let [from, to, bottom, top] = [a.1, b.1, steps[0], steps[1]].map(|spot| plane.metres(spot));
    let middle = ((bottom.0 + top.0) / 2.0, (bottom.1 + top.1) / 2.0);
    let is_joined = steps.iter().any(|end| [a.1, b.1].contains(end));
    distance(middle, from, to) < UNDER_M || (!is_joined && cross(from, to, bottom, top))
}

/// Metres from a point to the straight line between two others.
fn distance((x, y): Xy, a: Xy, b: Xy) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let squared = dx * dx + dy * dy;
    let along = (x - a.0) * dx + (y - a.1) * dy;
    let share = if squared > 0.0 { (along / squared).clamp(0.0, 1.0) } else { 0.0 };
    (a.0 + share * dx - x).hypot(a.1 + share * dy - y)
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
        crossings(&[ring(corners)], |_, _| true).into_iter().map(|(a, b)| (a.0, b.0)).collect()
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
    fn the_line_along_a_straight_side_is_no_way_across() {
        let pairs = pairs(&[(0, 0), (5, 0), (10, 0), (10, 10), (0, 10)]);
        assert!(!pairs.contains(&(0, 2)) && pairs.contains(&(1, 3)), "{pairs:?}");
    }

    #[test]
    fn steps_on_a_square_are_not_walked_over() {
        let at = |lon: i32, lat: i32| Spot { lon: lon * 1000, lat: lat * 1000 };
        let (a, b) = ((1, at(0, 0)), (2, at(10, 0)));
        assert!(meets_steps(a, b, [at(5, -1), at(5, 1)]), "across");
        assert!(meets_steps(a, b, [at(0, 0), at(1, 0)]), "along");
        assert!(!meets_steps(a, b, [at(0, 0), at(0, 5)]), "away");
        assert!(!meets_steps(a, b, [at(0, 5), at(5, 5)]), "elsewhere");
    }

    #[test]
    fn an_open_line_is_no_square() {
        let mut open = ring(&[(0, 0), (10, 0), (10, 10), (0, 10)]);
        open.pop();
        assert_eq!(crossings(&[open], |_, _| true), []);
    }

    #[test]
    fn the_way_across_goes_round_what_stands_in_the_middle() {
        let mut hole = ring(&[(4, 4), (6, 4), (6, 6), (4, 6)]);
        hole.iter_mut().for_each(|node| node.0 += 10);
        let rings = [ring(&[(0, 0), (10, 0), (10, 10), (0, 10)]), hole];
        let pairs: Vec<(i64, i64)> =
            crossings(&rings, |node, _| node < 10).into_iter().map(|(a, b)| (a.0, b.0)).collect();
        assert!(!pairs.contains(&(0, 2)) && !pairs.contains(&(10, 12)), "{pairs:?}");
        assert!(pairs.contains(&(0, 11)) && pairs.contains(&(2, 11)), "{pairs:?}");
    }
}
