//! The search by itself: a hundred candidates, and always the same rounds, so that a change of speed shows as one.

#![allow(clippy::unwrap_used, reason = "a bench that cannot go on has failed")]

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use wildside_engine::{
    Effort,
    orienteering::{Instance, solve},
};

const STOPS: usize = 100;
const MINUTE_MS: u32 = 60_000;

/// Stops strewn over a town two kilometres wide, each with a stay of some minutes.
fn town() -> Instance {
    let strewn = |number: usize, by: usize| (number * by % 1009) as f64 / 1009.0 * 2000.0;
    // The last two are the start and the end: the same place.
    let spot = |number: usize| (strewn(number.min(STOPS) + 1, 337), strewn(number.min(STOPS) + 1, 571));
    let size = STOPS + 2;
    let way = |i: usize| {
        let (a, b) = (spot(i / size), spot(i % size));
        ((a.0 - b.0).hypot(a.1 - b.1) / 1.33 * 1000.0) as u32
    };
    let prizes = (0..STOPS).map(|stop| 0.5 + (stop * 7141 % 100) as f64 / 100.0).collect();
    let service = (0..STOPS).map(|stop| (2 + stop as u32 % 9) * MINUTE_MS).collect();
    let time = (0..size * size).map(way).collect();
    Instance::new(prizes, time, 120 * MINUTE_MS).unwrap().with_service(service).unwrap()
}

fn search(criterion: &mut Criterion) {
    let town = town();
    criterion.bench_function("search, 100 candidates, 120 minutes", |bencher| {
        bencher.iter(|| solve(black_box(&town), &Effort::default(), 1));
    });
}

criterion_group!(benches, search);
criterion_main!(benches);
