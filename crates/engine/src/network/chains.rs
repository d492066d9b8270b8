//! Streets that merely go on in each other become one edge: between two junctions there is nothing to choose.

use std::collections::HashMap;

use super::cell::Segment;
use crate::spot::Spot;

/// An end of a segment.
type End = (u32, bool);

/// Joins the segments at nodes that connect exactly two segments of one kind.
pub(super) fn join(segments: &[Segment]) -> Vec<Segment> {
    let ends_at = ends(segments);
    let node = |(segment, last): End| {
        let segment = &segments[segment as usize];
        if last {
            (segment.points[segment.points.len() - 1], segment.to)
        } else {
            (segment.points[0], segment.from)
        }
    };
    // The segment that goes on where another ends, and by which end one enters it.
    let onward = |end: End| -> Option<End> {
        let &[a, b] = ends_at.get(&node(end))?.as_slice() else { return None };
        let other = if a == end { b } else { a };
        let (this, next) = (&segments[end.0 as usize], &segments[other.0 as usize]);
        // Seen in one direction of walking.
        let turned = |end: End, segment: &Segment, leaving: bool| {
            if end.1 == leaving { segment.attributes } else { segment.attributes.reversed() }
        };
        let alike = turned(end, this, true) == turned(other, next, false);
        (end.0 != other.0 && alike && !this.attributes.crosses_square()).then_some(other)
    };
    let mut used = vec![false; segments.len()];
    let mut joined = Vec::with_capacity(segments.len());
    let mut chain = Vec::new();
    for start in 0..segments.len() as u32 {
        if used[start as usize] {
            continue;
        }
        // To where the chain begins; a ring begins anywhere.
        let mut first = (start, false);
        while let Some(before) = onward(first) {
            if before.0 == start {
                break;
            }
            first = (before.0, !before.1);
        }
        chain.clear();
        chain.push(first);
        used[first.0 as usize] = true;
        let mut last = (first.0, !first.1);
        while let Some(next) = onward(last).filter(|next| !used[next.0 as usize]) {
            used[next.0 as usize] = true;
            chain.push(next);
            last = (next.0, !next.1);
        }
        joined.push(if chain.len() == 1 { segments[start as usize].clone() } else { one(segments, &chain) });
    }
    joined.into_iter().flat_map(without_ring).collect()
}

/// A street that comes back to where it began is cut in three: a ring can be walked round, and is no way there and back.
fn without_ring(segment: Segment) -> Vec<Segment> {
    let last = segment.points.len() - 1;
    if (segment.from, segment.points[0]) != (segment.to, segment.points[last]) || last < 3 {
        return vec![segment];
    }
    let length =
        |points: &[Spot]| points.windows(2).map(|pair| u64::from(pair[0].distance_mm(pair[1]))).sum::<u64>();
    let third = length(&segment.points) / 3;
    let nearest = |aim: u64, range: std::ops::Range<usize>| {
        range.min_by_key(|&place| length(&segment.points[..=place]).abs_diff(aim)).unwrap_or(1)
    };
    let first = nearest(third, 1..last - 1);
    let second = nearest(2 * third, first + 1..last);
    // No node of OpenStreetMap has such a number, and no other ring has this one here.
    let node = |place: i64| i64::MIN | (segment.way.wrapping_mul(4).wrapping_add(place) & i64::MAX);
    let ends = [(0, segment.from), (first, node(1)), (second, node(2)), (last, segment.to)];
    let part = |pair: &[(usize, i64)]| Segment {
        from: pair[0].1,
        to: pair[1].1,
        points: segment.points[pair[0].0..=pair[1].0].to_vec(),
        ..segment.clone()
    };
    ends.windows(2).map(part).collect()
}

/// Which ends meet at each node, where they are two at most; three stand for more.
fn ends(segments: &[Segment]) -> HashMap<(Spot, i64), Vec<End>> {
    let mut ends: HashMap<(Spot, i64), Vec<End>> = HashMap::with_capacity(segments.len());
    for (number, segment) in segments.iter().enumerate() {
        let last = segment.points.len() - 1;
        for (node, is_last) in
            [((segment.points[0], segment.from), false), ((segment.points[last], segment.to), true)]
        {
            let meeting = ends.entry(node).or_default();
            if meeting.len() < 3 {
                meeting.push((number as u32, is_last));
            }
        }
    }
    ends
}

/// A chain as one segment; each link is entered by the given end.
fn one(segments: &[Segment], chain: &[End]) -> Segment {
    let (first, last) = (chain[0], chain[chain.len() - 1]);
    let (head, tail) = (&segments[first.0 as usize], &segments[last.0 as usize]);
    let mut points: Vec<Spot> = Vec::new();
    for &(number, backward) in chain {
        let line = &segments[number as usize].points;
        // Where one link ends the next begins.
        points.pop();
        if backward {
            points.extend(line.iter().rev());
        } else {
            points.extend(line);
        }
    }
    Segment {
        way: head.way,
        index: head.index,
        from: if first.1 { head.to } else { head.from },
        to: if last.1 { tail.from } else { tail.to },
        attributes: if first.1 { head.attributes.reversed() } else { head.attributes },
        points,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::walkable::attributes_of;

    fn segment(way: i64, from: i64, to: i64, highway: &str) -> Segment {
        let tags =
            highway.split(' ').filter_map(|tag| tag.split_once('=')).map(|(k, v)| (k.into(), v.into()));
        let at = |node: i64| Spot { lon: node as i32 * 100, lat: 0 };
        Segment {
            way,
            index: 0,
            from,
            to,
            attributes: attributes_of(&tags.collect()).unwrap(),
            points: vec![at(from), at(to)],
        }
    }

    #[test]
    fn a_street_of_three_ways_is_one_edge() {
        let street = [
            segment(1, 2, 1, "highway=path"),
            segment(2, 2, 3, "highway=path"),
            segment(3, 4, 3, "highway=path"),
        ];
        let joined = join(&street);
        assert_eq!(joined.len(), 1);
        let nodes: Vec<i32> = joined[0].points.iter().map(|spot| spot.lon / 100).collect();
        assert!(nodes == [1, 2, 3, 4] || nodes == [4, 3, 2, 1], "{nodes:?}");
        assert_eq!((joined[0].from, joined[0].to), (i64::from(nodes[0]), i64::from(nodes[3])));
    }

    #[test]
    fn what_differs_stays_apart() {
        let path = segment(1, 1, 2, "highway=path");
        for other in ["highway=steps", "highway=path lit=yes", "highway=path oneway:foot=yes"] {
            assert_eq!(join(&[path.clone(), segment(2, 2, 3, other)]).len(), 2, "{other}");
        }
        let fork = [path, segment(2, 2, 3, "highway=path"), segment(3, 2, 4, "highway=path")];
        assert_eq!(join(&fork).len(), 3);
    }

    #[test]
    fn one_way_streets_are_joined_in_their_direction() {
        let one_way = |way, from, to| segment(way, from, to, "highway=path oneway:foot=yes");
        assert_eq!(join(&[one_way(1, 1, 2), one_way(2, 2, 3)]).len(), 1);
        assert_eq!(join(&[one_way(1, 1, 2), one_way(2, 3, 2)]).len(), 2);
    }

    #[test]
    fn a_ring_is_three_edges_that_go_round() {
        let sides = [(1, 2), (2, 5), (5, 3), (3, 1)];
        let ring = sides.iter().zip(1..).map(|(&(a, b), way)| segment(way, a, b, "highway=path"));
        let joined = join(&ring.collect::<Vec<_>>());
        assert_eq!(joined.len(), 3);
        for (part, next) in joined.iter().zip(joined.iter().cycle().skip(1)) {
            assert_eq!((part.to, part.points.last()), (next.from, next.points.first()));
            assert!(part.from != part.to && part.points.len() >= 2);
        }
    }
}
