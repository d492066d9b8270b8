//! What is our own trouble costs no request an attempt, and no walker their walk.

use serde_json::{Value, json};
use std::{
    fs,
    time::{Duration, Instant},
};
use testbed::{Options, Role, Scratch, StatusCode, System, Walker};
use tokio::time::sleep;

const TIMEOUT: Duration = Duration::from_secs(120);

fn wish(seed: usize) -> Value {
    let themes = ["history", "cafes", "street_art", "parks"].map(domain::InterestTheme::id_of);
    json!({
        "start_location": {"type": "Point", "coordinates": [24.9414, 60.1699]},
        "duration_minutes": 240,
        "interest_theme_ids": themes,
        "seed": seed
    })
}

async fn ask(system: &System, walks: usize) -> Vec<(Walker, String)> {
    let mut asked = Vec::new();
    for seed in 0..walks {
        let walker = system.walker().await.unwrap();
        let (status, accepted) = walker.post_route(&wish(seed)).await.unwrap();
        assert_eq!(status, StatusCode::ACCEPTED, "{accepted}");
        asked.push((walker, accepted["route_id"].as_str().unwrap().to_owned()));
    }
    asked
}

async fn all_complete(asked: &[(Walker, String)]) {
    let deadline = Instant::now() + TIMEOUT;
    for (walker, route_id) in asked {
        loop {
            let (_, route) = walker.get_route(route_id).await.unwrap();
            if route["status"] == "complete" {
                break;
            }
            assert_ne!(route["status"], "failed", "{route}");
            assert!(Instant::now() < deadline, "still open after {TIMEOUT:?}: {route}");
            sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn sql(system: &System, sql: &str) -> String {
    system.database().sql(sql).await.unwrap().trim().to_owned()
}

async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !happened().await {
        assert!(Instant::now() < deadline, "{what}: not within {TIMEOUT:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// As where the disk is full: nothing can be written to these tables.
async fn disk_is_full(system: &System, tables: &[&str]) {
    sql(
        system,
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN RAISE EXCEPTION 'could not extend file: no space left on device' USING ERRCODE = '53100'; END $$",
    )
    .await;
    for table in tables {
        let trigger = "CREATE TRIGGER disk_is_full BEFORE INSERT OR UPDATE ON";
        sql(system, &format!("{trigger} {table} EXECUTE FUNCTION refuse()")).await;
    }
}

async fn there_is_room_again(system: &System, tables: &[&str]) {
    for table in tables {
        sql(system, &format!("DROP TRIGGER disk_is_full ON {table}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_walk_that_cannot_be_written_is_kept_and_written_later() {
    let env = vec![(Role::Worker, "CONCURRENCY", "1".into())];
    let system = System::start(Options { env, ..Options::default() }).await.unwrap();
    disk_is_full(&system, &["routes"]).await;
    let asked = ask(&system, 2).await;
    let worker = system.worker(0).unwrap();
    until("the worker tries again and again", async || {
        let log = fs::read_to_string(worker.log()).unwrap();
        log.matches("a finished walk could not be written").count() >= 5
    })
    .await;
    // Longer than a lease: nobody else takes it, and it is not thrown away.
    there_is_room_again(&system, &["routes"]).await;
    all_complete(&asked).await;
    assert_eq!(sql(&system, "SELECT max(attempt), sum(lost_attempts) FROM route_requests").await, "1|0");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_takes_no_writes_workers_take_nothing_and_no_attempt_is_spent() {
    let tables = ["route_requests", "route_workers", "routes"];
    let system = System::start(Options { workers: 2, ..Options::default() }).await.unwrap();
    let workers = [system.worker(0).unwrap(), system.worker(1).unwrap()];
    workers.iter().for_each(|worker| worker.pause());
    let asked = ask(&system, 6).await;
    disk_is_full(&system, &tables).await;
    workers.iter().for_each(|worker| worker.resume());
    for worker in workers {
        until("it is not ready", async || {
            let readyz = reqwest::get(format!("{}/readyz", worker.admin_url())).await.unwrap();
            readyz.status() == 503 && readyz.text().await.unwrap().contains("no space left")
        })
        .await;
    }
    // Time enough for five attempts a second apart.
    sleep(Duration::from_secs(7)).await;
    let walker = system.walker().await.unwrap();
    let refused = walker.post_route(&wish(99)).await.unwrap();
    assert_eq!(refused.0, StatusCode::SERVICE_UNAVAILABLE, "{}", refused.1);
    there_is_room_again(&system, &tables).await;
    all_complete(&asked).await;
    assert_eq!(sql(&system, "SELECT sum(lost_attempts) FROM route_requests").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_temporary_directory_fails_leaves_the_jobs_to_the_others() {
    let scratch = Scratch::new("tmpdir").unwrap();
    let folder = scratch.path().join("gone-later");
    fs::create_dir(&folder).unwrap();
    // All workers are told of it; one of them gets it back while the other one is stopped.
    let env = vec![(Role::Worker, "TMPDIR", folder.display().to_string())];
    let system = System::start(Options { workers: 2, env, ..Options::default() }).await.unwrap();
    let (sick, other) = (system.worker(0).unwrap(), system.worker(1).unwrap());
    other.pause();
    fs::remove_dir(&folder).unwrap();
    let asked = ask(&system, 6).await;
    until("the sick worker notices", async || {
        let readyz = reqwest::get(format!("{}/readyz", sick.admin_url())).await.unwrap();
        readyz.status() == 503 && readyz.text().await.unwrap().contains("temporary directory")
    })
    .await;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(sql(&system, "SELECT sum(lost_attempts) FROM route_requests").await, "0");
    let attempts: i64 = sql(&system, "SELECT sum(attempt) FROM route_requests").await.parse().unwrap();
    sleep(Duration::from_secs(3)).await;
    let later = sql(&system, "SELECT sum(attempt) FROM route_requests").await;
    assert_eq!(later, attempts.to_string(), "it takes no more");
    fs::create_dir(&folder).unwrap();
    other.resume();
    all_complete(&asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_walks_are_made_all_the_same() {
    let system = System::start(Options::default()).await.unwrap();
    system.nats().stop().await;
    let asked = ask(&system, 3).await;
    all_complete(&asked).await;
    system.nats().restart().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_whose_announcement_was_lost_is_announced_again() {
    let system = System::start(Options::default()).await.unwrap();
    let walker = system.walker().await.unwrap();
    let mut socket = walker.websocket().await.unwrap();
    let done = walker.follow(&mut socket, &wish(0), TIMEOUT, |_| ()).await.unwrap();
    until("it is noted", async || {
        sql(&system, "SELECT count(*) FROM route_requests WHERE notified_at IS NOT NULL").await == "1"
    })
    .await;
    // As after a commit whose announcement went down with the broker's store: nothing but the row knows.
    let unheard = "UPDATE route_requests SET notified_at = NULL, updated_at = now() - interval '6 seconds'";
    system.database().sql(unheard).await.unwrap();
    let heard = socket.next_of("route_generation_status", TIMEOUT).await.unwrap();
    assert_eq!((&heard["status"], &heard["request_id"]), (&json!("complete"), &done["request_id"]));
    until("it is noted again", async || {
        sql(&system, "SELECT count(*) FROM route_requests WHERE notified_at IS NOT NULL").await == "1"
    })
    .await;
}
