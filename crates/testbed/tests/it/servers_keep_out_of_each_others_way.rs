use std::{
    collections::HashSet,
    net::{Ipv4Addr, TcpListener},
    thread,
};
use testbed::{Durability, Nats, Postgres, Redis, free_port};

use crate::is_alive;

#[tokio::test(flavor = "multi_thread")]
async fn several_of_each_start_at_once_and_nothing_is_left_of_them() {
    // Where a server of the machine's own holds the well-known port, this fails and the port is taken all the same.
    let well_known = [5432, 6379, 4222].map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)));
    let start = || async {
        tokio::try_join!(Postgres::start(Durability::Fast), Nats::start(), Redis::start()).unwrap()
    };
    let ((postgres, nats, redis), others) = tokio::join!(start(), start());
    let (postgres_2, nats_2, redis_2) = others;
    let urls = HashSet::from([
        postgres.cluster().url().to_owned(),
        postgres_2.cluster().url().to_owned(),
        nats.url(),
        nats_2.url(),
        redis.url(),
        redis_2.url(),
    ]);
    assert_eq!(urls.len(), 6);
    let running = [
        postgres.process(),
        postgres_2.process(),
        nats.process(),
        nats_2.process(),
        redis.process(),
        redis_2.process(),
    ];
    let ids = running.map(|process| process.id().unwrap());
    let folders = running.map(|process| process.log().parent().unwrap().to_owned());
    drop((postgres, nats, redis, postgres_2, nats_2, redis_2));
    assert!(!ids.into_iter().any(is_alive));
    assert!(!folders.iter().any(|folder| folder.exists()));
    drop(well_known);
}

#[test]
fn no_port_is_given_twice() {
    let threads: Vec<_> =
        (0..8).map(|_| thread::spawn(|| (0..25).map(|_| free_port().unwrap()).collect::<Vec<_>>())).collect();
    let ports: Vec<u16> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert_eq!(ports.iter().collect::<HashSet<_>>().len(), 200);
    // Outgoing connections get their ports above.
    assert!(ports.iter().all(|port| *port < 32_768));
}

#[test]
fn a_port_that_is_taken_is_passed_over() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, free_port().unwrap())).unwrap();
    let taken = taken.local_addr().unwrap().port();
    assert!((0..50).all(|_| free_port().unwrap() != taken));
}
