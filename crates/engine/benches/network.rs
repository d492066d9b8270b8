//! Preparing and loading a network, and travel times in it: a town of a hundred by a hundred streets.

#![allow(clippy::unwrap_used, reason = "a bench that cannot go on has failed")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use domain::{Accessibility, Coordinate, Tags};
use std::hint::black_box;
use wildside_engine::{Network, NetworkBuilder, NetworkCell, Place};

const STREETS: i64 = 100;

fn at(x: i64, y: i64) -> Coordinate {
    // A bit crooked, so that ways differ in length.
    let crooked = ((x * 7919 + y * 104_729) % 13) as f64 * 2e-5;
    Coordinate::new(24.90 + x as f64 * 1.8e-3 + crooked, 60.15 + y as f64 * 9e-4 + crooked / 2.0).unwrap()
}

fn town() -> Vec<NetworkCell> {
    let mut builder = NetworkBuilder::new();
    for number in 0..STREETS {
        for east in [true, false] {
            let kind = if number % 5 == 0 { "residential" } else { "footway" };
            let tags = Tags::from([("highway".to_owned(), kind.to_owned())]);
            let node = |along| if east { (along, number) } else { (number, along) };
            let line: Vec<_> =
                (0..STREETS).map(node).map(|(x, y)| (x * STREETS + y, Some(at(x, y)))).collect();
            builder.add_way(number * 2 + i64::from(east) + 1, &tags, &line);
        }
    }
    builder.finish()
}

fn travel_times(criterion: &mut Criterion) {
    let cells = town();
    let bytes = || Network::prepare(cells.iter().map(|cell| &cell.bytes[..])).unwrap();
    let prepared = bytes();
    let network = Network::from_bytes(&prepared).unwrap();
    let wishes = Accessibility { avoid_stairs: false, prefer_well_lit: false };
    let mut travel = network.travel(wishes);
    let places: Vec<Place> =
        (0..100).map(|i| travel.snap(at(i * 37 % STREETS, i * 61 % STREETS), 100.0).unwrap()).collect();

    let mut group = criterion.benchmark_group("network of 10,000 junctions");
    group.sample_size(10);
    group.bench_function("prepare", |bench| bench.iter(bytes));
    group.bench_function("load", |bench| bench.iter(|| Network::from_bytes(black_box(&prepared)).unwrap()));
    group.bench_function("new weights", |bench| bench.iter(|| network.customize(wishes)));
    group.sample_size(100);
    group.bench_function("snap", |bench| bench.iter(|| travel.snap(black_box(at(31, 47)), 100.0)));
    group.bench_function("matrix, 100 x 100", |bench| bench.iter(|| travel.matrix(&places, &places)));
    let mut pair = 0;
    group.bench_function("route with geometry", |bench| {
        bench.iter_batched(
            || {
                pair = (pair + 1) % 100;
                (places[pair], places[(pair + 37) % 100])
            },
            |(from, to)| travel.route(&from, &to),
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, travel_times);
criterion_main!(benches);
