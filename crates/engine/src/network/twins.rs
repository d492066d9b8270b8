//! The same stretch mapped by two ways, as where a street runs along the outline of a square, is one street: else a walk
//! could go out on one of them and back on the other, and would take it for new.

use std::cmp::Ordering;

use super::cell::Segment;
use crate::spot::Spot;

/// Leaves of each stretch the way that most may walk, and of those the pleasantest. Steps and what is beside them stay
/// apart.
pub(super) fn drop_twins(segments: &mut Vec<Segment>) {
    let worse = |segment: &Segment| {
        let way = segment.attributes;
        (way.private(), !(way.forward() && way.backward()), way.class() as u8, segment.way, segment.index)
    };
    segments.sort_by(|a, b| by_stretch(a, b).then_with(|| worse(a).cmp(&worse(b))));
    segments.dedup_by(|next, kept| by_stretch(next, kept) == Ordering::Equal);
}

fn by_stretch(a: &Segment, b: &Segment) -> Ordering {
    let apart = |segment: &Segment| {
        (segment.attributes.steps(), segment.from.min(segment.to), segment.from.max(segment.to))
    };
    apart(a).cmp(&apart(b)).then_with(|| one_way_round(&a.points).cmp(one_way_round(&b.points)))
}

/// The points from the end that comes first.
fn one_way_round(points: &[Spot]) -> Box<dyn Iterator<Item = &Spot> + '_> {
    if points.iter().rev().lt(points) { Box::new(points.iter().rev()) } else { Box::new(points.iter()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::walkable::attributes_of;

    fn segment(way: i64, line: &[i32], tags: &str) -> Segment {
        let tags = tags.split(' ').filter_map(|tag| tag.split_once('=')).map(|(k, v)| (k.into(), v.into()));
        Segment {
            way,
            index: 0,
            from: line[0].into(),
            to: line[line.len() - 1].into(),
            attributes: attributes_of(&tags.collect()).unwrap(),
            points: line.iter().map(|&lon| Spot { lon, lat: 0 }).collect(),
        }
    }

    #[test]
    fn of_two_ways_on_one_line_the_better_stays() {
        let mut twins = vec![
            segment(1, &[1, 2, 3], "highway=primary"),
            segment(2, &[3, 2, 1], "highway=pedestrian"),
            segment(3, &[1, 2, 3], "highway=service access=private"),
            segment(4, &[1, 5, 3], "highway=primary"),
            segment(5, &[1, 2, 3], "highway=steps"),
        ];
        drop_twins(&mut twins);
        let mut left: Vec<i64> = twins.iter().map(|segment| segment.way).collect();
        left.sort_unstable();
        assert_eq!(left, [2, 4, 5]);
    }
}
