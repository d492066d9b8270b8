//! A 202 is a promise: whatever is killed, restarted or wiped meanwhile, every accepted request ends as complete, with
//! exactly one route, or as failed.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testbed::{Durability, Options, Role, StatusCode, System, Walker};

const PATIENCE: Duration = Duration::from_secs(120);

/// A promise that was made.
struct Promise {
    walker: Walker,
    route_id: String,
}

/// A long walk, so that there is time to break something while it is searched for; each seed is another request.
async fn wish(walker: &Walker, seed: usize) -> Value {
    let themes = walker.get("/api/v1/interest-themes").await.unwrap().json();
    let ids: Vec<&Value> =
        themes["interest_themes"].as_array().unwrap().iter().map(|theme| &theme["id"]).collect();
    json!({
        "start_location": {"type": "Point", "coordinates": [24.9414, 60.1699]},
        "duration_minutes": 240,
        "interest_theme_ids": ids[..10],
        "seed": seed
    })
}

/// Asks for one walk as a new walker. The answer must be a 202.
async fn promise(system: &System, seed: usize) -> Promise {
    let walker = system.walker().await.unwrap();
    let (status, accepted) = walker.post_route(&wish(&walker, seed).await).await.unwrap();
    assert_eq!(status, StatusCode::ACCEPTED, "{accepted}");
    Promise { walker, route_id: accepted["route_id"].as_str().unwrap().to_owned() }
}

async fn promises(system: &System, count: usize) -> Vec<Promise> {
    let mut made = Vec::new();
    for seed in 0..count {
        made.push(promise(system, seed).await);
    }
    made
}

/// All promises are kept: each request is complete and its walker can read the route; each has exactly one.
async fn all_are_kept(system: &System, promises: &[Promise]) {
    let deadline = Instant::now() + PATIENCE;
    for Promise { walker, route_id } in promises {
        loop {
            let (status, route) = walker.get_route(route_id).await.unwrap();
            if status == StatusCode::OK && route["status"] == "complete" {
                assert!(
                    route["path"]["coordinates"].as_array().is_some_and(|path| path.len() > 1),
                    "{route}"
                );
                break;
            }
            assert_ne!(route["status"], "failed", "{route}");
            assert!(Instant::now() < deadline, "still open after {PATIENCE:?}: {status} {route}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let count = async |sql: &str| system.database().sql(sql).await.unwrap().trim().parse::<usize>().unwrap();
    assert_eq!(count("SELECT count(*) FROM routes").await, promises.len());
    assert_eq!(count("SELECT count(DISTINCT request_id) FROM routes").await, promises.len());
    assert_eq!(count("SELECT count(*) FROM route_requests WHERE status = 'complete'").await, promises.len());
}

/// Waits until some request is in a worker's hands.
async fn until_in_progress(system: &System) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while in_progress(system).await == 0 {
        assert!(Instant::now() < deadline, "no worker took anything up");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn in_progress(system: &System) -> usize {
    let sql = "SELECT count(*) FROM route_requests WHERE status = 'in_progress'";
    system.database().sql(sql).await.unwrap().trim().parse().unwrap()
}

async fn start(options: Options) -> System {
    System::start(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_worker_is_killed_in_the_middle_of_a_job() {
    let system = start(Options::default()).await;
    let worker = system.worker(0).unwrap();
    let promises = promises(&system, 20).await;
    loop {
        until_in_progress(&system).await;
        worker.kill_9();
        let was_in_a_job = in_progress(&system).await > 0;
        worker.restart().await.unwrap();
        if was_in_a_job {
            break;
        }
    }
    all_are_kept(&system, &promises).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_broker_is_killed_and_comes_back() {
    let system = start(Options::default()).await;
    let mut promises = promises(&system, 5).await;
    system.nats().kill_9();
    for seed in 5..8 {
        // Accepted although nobody can be told: the row is the truth.
        promises.push(promise(&system, seed).await);
    }
    system.nats().restart().await.unwrap();
    all_are_kept(&system, &promises).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_broker_is_away_for_long_and_the_gateway_is_asked_to_stop() {
    let system = start(Options::default()).await;
    system.nats().kill_9();
    let mut promises = Vec::new();
    for seed in 0..30 {
        // As quick as ever, however many came before: nobody waits for who is not there.
        let accepted = tokio::time::timeout(Duration::from_secs(10), promise(&system, seed)).await;
        promises.push(accepted.expect("an answer also while the broker is away"));
    }
    let stopped = tokio::time::timeout(Duration::from_secs(25), system.gateway(0).unwrap().stop()).await;
    stopped.expect("a gateway that can be stopped also while the broker is away");
    system.nats().restart().await.unwrap();
    system.gateway(0).unwrap().restart().await.unwrap();
    all_are_kept(&system, &promises).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_data_changes_a_known_walk_is_made_anew() {
    let system = start(Options::default()).await;
    let walker = system.walker().await.unwrap();
    let wish = wish(&walker, 0).await;
    walker.walk_until_complete(&wish, PATIENCE, |_| ()).await.unwrap();
    let (status, _) = walker.post_route(&wish).await.unwrap();
    assert_eq!(status, StatusCode::OK);
    // What an ingest does when something has changed. The worker runs on.
    system.database().sql("UPDATE datasets SET data_version = nextval('data_version')").await.unwrap();
    let (status, accepted) = walker.post_route(&wish).await.unwrap();
    assert_eq!(status, StatusCode::ACCEPTED, "{accepted}");
    let deadline = Instant::now() + PATIENCE;
    let path = format!("/api/v1/routes/{}", accepted["route_id"].as_str().unwrap());
    while walker.get(&path).await.unwrap().json()["status"] != "complete" {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_broker_loses_all_that_it_stored() {
    let system = start(Options::default()).await;
    let worker = system.worker(0).unwrap();
    worker.pause();
    let promises = promises(&system, 8).await;
    system.nats().wipe().await.unwrap();
    worker.resume();
    all_are_kept(&system, &promises).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_database_is_killed_and_comes_back() {
    let system = start(Options { own_postgres: Some(Durability::Fast), ..Options::default() }).await;
    let promises = promises(&system, 8).await;
    until_in_progress(&system).await;
    system.postgres().unwrap().kill_9();
    let refused = promises[0].walker.send(testbed::Method::POST, "/api/v1/users", None).await.unwrap();
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{}", refused.text());
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(refused.header("content-type"), "application/problem+json");
    system.postgres().unwrap().restart().await.unwrap();
    all_are_kept(&system, &promises).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_redis_is_away() {
    let system = start(Options::default()).await;
    let mut promises = promises(&system, 2).await;
    system.redis().kill_9();
    for seed in 2..5 {
        promises.push(promise(&system, seed).await);
    }
    all_are_kept(&system, &promises).await;
    system.redis().start_again().await.unwrap();
    promises.push(promise(&system, 5).await);
    all_are_kept(&system, &promises).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_worker_that_was_thought_dead_comes_back() {
    let system = start(Options { workers: 2, ..Options::default() }).await;
    let (late, other) = (system.worker(0).unwrap(), system.worker(1).unwrap());
    other.pause();
    let promises = promises(&system, 6).await;
    loop {
        until_in_progress(&system).await;
        late.pause();
        if in_progress(&system).await > 0 {
            break;
        }
        // It was between two jobs.
        late.resume();
    }
    other.resume();
    all_are_kept(&system, &promises).await;
    let routes = "SELECT string_agg(id || md5(ST_AsText(path)) || created_at, ',' ORDER BY id) FROM routes";
    let before = system.database().sql(routes).await.unwrap();
    late.resume();
    // It has jobs in hand: what it does about them is seen when the next one is done by it alone.
    other.pause();
    let one_more = promise(&system, 99).await;
    let mut promises = promises;
    promises.push(one_more);
    all_are_kept(&system, &promises).await;
    let unchanged = format!(
        "SELECT string_agg(id || md5(ST_AsText(path)) || created_at, ',' ORDER BY id) FROM routes WHERE id <> '{}'",
        promises.last().unwrap().route_id
    );
    assert_eq!(system.database().sql(&unchanged).await.unwrap(), before);
    other.resume();
}

#[tokio::test(flavor = "multi_thread")]
async fn when_jobs_are_published_many_times() {
    let system = start(Options { workers: 2, gateways: 2, ..Options::default() }).await;
    let workers = [system.worker(0).unwrap(), system.worker(1).unwrap()];
    workers.iter().for_each(|worker| worker.pause());
    let promises = promises(&system, 4).await;
    for _ in 0..2 {
        let republished = "SELECT min(publications) FROM route_requests";
        let before: i32 = system.database().sql(republished).await.unwrap().trim().parse().unwrap();
        system.nats().wipe().await.unwrap();
        let forget = "UPDATE route_requests SET published_at = now() - interval '9 minutes'";
        system.database().sql(forget).await.unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while system.database().sql(republished).await.unwrap().trim().parse::<i32>().unwrap() == before {
            assert!(Instant::now() < deadline, "no sweeper came by");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    workers.iter().for_each(|worker| worker.resume());
    all_are_kept(&system, &promises).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn and_a_walker_whom_no_worker_serves_is_told_so() {
    let system = start(Options::default()).await;
    system.worker(0).unwrap().stop().await;
    let Promise { walker, route_id } = promise(&system, 0).await;
    let mut socket = walker.websocket().await.unwrap();
    let age = "UPDATE route_requests SET created_at = created_at - interval '11 minutes'";
    system.database().sql(age).await.unwrap();
    let told = loop {
        let event = socket.next_of("route_generation_status", Duration::from_secs(30)).await.unwrap();
        if event["status"] != "pending" {
            break event;
        }
    };
    assert_eq!(told["status"], "failed", "{told}");
    assert!(told["error"].as_str().is_some_and(|error| !error.is_empty()), "{told}");
    let (status, route) = walker.get_route(&route_id).await.unwrap();
    assert_eq!((status, &route["status"]), (StatusCode::OK, &json!("failed")), "{route}");
}

#[tokio::test(flavor = "multi_thread")]
async fn and_a_client_that_was_away_learns_what_it_missed() {
    let system = start(Options::default()).await;
    let promises = promises(&system, 1).await;
    all_are_kept(&system, &promises).await;
    // The socket is opened only now, and again after the notifier was restarted.
    for _ in 0..2 {
        let mut socket = promises[0].walker.websocket().await.unwrap();
        let missed = socket.next_of("route_generation_status", Duration::from_secs(10)).await.unwrap();
        assert_eq!(missed["status"], "complete", "{missed}");
        assert_eq!(missed["route_id"], json!(promises[0].route_id));
        socket.close().await;
        system.notifier(0).unwrap().restart().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn and_an_open_socket_hears_the_end_although_the_broker_was_killed() {
    let system = start(Options::default()).await;
    let worker = system.worker(0).unwrap();
    worker.pause();
    let Promise { walker, route_id } = promise(&system, 0).await;
    let mut socket = walker.websocket().await.unwrap();
    system.nats().kill_9();
    worker.resume();
    system.nats().restart().await.unwrap();
    let mut last_rev = -1;
    loop {
        let event = socket.next_of("route_generation_status", PATIENCE).await.unwrap();
        let rev = event["rev"].as_i64().unwrap();
        // A snapshot may repeat what was said; news only goes forward.
        assert!(rev >= last_rev, "{event} after {last_rev}");
        last_rev = rev;
        if event["status"] == "complete" {
            assert_eq!(event["route_id"], json!(route_id));
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn and_a_service_that_is_asked_to_stop_finishes_what_it_has_in_hand() {
    let system =
        start(Options { env: vec![(Role::Worker, "CONCURRENCY", "1".into())], ..Options::default() }).await;
    let promises = promises(&system, 3).await;
    until_in_progress(&system).await;
    let worker = system.worker(0).unwrap();
    worker.stop().await;
    assert_eq!(in_progress(&system).await, 0, "a job was left in the middle");
    worker.restart().await.unwrap();
    all_are_kept(&system, &promises).await;
    let attempts = system.database().sql("SELECT max(attempt) FROM route_requests").await.unwrap();
    assert_eq!(attempts.trim(), "1", "a polite stop costs no attempt");
}
