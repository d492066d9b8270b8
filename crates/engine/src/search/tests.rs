//! The search against the proven best of all tours, on instances small enough to try them all.

use super::{Dice, Problem, Tour, improve};
use crate::{candidates::Candidate, matrix::Matrix, score::Variety, snap::Place, spot::Spot};
use std::collections::BTreeMap;

/// Stops strewn over a square; walking between them is as the crow flies.
fn instance(seed: u64, count: usize) -> (Vec<Candidate>, Matrix) {
    let mut dice = Dice::new(seed);
    let spot = Spot { lon: 0, lat: 0 };
    let place = Place { edge: 0, offset_mm: 0, spot, off_m: 0.0 };
    let stops: Vec<Candidate> = (0..count)
        .map(|poi| Candidate {
            poi,
            place,
            dwell_ms: 60_000 + dice.below(400_000) as u32,
            value: 0.3 + dice.share() * 2.0,
            kind: dice.below(4),
            themes: 1 << dice.below(3),
        })
        .collect();
    let mut points: Vec<(f64, f64)> =
        (0..=count).map(|_| (dice.share() * 1_200_000.0, dice.share() * 1_200_000.0)).collect();
    points.push(points[count]);
    let size = count + 2;
    let mut time_ms = Vec::new();
    for a in &points {
        time_ms.extend(points.iter().map(|b| (a.0 - b.0).hypot(a.1 - b.1) as u32));
    }
    (stops, Matrix { size, time_ms, unpleasant_ms: vec![0; size * size] })
}

/// What the best set of stops is worth, each set walked in its shortest order: time is not to be used up by zigzag.
fn best(problem: &Problem<'_>) -> f64 {
    fn extend(problem: &Problem<'_>, order: &mut Vec<u16>, shortest: &mut BTreeMap<u32, Tour>) {
        let mut tour = Tour { order: order.clone(), ..Tour::default() };
        problem.measure(&mut tour);
        if tour.walk_ms + tour.dwell_ms > problem.budget_ms {
            // The crow's way obeys the triangle inequality: more stops make it no shorter.
            return;
        }
        let set = order.iter().fold(0, |set, &stop| set | 1 << stop);
        if shortest.get(&set).is_none_or(|other| tour.walk_ms < other.walk_ms) {
            shortest.insert(set, tour);
        }
        for stop in 0..problem.stops.len() as u16 {
            if !order.contains(&stop) {
                order.push(stop);
                extend(problem, order, shortest);
                order.pop();
            }
        }
    }
    let mut shortest = BTreeMap::new();
    extend(problem, &mut Vec::new(), &mut shortest);
    let legal = |tour: &&Tour| problem.fits(tour.walk_ms, tour.dwell_ms) && problem.tally(tour).excess() == 0;
    shortest.values().filter(legal).map(|tour| problem.worth(tour)).fold(f64::NEG_INFINITY, f64::max)
}

#[test]
fn the_search_finds_what_trying_everything_finds() {
    for seed in 0..25 {
        let (stops, matrix) = instance(seed, 8);
        let problem = Problem::new(&stops, &matrix, Variety::among(4), 3_600_000);
        let optimum = best(&problem);
        let found = problem.worth(&improve(&problem, &Tour::default(), 800, seed, &|| false));
        assert!(found >= 0.99 * optimum, "seed {seed}: {found} of {optimum}");
    }
}

#[test]
fn a_tour_found_once_is_found_again() {
    let (stops, matrix) = instance(7, 60);
    let problem = Problem::new(&stops, &matrix, Variety::among(4), 7_200_000);
    let search = || improve(&problem, &Tour::default(), 300, 5, &|| false);
    assert_eq!(search(), search());
    assert!(problem.fits(search().walk_ms, search().dwell_ms));
}
