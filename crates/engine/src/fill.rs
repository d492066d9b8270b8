//! What to do with time that no stop takes: stroll, on one round that is a pleasure by itself. Where there is none,
//! time is left over, and that is better than being sent round the same blocks.

use crate::{
    assemble::Walk,
    candidates::Candidate,
    ground::Ground,
    legs::{Anchor, Router},
    network::Network,
    open_times::first_closed,
    path::Piece,
    quality,
    search::Dice,
    shortest_paths::Search,
    snap::Place,
    weight::FAR,
};

const MINUTE_MS: u32 = 60_000;
/// Strolling without an aim takes at most so long in a walk that has stops.
const LONGEST_STROLL_MS: u32 = 45 * MINUTE_MS;
/// A walk without a stop takes at most so long.
const LONGEST_ROUND_MS: u32 = 60 * MINUTE_MS;
/// Attempts at the stroll.
const ATTEMPTS: usize = 18;
/// How much of the time that is left the attempts aim at, from the lowest share on: first nearly all, then less.
const AIMS: [f64; 3] = [0.8, 0.5, 0.25];
/// Less unused time than this share of the budget is none.
const WORTH_FILLING: f64 = 0.12;
/// A walk with a stroll repeats at most this share of itself,
const MOST_REPEATED: f64 = 0.1;
/// and crosses itself at most so often a kilometre,
const MOST_CROSSINGS_PER_KM: f64 = 1.0;
/// unless it did so before, or has nothing else to offer: then this share.
const MOST_REPEATED_ALONE: f64 = 0.3;

/// Fills unused time. Gives the walk back as it was where the network has nothing to offer.
pub(crate) fn fill(
    router: &mut Router<'_>,
    candidates: &[Candidate],
    walk: Walk,
    budget_ms: u32,
    dice: &mut Dice,
    should_stop: &(dyn Fn() -> bool + Sync),
) -> Walk {
    let unused = budget_ms.saturating_sub(walk.total_ms());
    if f64::from(unused) < WORTH_FILLING * f64::from(budget_ms) {
        return walk;
    }
    let alone = walk.stops.is_empty();
    let most = if alone { LONGEST_ROUND_MS.saturating_sub(walk.total_ms()) } else { 0 };
    let limit_ms = walk.total_ms().saturating_add(unused.min(most.max(LONGEST_STROLL_MS)));
    let core = core_nodes(router.network, router.ground);
    if core.is_empty() {
        return if alone { there_and_back(router, walk, limit_ms) } else { walk };
    }
    let before = Judged::of(router.network, &walk);
    let mut best: Option<(f64, Walk)> = None;
    // What a walk without stops falls back on.
    let mut some = (worth(&walk, limit_ms), walk.clone());
    for attempt in 0..ATTEMPTS {
        let aim = attempt * AIMS.len() / ATTEMPTS;
        let is_first_of_aim = aim * ATTEMPTS == attempt * AIMS.len();
        // A shorter stroll is worth looking for only where there is no long one.
        if should_stop() || (is_first_of_aim && best.is_some()) {
            break;
        }
        let Some(longer) = stroll(router, &core, &walk, limit_ms, attempt, AIMS[aim], dice) else { continue };
        if first_closed(&longer, candidates).is_some() {
            continue;
        }
        let worth = worth(&longer, limit_ms);
        if Judged::of(router.network, &longer).is_decent_after(&before) {
            let merit = f64::from(longer.total_ms()) / f64::from(limit_ms) - longer.repeated_share();
            if best.as_ref().is_none_or(|(highest, _)| merit > *highest) {
                best = Some((merit, longer.clone()));
            }
        }
        if worth > some.0 {
            some = (worth, longer);
        }
    }
    let is_short = |walk: &Walk| f64::from(walk.total_ms()) < 0.6 * f64::from(limit_ms);
    match best {
        Some((_, best)) if !alone || !is_short(&best) => best,
        _ if !alone => walk,
        _ if is_short(&some.1) && !should_stop() => there_and_back(router, some.1, limit_ms),
        _ => some.1,
    }
}

/// What a round is worth where there is nothing but it: time well used; what is walked twice counts against it.
fn worth(walk: &Walk, limit_ms: u32) -> f64 {
    let repeated = walk.repeated_share();
    let used = f64::from(walk.total_ms()) / f64::from(limit_ms.max(1));
    used - repeated - 3.0 * (repeated - MOST_REPEATED_ALONE).max(0.0)
}

/// What makes a stroll pleasant or not.
struct Judged {
    repeated: f64,
    crossings_per_km: f64,
}

impl Judged {
    fn of(network: &Network, walk: &Walk) -> Self {
        Self { repeated: walk.repeated_share(), crossings_per_km: quality::crossings_per_km(network, walk) }
    }

    /// Whether the stroll has spoilt nothing.
    fn is_decent_after(&self, before: &Self) -> bool {
        self.repeated <= MOST_REPEATED.max(before.repeated)
            && self.crossings_per_km <= MOST_CROSSINGS_PER_KM.max(before.crossings_per_km)
    }
}

/// Where no ways go round, one walks as far as the time allows and turns.
fn there_and_back(router: &mut Router<'_>, walk: Walk, budget_ms: u32) -> Walk {
    let (network, ground) = (router.network, router.ground);
    let paths = &mut router.paths;
    paths.run(Search { from: ground.end, backward: true, within_ms: budget_ms, until: &[] });
    let home: Vec<u32> = (0..network.node_count() as u32).map(|node| paths.to_node(node).time_ms()).collect();
    paths.run(Search { from: ground.start, backward: false, within_ms: budget_ms, until: &[] });
    let around = |node: u32| paths.to_node(node).time_ms().saturating_add(home[node as usize]);
    let farthest = (0..network.node_count() as u32)
        .filter(|&node| around(node) <= budget_ms && around(node) > walk.walking_ms())
        .max_by_key(|&node| (around(node), std::cmp::Reverse(node)));
    let Some(place) = farthest.and_then(|node| place_of(network, ground, node)) else { return walk };
    let anchors = [(ground.start, false), (place, true), (ground.end, false)];
    let anchors = anchors.map(|(place, via)| Anchor { place, via }).to_vec();
    match router.route(&anchors, budget_ms) {
        Some(ways) => Walk { anchors, ways, ..Walk::default() },
        None => walk,
    }
}

fn core_nodes(network: &Network, ground: &Ground<'_>) -> Vec<u32> {
    let usable = |&node: &u32| {
        ground.profile.dead_ends.is_core(node)
            && network.arcs(node).iter().any(|arc| ground.may_use(network, arc.edge()))
    };
    (0..network.node_count() as u32).filter(usable).collect()
}

/// Two points that make a round of one leg. `aim` is the share of the time left that the round should take at least.
fn stroll(
    router: &mut Router<'_>,
    core: &[u32],
    walk: &Walk,
    limit_ms: u32,
    attempt: usize,
    aim: f64,
    dice: &mut Dice,
) -> Option<Walk> {
    let legs = walk.anchors.len() - 1;
    let leg = if attempt.is_multiple_of(4) { longest_leg(walk) } else { dice.below(legs) };
    let (a, b) = (walk.anchors[leg].place, walk.anchors[leg + 1].place);
    let unused = limit_ms.saturating_sub(walk.total_ms());
    let target = f64::from(walk.ways[leg].time_ms) + f64::from(unused) * (aim + 0.17 * dice.share());
    let within_ms = target as u32;
    let paths = &mut router.paths;
    paths.run(Search { from: b, backward: true, within_ms, until: &[] });
    let home: Vec<(u32, u32)> = core.iter().map(|&node| (node, paths.to_node(node).time_ms())).collect();
    paths.run(Search { from: a, backward: false, within_ms, until: &[] });
    let near: Vec<Turn> = home
        .into_iter()
        .map(|(node, home_ms)| Turn { node, out_ms: paths.to_node(node).time_ms(), home_ms })
        .filter(|turn| turn.out_ms < FAR && turn.home_ms < FAR && turn.out_ms + turn.home_ms <= within_ms)
        .collect();
    // The first point: a third of the way out, more or less.
    let share = 0.22 + 0.2 * dice.share();
    let first = best_of(dice, &near, |turn| {
        let around = f64::from(turn.out_ms) + f64::from(turn.home_ms);
        (around < target * 0.95).then(|| -(f64::from(turn.out_ms) - share * target).abs())
    })?;
    let via = place_of(router.network, router.ground, first.node)?;
    router.paths.run(Search { from: via, backward: false, within_ms, until: &[] });
    let second = best_of(dice, &near, |turn| {
        let on = f64::from(router.paths.to_node(turn.node).time_ms());
        let home = f64::from(turn.home_ms);
        let round = f64::from(first.out_ms) + on + home;
        // As long as wished, and apart from both ends of the line between: a round, not a there and back.
        let apart = on.min(home).min(f64::from(turn.out_ms));
        (round <= target).then(|| -(target - round).abs() + 0.6 * apart)
    })?;
    let other = place_of(router.network, router.ground, second.node)?;
    let mut anchors = walk.anchors.clone();
    anchors.splice(leg + 1..leg + 1, [via, other].map(|place| Anchor { place, via: true }));
    let ways = router.route(&anchors, limit_ms.saturating_sub(walk.dwell_ms))?;
    let mut longer = Walk { stops: walk.stops.clone(), anchors, ways, dwell_ms: walk.dwell_ms };
    trim_spurs(router, &mut longer);
    Some(longer)
}

/// A point where a stroll can turn.
#[derive(Clone, Copy)]
struct Turn {
    node: u32,
    out_ms: u32,
    home_ms: u32,
}

/// Where the walk goes to a point that only shapes it and straight back, it turns earlier.
fn trim_spurs(router: &Router<'_>, walk: &mut Walk) {
    for i in 1..walk.anchors.len().saturating_sub(1) {
        if !walk.anchors[i].via {
            continue;
        }
        let (before, after) = walk.ways.split_at_mut(i);
        let (Some(there), Some(back)) = (before.last_mut(), after.first_mut()) else { continue };
        let common =
            there.pieces.iter().rev().zip(&back.pieces).take_while(|(a, b)| **a == b.reversed()).count();
        if common == 0 {
            continue;
        }
        there.pieces.truncate(there.pieces.len() - common);
        back.pieces.drain(..common);
        for way in [there, back] {
            way.time_ms = router.time_of_all(&way.pieces);
        }
        let place = match walk.ways[i - 1].pieces.last() {
            Some(piece) => end_of(router.network, piece),
            None => Some(walk.anchors[i - 1].place),
        };
        if let Some(place) = place {
            walk.anchors[i].place = place;
        }
    }
}

/// Where a piece that ends at a junction ends.
fn end_of(network: &Network, piece: &Piece) -> Option<Place> {
    let line = network.line(piece.edge);
    let spot = if piece.to_mm == 0 { line.first() } else { line.last() };
    Some(Place { edge: piece.edge, offset_mm: piece.to_mm, spot: *spot?, off_m: 0.0 })
}

fn longest_leg(walk: &Walk) -> usize {
    (0..walk.ways.len()).max_by_key(|&leg| walk.ways[leg].time_ms).unwrap_or(0)
}

/// The best of some random turns: random, so that strolls differ; some, so that they are good.
fn best_of(dice: &mut Dice, turns: &[Turn], merit: impl Fn(&Turn) -> Option<f64>) -> Option<Turn> {
    let tries = 250.min(turns.len() * 3);
    (0..tries)
        .filter_map(|_| {
            let turn = turns[dice.below(turns.len())];
            merit(&turn).map(|merit| (merit, turn))
        })
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, turn)| turn)
}

/// A node as a place on one of its edges.
fn place_of(network: &Network, ground: &Ground<'_>, node: u32) -> Option<Place> {
    let arc = network.arcs(node).iter().find(|arc| ground.may_use(network, arc.edge()))?;
    Some(Place::at_tail(network, *arc))
}
