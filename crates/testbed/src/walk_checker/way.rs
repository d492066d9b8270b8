//! What is promised about the line itself: its shape, the streets it follows, its length, its steps.

use super::{
    report::{Promise, Report},
    streets::Streets,
    walk::{Piece, Walk, light_known, lit},
};

/// How far from the point asked for a walk may start or end.
pub(super) const SNAP_M: f64 = 250.0;
/// A part of the network of which one can make a walk, in metres of street.
const ENOUGH_TO_WALK_M: f64 = 1000.0;
/// Steps shorter than this in sum are drawing noise.
const NO_STEPS_M: f64 = 1.0;

pub(super) fn shape(walk: &Walk, report: &mut Report) {
    let (Some(first), Some(last)) = (walk.spots.first(), walk.spots.last()) else {
        return report.broken(Promise::Shape, "the path has no points");
    };
    report.expect(walk.spots.len() >= 2, Promise::Shape, || "the path is a single point".into());
    let ends = [("starts", first.distance(walk.start)), ("ends", last.distance(walk.end))];
    for (what, metres) in ends {
        report.expect(metres <= SNAP_M, Promise::Shape, || {
            format!("it {what} {metres:.0} m from where it should")
        });
    }
    let open_m = first.distance(*last);
    report.expect(!walk.request.is_loop() || open_m <= 1.0, Promise::Shape, || {
        format!("the loop is open by {open_m:.1} m")
    });
}

pub(super) fn on_streets(walk: &Walk, streets: &Streets, report: &mut Report) {
    let off = |spot: &super::plane::Spot| !streets.holds(*spot);
    let corners: Vec<usize> = (0..walk.spots.len()).filter(|index| off(&walk.spots[*index])).collect();
    if let Some(index) = corners.first() {
        let nearest = streets.nearest(walk.spots[*index], 500.0).unwrap_or(f64::INFINITY);
        let at: [f64; 2] = walk.route.path.coordinates[*index].into();
        report.broken(
            Promise::OnStreets,
            format!(
                "{} points are on no street; point {index} {at:?} is {nearest:.1} m from one",
                corners.len()
            ),
        );
    }
    let off_m: f64 = walk.sum(|piece| off(&piece.middle));
    if let Some(piece) = walk.pieces.iter().find(|piece| off(&piece.middle)) {
        let at = walk.plane.degrees(piece.middle);
        report.broken(Promise::OnStreets, format!("{off_m:.1} m lead over no street, the first at {at:?}"));
    }
}

pub(super) fn length(walk: &Walk, report: &mut Report) {
    let (own, route) = (walk.length_m(), &walk.route);
    let near = |a: f64, b: f64| (a - b).abs() <= 0.01 * b + 1.0;
    report.expect(near(route.distance_m, own), Promise::Length, || {
        format!("distance_m is {:.1}, the path is {own:.1} m long", route.distance_m)
    });
    let sum: f64 = route.legs.iter().map(|leg| leg.distance_m).sum();
    report.expect(near(sum, route.distance_m), Promise::Length, || {
        format!("the legs are {sum:.1} m together, distance_m is {:.1}", route.distance_m)
    });
    report.expect(route.legs.len() == route.stops.len() + 1, Promise::Length, || {
        format!("{} legs for {} stops", route.legs.len(), route.stops.len())
    });
    let mut begin = 0;
    for (number, leg) in route.legs.iter().enumerate() {
        let (from, to) = (leg.geometry.start as usize, leg.geometry.end as usize);
        report.expect((leg.from as usize, leg.to as usize) == (number, number + 1), Promise::Length, || {
            format!("leg {number} leads from {} to {}", leg.from, leg.to)
        });
        report.expect(from == begin && from <= to && to < walk.metres.len(), Promise::Length, || {
            format!("leg {number} is points {from}-{to} of {}; it should begin at {begin}", walk.metres.len())
        });
        begin = to;
        if let (Some(a), Some(b)) = (walk.metres.get(from), walk.metres.get(to)) {
            report.expect(near(leg.distance_m, b - a), Promise::Length, || {
                format!("leg {number} says {:.1} m, its part of the path is {:.1} m", leg.distance_m, b - a)
            });
        }
    }
    report.expect(begin + 1 == walk.metres.len(), Promise::Length, || {
        format!("the legs end at point {begin} of {}", walk.metres.len())
    });
}

pub(super) fn stairs(walk: &Walk, streets: &Streets, report: &mut Report) {
    let steps_m = walk.sum(Piece::is_steps);
    let perhaps = walk.pieces.iter().any(|piece| piece.possibly(|footing| footing.steps));
    let said = walk.route.quality.steps_used;
    report.expect(said || steps_m <= NO_STEPS_M, Promise::Honesty, || {
        format!("steps_used is false, and {steps_m:.1} m are steps")
    });
    report.expect(!said || perhaps, Promise::Honesty, || "steps_used is true, and there are none".into());
    if walk.request.accessibility().avoid_stairs
        && steps_m > NO_STEPS_M
        && let Some(why) = avoidable(walk, streets)
    {
        let at = walk.pieces.iter().find(|piece| piece.is_steps()).map_or(0.0, |piece| piece.at_m);
        report.broken(Promise::Stairs, format!("{steps_m:.1} m of steps, the first at {at:.0} m: {why}"));
    }
}

/// Why the walk could have done without steps; `None` where it could not.
fn avoidable(walk: &Walk, streets: &Streets) -> Option<String> {
    let ends = [walk.spots.first().copied()?, walk.spots.last().copied()?];
    let [mut start, end] = ends.map(|spot| streets.stepless_parts(spot, super::streets::ON_IT_M));
    if start.is_empty() {
        // It starts in the middle of steps: was there anything else as near?
        start = streets.stepless_parts(walk.start, walk.start.distance(ends[0]) + 30.0);
    }
    if walk.request.is_loop() {
        let metres = start.values().copied().fold(0.0, f64::max);
        (metres >= ENOUGH_TO_WALK_M)
            .then(|| format!("{metres:.0} m of street hang together at the start without any"))
    } else {
        start
            .keys()
            .any(|part| end.contains_key(part))
            .then(|| "start and end hang together without any".into())
    }
}

/// Whether the route tells the truth about light and repetition.
pub(super) fn honesty(walk: &Walk, report: &mut Report) {
    if walk.length_m() < 50.0 {
        return;
    }
    let said = walk.route.quality;
    let repeated = walk.trace.repeated_m() / walk.length_m();
    let sure_and_possible = |has: fn(&super::footing::Footing) -> bool| {
        (walk.share(|piece| piece.surely(has)), walk.share(|piece| piece.possibly(has)))
    };
    let claims = [
        ("repeated_share", said.repeated_share, (repeated, repeated)),
        ("well_lit_share", said.well_lit_share, sure_and_possible(lit)),
        ("lit_known_share", said.lit_known_share, sure_and_possible(light_known)),
    ];
    for (name, said, (least, most)) in claims {
        report.expect((least - 0.05..=most + 0.05).contains(&said), Promise::Honesty, || {
            format!("{name} is {said:.3}, measured were {least:.3} to {most:.3}")
        });
    }
}
