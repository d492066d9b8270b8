//! A number that cannot be missed is worthless: each walk here is bad in one way.

use super::{
    minutes,
    trial::{Gems, Hours, Light, Outcome, Trial, Walked},
    twelve::lines,
};
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};
use testbed::walk_checker::{Numbers, Promise, Report, Violation};

/// A walk that could not be better.
fn walked() -> Walked {
    let without = Numbers { lit_share: 0.5, walking_s: 1000.0, ..Numbers::default() };
    let with = Numbers { lit_share: 0.7, walking_s: 1100.0, ..Numbers::default() };
    let numbers = Numbers {
        stops: 1.0,
        wanted_share: 1.0,
        commonest_kind_share: Some(0.3),
        stop_point_m: vec![3.0],
        stop_edge_m: vec![5.0],
        stop_spurs_m: vec![10.0],
        detours: vec![1.0],
        ..Numbers::default()
    };
    Walked {
        route: Value::Null,
        report: Report { numbers: Some(numbers), ..Report::default() },
        offers: 100,
        plenty: true,
        monotonous: None,
        light: Some(Light { without, with, offered: true }),
        gems: Some(Gems { ranks: [0.8, 0.7, 0.6, 0.5, 0.4], possible: 0.9 }),
        score: Some(1.0),
        hours: Hours { known: 3.0, broken: 0.0 },
    }
}

fn missed(outcome: Outcome) -> BTreeSet<u8> {
    let trials = [Trial { wish: Value::Null, cpu: Duration::ZERO, outcome }];
    let lines = lines(&trials);
    lines.iter().filter(|line| line.is_met() == Some(false)).map(|line| line.number).collect()
}

fn spoiled(spoil: impl Fn(&mut Walked)) -> Vec<u8> {
    let mut walked = walked();
    spoil(&mut walked);
    missed(Outcome::Walked(Box::new(walked))).into_iter().collect()
}

fn with(spoil: impl Fn(&mut Numbers)) -> Vec<u8> {
    spoiled(|walked| walked.report.numbers.as_mut().into_iter().for_each(&spoil))
}

#[test]
fn each_number_is_missed_by_a_walk_that_is_bad_in_its_way_alone() {
    assert!(spoiled(|_| ()).is_empty());
    assert_eq!(with(|n| n.duration_error = 0.02), [1]);
    assert_eq!(with(|n| n.unused_share = 0.2), [2]);
    assert_eq!(with(|n| n.unused_share = -0.01), [2]);
    assert_eq!(with(|n| n.repeated_share = 0.2), [3]);
    assert_eq!(with(|n| n.idle_spurs = 1.0), [4]);
    assert_eq!(with(|n| n.stop_spurs_m = vec![150.0]), [4]);
    let steps = Violation { promise: Promise::Stairs, detail: String::new() };
    assert_eq!(spoiled(|walked| walked.report.violations.push(steps.clone())), [5]);
    let dark = |walked: &mut Walked| walked.light.iter_mut().for_each(|light| light.with.lit_share = 0.55);
    assert_eq!(spoiled(dark), [6]);
    let long = |walked: &mut Walked| walked.light.iter_mut().for_each(|light| light.with.walking_s = 1200.0);
    assert_eq!(spoiled(long), [6]);
    assert_eq!(with(|n| n.private_m = 20.0), [7]);
    assert_eq!(with(|n| n.snap_m = 30.0), [7]);
    assert_eq!(with(|n| (n.stop_point_m, n.stop_edge_m) = (vec![40.0], vec![31.0])), [8]);
    assert_eq!(with(|n| n.wanted_share = 0.0), [9]);
    assert_eq!(spoiled(|walked| walked.score = Some(0.9)), [9]);
    assert_eq!(spoiled(|walked| walked.monotonous = Some("all are cafes".into())), [10]);
    assert_eq!(with(|n| n.twice = 1.0), [10]);
    let ranks =
        |walked: &mut Walked, ranks: [f64; 5]| walked.gems.iter_mut().for_each(|gems| gems.ranks = ranks);
    assert_eq!(spoiled(|walked| ranks(walked, [0.6, 0.6, 0.6, 0.5, 0.5])), [11]);
    assert_eq!(spoiled(|walked| ranks(walked, [0.8, 0.7, 0.75, 0.5, 0.4])), [11]);
    assert_eq!(with(|n| n.crossings_per_km = 2.0), [12]);
    assert_eq!(with(|n| n.detours = vec![1.5]), [12]);
    assert_eq!(spoiled(|walked| walked.hours.broken = 1.0), [12]);
}

#[test]
fn a_refusal_needs_a_proof_and_must_be_rare() {
    let refused = |wrong| missed(Outcome::Refused { reason: domain::Refusal::EndOutOfReach, wrong });
    assert_eq!(refused(None), BTreeSet::from([5]));
    assert_eq!(refused(Some("a street is near".into())), BTreeSet::from([5]));
}

#[test]
fn what_a_city_does_not_offer_is_not_asked_for() {
    let poor = |walked: &mut Walked| {
        walked.plenty = false;
        walked.light.iter_mut().for_each(|light| (light.offered, light.with.lit_share) = (false, 0.5));
        walked.gems.iter_mut().for_each(|gems| (gems.possible, gems.ranks) = (0.1, [0.5; 5]));
        walked.report.numbers.iter_mut().for_each(|numbers| {
            (numbers.unused_share, numbers.detours) = (0.4, vec![3.0]);
        });
    };
    assert!(spoiled(poor).is_empty());
}

#[test]
fn minutes_are_a_range_that_a_walker_can_ask_for() {
    assert_eq!(minutes("20-180"), Ok(20..=180));
    assert_eq!(minutes("60"), Ok(60..=60));
    for wrong in ["", "60-20", "0-60", "20-1000", "a-b", "20-"] {
        assert!(minutes(wrong).is_err(), "{wrong}");
    }
}
