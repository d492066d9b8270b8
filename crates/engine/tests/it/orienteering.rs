//! The search by itself: what it says is true, what it proves is so.

use proptest::prelude::*;
use std::ops::RangeInclusive;
use wildside_engine::{
    Effort,
    orienteering::{Instance, InstanceError, Solution, solve},
};

type Windows = Vec<Option<Vec<RangeInclusive<u32>>>>;

/// An instance that can be looked into. Its matrix is asymmetric and need not obey the triangle inequality.
#[derive(Clone, Debug)]
struct Case {
    prizes: Vec<f64>,
    time: Vec<u32>,
    budget: u32,
    service: Vec<u32>,
    windows: Windows,
}

impl Case {
    fn instance(&self) -> Instance {
        let instance = Instance::new(self.prizes.clone(), self.time.clone(), self.budget).unwrap();
        instance.with_service(self.service.clone()).unwrap().with_windows(&self.windows).unwrap()
    }

    fn solve(&self, iterations: u32, seed: u64) -> Option<Solution> {
        solve(&self.instance(), &Effort { iterations, ..Effort::default() }, seed)
    }

    /// How long a tour is; `None` for one that breaks a rule.
    fn length(&self, order: &[usize]) -> Option<u64> {
        let stops = self.prizes.len();
        let (mut now, mut here) = (0, stops);
        for (position, &stop) in order.iter().enumerate() {
            if order[..position].contains(&stop) {
                return None;
            }
            now += u64::from(self.time[here * (stops + 2) + stop]);
            let leaves = now + u64::from(self.service[stop]);
            if let Some(ranges) = &self.windows[stop] {
                let holds = |range: &RangeInclusive<u32>| {
                    u64::from(*range.start()) <= now && leaves <= u64::from(*range.end())
                };
                ranges.iter().find(|range| holds(range))?;
            }
            (now, here) = (leaves, stop);
        }
        now += u64::from(self.time[here * (stops + 2) + stops + 1]);
        (now <= u64::from(self.budget)).then_some(now)
    }

    fn prize(&self, order: &[usize]) -> f64 {
        order.iter().map(|&stop| self.prizes[stop]).sum()
    }

    /// The highest prize of all tours, by trying them all; `None` where none fits.
    fn best(&self) -> Option<f64> {
        fn extend(case: &Case, order: &mut Vec<usize>, best: &mut Option<f64>) {
            if case.length(order).is_some() {
                *best = Some(best.unwrap_or(0.0).max(case.prize(order)));
            }
            for stop in (0..case.prizes.len()).filter(|stop| !order.contains(stop)).collect::<Vec<_>>() {
                order.push(stop);
                extend(case, order, best);
                order.pop();
            }
        }
        let mut best = None;
        extend(self, &mut Vec::new(), &mut best);
        best
    }
}

fn windows() -> impl Strategy<Value = Option<Vec<RangeInclusive<u32>>>> {
    let range = (0..400_u32, 0..200_u32).prop_map(|(opens, long)| opens..=opens + long);
    prop_oneof![3 => Just(None), 2 => prop::collection::vec(range, 0..3).prop_map(Some)]
}

/// With points in a plane, or with any ways at all.
fn case(stops: std::ops::Range<usize>, with_windows: bool) -> impl Strategy<Value = Case> {
    stops.prop_flat_map(move |stops| {
        let size = stops + 2;
        let spot = (0..100_u32, 0..100_u32);
        let plane = prop::collection::vec(spot, size).prop_map(move |spots| {
            let way = |i: usize| {
                let (a, b) = (spots[i / size], spots[i % size]);
                f64::from(a.0.abs_diff(b.0)).hypot(f64::from(a.1.abs_diff(b.1))) as u32
            };
            (0..size * size).map(way).collect()
        });
        let any_ways = prop::collection::vec(0..120_u32, size * size);
        let hours = prop::collection::vec(windows(), stops);
        (
            prop::collection::vec(0..20_u32, stops),
            prop_oneof![plane, any_ways],
            20..500_u32,
            prop::collection::vec(0..30_u32, stops),
            hours,
        )
            .prop_map(move |(prizes, time, budget, service, windows)| Case {
                prizes: prizes.into_iter().map(f64::from).collect(),
                time,
                budget,
                windows: if with_windows { windows } else { vec![None; service.len()] },
                service,
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_best_of_all_tours_is_found_and_proven_on_small_instances(
        case in prop_oneof![case(0..7, false), case(0..7, true)],
        seed in any::<u64>(),
    ) {
        let solution = case.solve(100, seed);
        prop_assert_eq!(solution.as_ref().map(|solution| solution.prize), case.best());
        if let Some(solution) = solution {
            prop_assert!(solution.proved_best);
            prop_assert_eq!(solution.bound, solution.prize);
        }
    }

    #[test]
    fn no_tour_breaks_a_rule(
        case in prop_oneof![case(0..60, false), case(0..60, true), case(70..90, true)],
        seed in any::<u64>(),
    ) {
        if let Some(solution) = case.solve(200, seed) {
            prop_assert_eq!(case.length(&solution.order), Some(solution.length));
            prop_assert_eq!(case.prize(&solution.order), solution.prize);
            prop_assert!(solution.prize <= solution.bound);
        }
    }

    #[test]
    fn the_same_arguments_give_the_same_tour(case in case(20..90, true), seed in any::<u64>()) {
        prop_assert_eq!(case.solve(150, seed), case.solve(150, seed));
    }
}

#[test]
fn a_search_that_is_stopped_at_once_still_answers() {
    let case = Case {
        prizes: vec![1.0; 80],
        time: vec![1; 82 * 82],
        budget: 20,
        service: vec![0; 80],
        windows: vec![None; 80],
    };
    let effort = Effort { should_stop: &|| true, ..Effort::default() };
    let solution = solve(&case.instance(), &effort, 0).unwrap();
    assert_eq!(case.length(&solution.order), Some(solution.length));
}

#[test]
fn what_is_no_instance_is_refused() {
    let instance = |prizes: Vec<f64>, entries: usize, budget| Instance::new(prizes, vec![1; entries], budget);
    assert_eq!(
        instance(vec![1.0], 4, 9).unwrap_err(),
        InstanceError::Matrix { stops: 1, expected: 9, found: 4 }
    );
    assert_eq!(instance(vec![f64::NAN], 9, 9).unwrap_err(), InstanceError::Prize { stop: 0 });
    assert_eq!(instance(vec![1.0], 9, u32::MAX).unwrap_err(), InstanceError::Budget(u32::MAX));
    let short = instance(vec![1.0], 9, 9).unwrap().with_service(vec![]).unwrap_err();
    assert_eq!(short, InstanceError::Length { stops: 1, found: 0 });
}
