//! What to do with time that no stop takes: stroll. Points on streets are put between the stops, so that the walk
//! swings out where it has not been.

use crate::{
    assemble::Walk,
    dead_ends::DeadEnds,
    ground::Ground,
    legs::{Anchor, Router},
    network::Network,
    search::Dice,
    shortest_paths::{FAR, Metric, Search},
    snap::Place,
};

/// Attempts at one stroll.
const ATTEMPTS: usize = 14;
/// Strolls one after the other, while time is left.
const MOST_STROLLS: usize = 4;
/// Less unused time than this is none.
const WORTH_FILLING: f64 = 0.08;
/// A stroll that mostly repeats the walk is none.
const MOST_REPEATED: f64 = 0.3;

/// Fills unused time. Gives the walk back as it was where the network has nothing to offer.
pub(crate) fn fill(
    router: &mut Router<'_>,
    dead_ends: &DeadEnds,
    mut walk: Walk,
    budget_ms: u32,
    dice: &mut Dice,
    should_stop: &(dyn Fn() -> bool + Sync),
) -> Walk {
    let core = core_nodes(router.network, router.ground, dead_ends);
    for _ in 0..MOST_STROLLS {
        let unused = budget_ms.saturating_sub(walk.total_ms());
        if core.is_empty() || f64::from(unused) < WORTH_FILLING * f64::from(budget_ms) {
            break;
        }
        let mut best: Option<(f64, Walk)> = None;
        for attempt in 0..ATTEMPTS {
            if should_stop() {
                break;
            }
            let Some(longer) = stroll(router, &core, &walk, budget_ms, attempt, dice) else { continue };
            let merit = merit(&longer, budget_ms);
            if best.as_ref().is_none_or(|(highest, _)| merit > *highest) {
                best = Some((merit, longer));
            }
        }
        match best {
            Some((better, longer)) if better > merit(&walk, budget_ms) => walk = longer,
            _ => break,
        }
    }
    walk
}

/// Used time is good, walking the same street twice is bad, more than a little of it is useless.
fn merit(walk: &Walk, budget_ms: u32) -> f64 {
    let repeated = walk.repeated_share();
    let used = f64::from(walk.total_ms()) / f64::from(budget_ms.max(1));
    used.min(0.97) - repeated - 3.0 * (repeated - MOST_REPEATED).max(0.0)
}

fn core_nodes(network: &Network, ground: &Ground, dead_ends: &DeadEnds) -> Vec<u32> {
    let usable = |&node: &u32| {
        dead_ends.is_core(node) && network.arcs(node).iter().any(|arc| ground.may_use(network, arc.edge()))
    };
    (0..network.node_count() as u32).filter(usable).collect()
}

/// Two points that make a round of one leg, about as long as the time that is left.
fn stroll(
    router: &mut Router<'_>,
    core: &[u32],
    walk: &Walk,
    budget_ms: u32,
    attempt: usize,
    dice: &mut Dice,
) -> Option<Walk> {
    let legs = walk.anchors.len() - 1;
    let leg = if attempt < 2 { longest_leg(walk) } else { dice.below(legs) };
    let (a, b) = (walk.anchors[leg].place, walk.anchors[leg + 1].place);
    let unused = budget_ms.saturating_sub(walk.total_ms());
    let target = f64::from(walk.ways[leg].time_ms) + f64::from(unused) * (0.80 + 0.17 * dice.share());
    let weights = &router.ground.weights;
    let metric = Metric { time_ms: &weights.time_ms, cost: &weights.cost };
    let within_ms = target as u32;
    let paths = &mut router.paths;
    paths.run(metric, Search { from: b, backward: true, within_ms, until: None });
    let home: Vec<u32> = core.iter().map(|&node| paths.time_to_node(node)).collect();
    paths.run(metric, Search { from: a, backward: false, within_ms, until: None });
    let out: Vec<u32> = core.iter().map(|&node| paths.time_to_node(node)).collect();
    // The first point: a third of the way out, more or less.
    let share = 0.22 + 0.2 * dice.share();
    let first = best_of(dice, core.len(), |i| {
        let around = f64::from(out[i]) + f64::from(home[i]);
        let fits = out[i] < FAR && home[i] < FAR && around < target * 0.95;
        fits.then(|| -(f64::from(out[i]) - share * target).abs())
    })?;
    let via = place_of(router.network, router.ground, core[first])?;
    router.paths.run(metric, Search { from: via, backward: false, within_ms, until: None });
    let second = best_of(dice, core.len(), |i| {
        let on = router.paths.time_to_node(core[i]);
        let round = f64::from(out[first]) + f64::from(on) + f64::from(home[i]);
        let fits = on < FAR && home[i] < FAR && round <= target;
        // As long as wished, and apart from both ends of the line between: a round, not a there and back.
        let apart = f64::from(on).min(f64::from(home[i])).min(f64::from(out[i].min(FAR)));
        fits.then(|| -(target - round).abs() + 0.6 * apart)
    })?;
    let other = place_of(router.network, router.ground, core[second])?;
    let mut anchors = walk.anchors.clone();
    anchors.splice(leg + 1..leg + 1, [via, other].map(|place| Anchor { place, via: true }));
    let ways = router.route(&anchors, budget_ms.saturating_sub(walk.dwell_ms))?;
    Some(Walk { stops: walk.stops.clone(), anchors, ways, dwell_ms: walk.dwell_ms })
}

fn longest_leg(walk: &Walk) -> usize {
    (0..walk.ways.len()).max_by_key(|&leg| walk.ways[leg].time_ms).unwrap_or(0)
}

/// The best of some random numbers below `count`: random, so that strolls differ; some, so that they are good.
fn best_of(dice: &mut Dice, count: usize, merit: impl Fn(usize) -> Option<f64>) -> Option<usize> {
    let tries = 250.min(count * 2);
    (0..tries)
        .filter_map(|_| {
            let i = dice.below(count);
            merit(i).map(|merit| (merit, i))
        })
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, i)| i)
}

/// A node as a place on one of its edges.
fn place_of(network: &Network, ground: &Ground, node: u32) -> Option<Place> {
    let arc = network.arcs(node).iter().find(|arc| ground.may_use(network, arc.edge()))?;
    let line = network.line(arc.edge());
    let (spot, offset_mm) =
        if arc.backward() { (line.last(), network.edge(arc.edge()).length_mm) } else { (line.first(), 0) };
    Some(Place { edge: arc.edge(), offset_mm, spot: *spot?, off_m: 0.0 })
}
