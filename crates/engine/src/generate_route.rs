use domain::{Poi, Refusal, Route, RouteRequest};
use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};

use crate::{
    Effort, Network,
    assemble::{Walk, assemble},
    candidates::{self, Candidates},
    fill,
    ground::{Ground, settle},
    legs::{Anchor, Router},
    matrix::Matrix,
    open_times::first_closed,
    quality::crossings_per_km,
    repeats::repeated_ms,
    score::{A_FEW_STOPS, Variety},
    search::{Dice, Problem, Tour, improve},
    spurs::{Spur, spurs},
};

/// Times the search and the streets are brought together: the search plans with the shortest ways, the walk takes
/// those that it has not walked before, and what that costs is known only afterwards.
const ROUNDS: u32 = 16;
/// After so many of them, what was learnt from the streets is forgotten: it leads to a good walk, not to all of them.
const ROUNDS_OF_A_START: u32 = 6;
/// The part of the budget that is planned at first: the rest is for ways that do not repeat themselves.
const PLANNED: f64 = 0.97;
/// After so many rounds a walk that takes less of its time than this shows that there is too little variety on offer.
const VARIED_ROUNDS: u32 = 5;
const FILLED: f64 = 0.85;
/// To walk a smaller share of the way twice is fine.
const FINE_REPEATED: f64 = 0.05;
/// What ways that repeat each other cost the search that comes next: of the score, so many times their share of the way.
const REPEATED_PRICE: f64 = 1.5;
/// So often a kilometre a walk may cross itself; more costs this part of its score.
const FINE_CROSSINGS: f64 = 0.7;
const CROSSING_PRICE: f64 = 0.2;
/// A spur of so many metres is fine for one stop.
const SHORT_SPUR_M: f64 = 100.0;

/// Finds the walk for a request: along the streets of `network`, with stops at those of `pois` that suit the
/// walker, never longer than the time given.
///
/// The network must hold the cells of [`Reach::cells`](crate::Reach::cells), `pois` the places within the reach;
/// more of either does no harm. With few places or none the walk is a stroll; a refusal means that there is no
/// walk at all, and says why.
pub fn generate_route(
    network: &Network,
    pois: &[Poi],
    request: &RouteRequest,
    effort: &Effort<'_>,
) -> Result<Route, Refusal> {
    (effort.on_progress)(0.0);
    let ground = settle(network, request)?;
    let budget_ms = ground.budget_ms;
    let mut router = Router::new(network, &ground);
    let straight = straight_walk(&mut router, budget_ms)?;
    let candidates = candidates::find(network, &ground, pois, request);
    let mut matrix = Matrix::of(network, &ground, &candidates.list);
    (effort.on_progress)(0.3);
    let mut walk = visit(&mut router, &candidates, &mut matrix, straight, request, effort);
    (effort.on_progress)(0.9);
    let mut dice = Dice(Xoshiro256PlusPlus::seed_from_u64(u64::from(request.seed())));
    walk = fill::fill(&mut router, &candidates.list, walk, budget_ms, &mut dice, effort.should_stop);
    walk.walk_over(&ground.doorsteps);
    let route = assemble(network, &ground, &walk, &candidates.list, pois, request, candidates.sparse_themes);
    (effort.on_progress)(1.0);
    Ok(route)
}

/// The walk without a stop; if that cannot be, none can.
fn straight_walk(router: &mut Router<'_>, budget_ms: u32) -> Result<Walk, Refusal> {
    let anchors = ends(router.ground);
    if let Some(ways) = router.route(&anchors, budget_ms) {
        return Ok(Walk { anchors, ways, ..Walk::default() });
    }
    let connected = router.route(&anchors, u32::MAX).is_some();
    Err(if connected { Refusal::EndOutOfReach } else { Refusal::EndNotConnected })
}

fn ends(ground: &Ground<'_>) -> Vec<Anchor> {
    [ground.start, ground.end].map(|place| Anchor { place, via: false }).to_vec()
}

/// The best walk with stops.
fn visit(
    router: &mut Router<'_>,
    candidates: &Candidates,
    matrix: &mut Matrix,
    straight: Walk,
    request: &RouteRequest,
    effort: &Effort<'_>,
) -> Walk {
    let budget_ms = router.ground.budget_ms;
    let mut planned_ms = f64::from(budget_ms) * PLANNED;
    let mut stops = candidates.list.clone();
    let mut tour = Tour::default();
    let mut stretch = 1.0;
    let unpleasant_ms = matrix.unpleasant_ms.clone();
    let mut variety = Variety::of(candidates);
    let mut best: Option<(f64, Walk)> = None;
    for round in 0..ROUNDS {
        if candidates.list.is_empty() || (round > 0 && (effort.should_stop)()) {
            break;
        }
        if round % ROUNDS_OF_A_START == 0 && round > 0 {
            matrix.unpleasant_ms.clone_from(&unpleasant_ms);
            stops.clone_from(&candidates.list);
            planned_ms = f64::from(budget_ms) * PLANNED;
        }
        let mut problem = Problem::new(&stops, matrix, variety.clone(), budget_ms);
        if request.accessibility().prefer_well_lit {
            problem.comfort = 2.0;
        }
        problem.stretch = stretch;
        problem.budget_ms = (planned_ms as u32).min(budget_ms);
        let rounds = if round == 0 { effort.iterations / 2 } else { effort.iterations / 10 };
        let seed = u64::from(request.seed()) << 8 | u64::from(round);
        tour = improve(&problem, &tour, rounds, seed, effort.should_stop);
        let Some(walk) = along_streets(router, &problem, &tour, budget_ms) else { break };
        let used = f64::from(walk.total_ms()) / f64::from(budget_ms);
        let repeated = walk.repeated_share();
        let laid = problem.tour(walk.stops.iter().map(|&stop| stop as u16).collect());
        stretch = f64::from(walk.total_ms()) / f64::from((laid.walk_ms + laid.dwell_ms).max(1));
        let score = problem.tally(&laid);
        let price_of_repeats =
            REPEATED_PRICE * f64::from(budget_ms) / f64::from(walk.walking_ms().max(1)) / problem.comfort;
        let repeats: Vec<f64> = repeated_ms(&walk.ways).into_iter().map(|ms| ms * price_of_repeats).collect();
        let deep: Vec<(Spur, f64)> = spurs(&walk).into_iter().map(|spur| (spur, price(spur))).collect();
        let price: f64 = deep.iter().map(|(_, price)| price).sum();
        let crossings = crossings_per_km(router.network, &walk);
        let beauty = 1.0 + 0.5 * used
            - repeated
            - 3.0 * (repeated - FINE_REPEATED).max(0.0)
            - CROSSING_PRICE * (crossings - FINE_CROSSINGS).max(0.0);
        let worth = score.score() * beauty - price;
        // Without the stop at its end there is no spur; whether that is the better walk is seen in the next round.
        let given_up: Vec<usize> =
            deep.iter().filter(|(_, price)| *price > 0.0).map(|(spur, _)| walk.stops[spur.tip - 1]).collect();
        if best.as_ref().is_none_or(|(highest, _)| worth > *highest) {
            best = Some((worth, walk));
        }
        for &stop in &given_up {
            // No walk has the time to stay there.
            stops[stop].dwell_ms = u32::MAX;
            tour.order.retain(|&other| usize::from(other) != stop);
        }
        if repeated > FINE_REPEATED {
            matrix.make_dearer(&laid.order, &repeats);
        }
        // Aim so that the next walk just fits; one that repeats itself needs more room for other ways.
        let aside = (repeated - FINE_REPEATED).max(0.0) * 0.6;
        planned_ms =
            (planned_ms + (0.985 - used - aside) * f64::from(budget_ms)).max(f64::from(budget_ms) * 0.6);
        let best_ms = best.as_ref().map_or(0, |(_, walk)| walk.total_ms());
        let is_short = f64::from(best_ms) < FILLED * f64::from(budget_ms);
        variety.as_offered |= round + 1 == VARIED_ROUNDS && is_short;
        (effort.on_progress)((0.3 + 0.6 * (round + 1) as f32 / ROUNDS as f32).min(0.9));
        if (0.965..=1.0).contains(&used)
            && repeated < FINE_REPEATED
            && crossings < FINE_CROSSINGS
            && round > 0
            && given_up.is_empty()
        {
            break;
        }
    }
    let Some((_, mut walk)) = best else { return straight };
    let problem = Problem::new(&stops, matrix, variety.clone(), budget_ms);
    while let Some(fewer) = without_excess(router, &problem, &walk, budget_ms) {
        walk = fewer;
    }
    walk
}

/// The walk without its least stop of a kind that there is too much of; `None` where there is no such kind.
fn without_excess(
    router: &mut Router<'_>,
    problem: &Problem<'_>,
    walk: &Walk,
    budget_ms: u32,
) -> Option<Walk> {
    let tally = |order: Vec<u16>| problem.tally(&Tour { order, ..Tour::default() });
    let order: Vec<u16> = walk.stops.iter().map(|&stop| stop as u16).collect();
    let excess = tally(order.clone()).excess();
    // Of a few stops two may well be alike.
    if excess == 0 || order.len() < A_FEW_STOPS {
        return None;
    }
    let without = |place: usize| {
        let mut order = order.clone();
        order.remove(place);
        order
    };
    let fewer = (0..order.len()).map(without).max_by(|a, b| {
        let worth = |order: &[u16]| {
            let tally = tally(order.to_vec());
            (tally.excess(), tally.score())
        };
        let (a, b) = (worth(a), worth(b));
        b.0.cmp(&a.0).then(a.1.total_cmp(&b.1))
    })?;
    along_streets(router, problem, &Tour { order: fewer, ..Tour::default() }, budget_ms)
}

/// What a spur costs, in stops: nothing where it has a stop for each stretch that one may well walk twice.
fn price(spur: Spur) -> f64 {
    let depth_m = spur.depth_mm as f64 / 1000.0;
    0.5 * (depth_m / SHORT_SPUR_M - f64::from(spur.stops)).max(0.0)
}

/// The walk along the streets; stops that do not fit after all are dropped, the least worth first.
fn along_streets(
    router: &mut Router<'_>,
    problem: &Problem<'_>,
    tour: &Tour,
    budget_ms: u32,
) -> Option<Walk> {
    let mut stops: Vec<usize> = tour.order.iter().map(|&stop| usize::from(stop)).collect();
    loop {
        let mut anchors = ends(router.ground);
        anchors
            .splice(1..1, stops.iter().map(|&stop| Anchor { place: problem.stops[stop].place, via: false }));
        let dwell_ms =
            stops.iter().fold(0, |sum: u32, &stop| sum.saturating_add(problem.stops[stop].dwell_ms));
        if let Some(ways) = budget_ms.checked_sub(dwell_ms).and_then(|left| router.route(&anchors, left)) {
            let walk = Walk { stops, anchors, ways, dwell_ms };
            let Some(closed) = first_closed(&walk, problem.stops) else { return Some(walk) };
            stops = walk.stops;
            stops.remove(closed);
            continue;
        }
        // A stop of a kind that there is too much of goes first.
        let without = |i: usize| {
            let order = (0..stops.len()).filter(|&j| j != i).map(|j| stops[j] as u16).collect();
            problem.tally(&Tour { order, ..Tour::default() }).excess()
        };
        let least = (0..stops.len()).min_by(|&a, &b| {
            let value = |i: usize| problem.stops[stops[i]].value;
            without(a).cmp(&without(b)).then(value(a).total_cmp(&value(b)))
        })?;
        stops.remove(least);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_way_there_and_back_needs_more_than_one_stop_to_cost_nothing() {
        let price = |metres: u64, stops| price(Spur { tip: 1, depth_mm: metres * 1000, stops });
        assert!(price(90, 1) < 1e-9 && price(400, 4) < 1e-9);
        assert!(price(400, 1) > 1.0 && price(400, 1) > price(200, 1) && price(400, 2) > 0.5);
    }
}
