//! The search against the proven best of all tours, on instances small enough to try them all.

use super::{Dice, Problem, Tour, improve};
use crate::{candidates::Candidate, matrix::Matrix, score::Variety, snap::Place, spot::Spot};

/// Stops strewn over a square; walking between them is as the crow flies.
fn instance(seed: u64, count: usize) -> (Vec<Candidate>, Matrix) {
    let mut dice = Dice::new(seed);
    let spot = Spot { lon: 0, lat: 0 };
    let place = Place { edge: 0, offset_mm: 0, spot, off_m: 0.0 };
    let stops: Vec<Candidate> = (0..count)
        .map(|poi| Candidate {
            open: None,
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

/// What the best set of stops is worth, by trying them all.
fn best(problem: &Problem<'_>) -> f64 {
    fn extend(problem: &Problem<'_>, order: &mut Vec<u16>, best: &mut f64) {
        let tour = problem.tour(order.clone());
        if tour.walk_ms + tour.dwell_ms > problem.budget_ms {
            // The crow's way obeys the triangle inequality: more stops make it no shorter.
            return;
        }
        if is_lawful(problem, &tour) {
            *best = best.max(problem.tally(&tour).score());
        }
        for stop in 0..problem.stops.len() as u16 {
            if !order.contains(&stop) {
                order.push(stop);
                extend(problem, order, best);
                order.pop();
            }
        }
    }
    let mut best = f64::NEG_INFINITY;
    extend(problem, &mut Vec::new(), &mut best);
    best
}

fn is_lawful(problem: &Problem<'_>, tour: &Tour) -> bool {
    tour.walk_ms + tour.dwell_ms <= problem.budget_ms
        && tour.dwell_ms <= problem.dwell_limit_ms
        && problem.tally(tour).excess() == 0
}

#[test]
fn the_search_finds_what_trying_everything_finds() {
    for seed in 0..25 {
        let (stops, matrix) = instance(seed, 8);
        let problem = Problem::new(&stops, &matrix, Variety::among(4), 3_600_000);
        let tour = improve(&problem, &Tour::default(), 4000, seed, &|| false);
        let (optimum, found) = (best(&problem), problem.tally(&tour).score());
        assert!(is_lawful(&problem, &tour), "seed {seed}: {tour:?}");
        assert!((found - optimum).abs() < 1e-9, "seed {seed}: {found} of {optimum}");
    }
}

/// The first search of a walk against twenty times as many rounds.
#[test]
fn the_usual_rounds_come_near_the_best_that_is_known() {
    for seed in 0..6 {
        let (stops, matrix) = instance(seed, 100);
        for minutes in [60, 120, 240] {
            let problem = Problem::new(&stops, &matrix, Variety::among(4), minutes * 60_000);
            let score = |rounds, seed| {
                let tour = improve(&problem, &Tour::default(), rounds, seed, &|| false);
                problem.tally(&tour).score()
            };
            let usual = score(750, 1);
            let known = (2..4).map(|seed| score(15_000, seed)).fold(usual, f64::max);
            assert!(usual >= 0.99 * known, "seed {seed}, {minutes} minutes: {usual} of {known}");
        }
    }
}

#[test]
fn a_tour_found_once_is_found_again() {
    let (stops, matrix) = instance(7, 60);
    let problem = Problem::new(&stops, &matrix, Variety::among(4), 7_200_000);
    let search = || improve(&problem, &Tour::default(), 300, 5, &|| false);
    assert_eq!(search(), search());
    assert!(is_lawful(&problem, &search()));
}
