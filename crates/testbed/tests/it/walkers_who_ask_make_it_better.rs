//! The first walker of a niche interest gets a thin walk; because they asked, the next one gets a fine one.

use serde_json::{Value, json};
use std::time::Duration;
use testbed::{Behaviour, Options, Role, Service, System, Walker};
use tokio::time::{Instant, sleep};

/// What may take so long on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A city in which the places of one theme are left out, and somebody who can be asked for them.
async fn thin_city(options: Options) -> System {
    let options = Options { left_out: vec!["books"], enrichers: options.enrichers.max(1), ..options };
    System::start(options).await.unwrap()
}

/// A walk to books in the middle of the bundled city; each seed is a wish of its own.
fn wish(seed: u32) -> Value {
    json!({
        "start_location": {"type": "Point", "coordinates": [24.9430, 60.1690]},
        "duration_minutes": 90,
        "interest_theme_ids": [domain::InterestTheme::id_of("books")],
        "seed": seed
    })
}

async fn walk(walker: &Walker, seed: u32) -> Value {
    walker.walk_until_complete(&wish(seed), PATIENCE, |_| ()).await.unwrap()
}

/// Waits until something has happened.
async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !happened().await {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// The value of a counter or gauge; 0 where it was never touched.
async fn metric(service: &Service, line: &str) -> f64 {
    let metrics = service.metrics().await.unwrap();
    let found = metrics.lines().find(|text| text.starts_with(line) && text[line.len()..].starts_with(' '));
    found.and_then(|text| text.rsplit(' ').next()).map_or(0.0, |number| number.parse().unwrap())
}

async fn count(system: &System, of: &str) -> i64 {
    system.database().sql(&format!("SELECT count(*) FROM {of}")).await.unwrap().parse().unwrap()
}

/// Takes a walk, and hears of new places where it was thin, after it has heard of the walk.
async fn walk_and_hear(walker: &Walker, seed: u32) {
    let mut socket = walker.websocket().await.unwrap();
    let (_, accepted) = walker.post_route(&wish(seed)).await.unwrap();
    let (mut complete, mut enriched) = (accepted["status"] == "complete", false);
    loop {
        if complete {
            let (_, route) = walker.get_route(accepted["route_id"].as_str().unwrap()).await.unwrap();
            // Who came after the places did had enough of them.
            if enriched || route["data_sparse"] == false {
                return;
            }
        }
        let message = socket.next(PATIENCE).await.unwrap().unwrap();
        assert_eq!(message["payload"]["request_id"], accepted["request_id"], "{message}");
        complete |= message["payload"]["status"] == "complete";
        enriched |= message["type"] == "area_enriched";
        assert!(complete || !enriched, "of better walks than one that is not there yet: {message}");
    }
}

fn stops(route: &Value) -> usize {
    route["stops"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thin_walk_leads_to_places_and_the_next_one_is_better() {
    let system = thin_city(Options::default()).await;
    let walker = system.walker().await.unwrap();
    let mut socket = walker.websocket().await.unwrap();
    let gateway = system.gateway(0).unwrap();
    let known = count(&system, "pois WHERE retired_at IS NULL").await as f64;
    until("all places are counted", async || metric(gateway, "pois_total").await == known).await;

    let thin = walker.follow(&mut socket, &wish(0), PATIENCE, |_| ()).await.unwrap();
    assert_eq!(thin["data_sparse"], true, "{thin}");
    let news = socket.next_of("area_enriched", PATIENCE).await.unwrap();
    assert_eq!(news["request_id"], thin["request_id"]);
    assert_eq!(news["interest_theme_id"], wish(0)["interest_theme_ids"][0]);
    let added = news["places_added"].as_i64().unwrap();
    assert!(added >= 10, "{news}");

    // The same wish of another walker: not the walk from the cache, but one that knows of the new places.
    let other = system.walker().await.unwrap();
    let better = walk(&other, 0).await;
    assert_eq!(better["data_sparse"], false, "{better}");
    assert!(stops(&better) > stops(&thin), "{} stops, then {}", stops(&thin), stops(&better));
    assert_ne!(better["path"], thin["path"]);
    let told = |stop: &Value| stop["narrative"].as_str().is_some_and(|text| !text.is_empty());
    assert!(better["stops"].as_array().unwrap().iter().all(told), "{better}");

    let (worker, enricher) = (system.worker(0).unwrap(), system.enricher(0).unwrap());
    assert_eq!(metric(worker, "sparse_routes_total").await, 1.0);
    assert_eq!(metric(enricher, "enrichment_jobs_total{status=\"success\"}").await, 1.0);
    let asked_once = async || metric(enricher, "overpass_budget_left{of=\"requests\"}").await == 999.0;
    until("the budget is one less", asked_once).await;
    assert_eq!(metric(gateway, "route_cache_lookups_total{result=\"miss\"}").await, 2.0);
    assert_eq!(system.overpass().unwrap().queries().len(), 1);
    let row = "SELECT status, found >= added, added, skipped FROM enrichments";
    assert_eq!(system.database().sql(row).await.unwrap(), format!("done|t|{added}|0"));
    let provenance = "SELECT extract_name, changed FROM ingests ORDER BY id DESC LIMIT 1";
    assert_eq!(system.database().sql(provenance).await.unwrap(), "Overpass API|t");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_walkers_who_ask_the_same_lead_to_one_query() {
    let system = thin_city(Options { workers: 3, enrichers: 3, ..Options::default() }).await;
    let mut walks = Vec::new();
    for seed in 0..10 {
        let walker = system.walker().await.unwrap();
        walks.push(tokio::spawn(async move { walk_and_hear(&walker, seed).await }));
    }
    for walk in walks {
        walk.await.unwrap();
    }
    until("all have been told", async || count(&system, "enrichment_requests").await == 0).await;
    assert_eq!(system.overpass().unwrap().queries().len(), 1);
    assert_eq!(count(&system, "enrichments").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_found_is_remembered_as_well() {
    let system = thin_city(Options::default()).await;
    // Everything in the extract is elsewhere.
    let walker = system.walker().await.unwrap();
    let lonely = domain::InterestTheme::id_of("science");
    let mut wish = wish(0);
    wish["interest_theme_ids"] = json!([lonely]);
    wish["duration_minutes"] = json!(10);
    for seed in 0..3 {
        wish["seed"] = json!(seed);
        let route = walker.walk_until_complete(&wish, PATIENCE, |_| ()).await.unwrap();
        assert_eq!(route["data_sparse"], true, "{route}");
        until("it is known", async || count(&system, "enrichments WHERE status = 'done'").await == 1).await;
    }
    assert_eq!(system.overpass().unwrap().queries().len(), 1);
    let row = "SELECT added, due_at > now() + interval '7 days' FROM enrichments";
    assert_eq!(system.database().sql(row).await.unwrap(), "0|t");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_api_answers_no_walk_suffers_and_manners_are_kept() {
    let budget = (Role::Enricher, "OVERPASS_REQUESTS_PER_DAY", "7".into());
    let timeout = (Role::Enricher, "OVERPASS_TIMEOUT_SECONDS", "1".into());
    let system = thin_city(Options { enrichers: 3, env: vec![budget, timeout], ..Options::default() }).await;
    let overpass = system.overpass().unwrap();
    let walker = system.walker().await.unwrap();
    let recorded = |file: &str, status| Behaviour::Recorded { file: file.into(), status, retry_after: None };
    let too_many = "test_too_many_queries.html".into();
    // What is done, and what is noted of it.
    let troubles = [
        (Behaviour::Recorded { file: too_many, status: 429, retry_after: Some(1) }, "429"),
        (recorded("test_too_busy.html", 504), "504"),
        (Behaviour::CutOff, "broke off"),
        (recorded("test_exceeded_maxsize.json", 200), "out of memory"),
        (Behaviour::Silence(30.0), "no answer"),
        // Who followed would end somewhere else.
        (Behaviour::Elsewhere(overpass.url()), "302"),
    ];
    for (seed, (trouble, noted)) in (0..).zip(troubles) {
        overpass.behave(trouble.clone());
        // What time would bring about: the pauses are over.
        let forgive = "UPDATE overpass SET paused_until = '-infinity', failures = 0;
                       UPDATE enrichments SET due_at = now()";
        system.database().sql(forgive).await.unwrap();
        let before = overpass.queries().len();
        let route = walk(&walker, seed).await;
        assert_eq!(route["data_sparse"], true, "{trouble:?}");
        until("it was asked", async || overpass.queries().len() > before).await;
        until("it is put off", async || {
            let put_off = format!("status = 'wanted' AND due_at > now() AND error LIKE '%{noted}%'");
            count(&system, &format!("enrichments WHERE {put_off}")).await == 1
        })
        .await;
    }
    assert_eq!(count(&system, "pois WHERE dataset LIKE 'overpass%'").await, 0);
    // One query is left of the day's budget. It goes well, and nothing is asked after it.
    overpass.behave(Behaviour::Truth);
    let freed =
        "UPDATE overpass SET paused_until = '-infinity', failures = 0; UPDATE enrichments SET due_at = now()";
    system.database().sql(freed).await.unwrap();
    until("it is learnt at last", async || count(&system, "enrichments WHERE status = 'done'").await == 1)
        .await;
    assert_eq!(overpass.queries().len(), 7);
    let mut elsewhere = wish(99);
    elsewhere["interest_theme_ids"] = json!([domain::InterestTheme::id_of("science")]);
    elsewhere["duration_minutes"] = json!(10);
    walker.walk_until_complete(&elsewhere, PATIENCE, |_| ()).await.unwrap();
    until("it waits for tomorrow", async || {
        count(&system, "enrichments WHERE status = 'wanted' AND failures = 0 AND due_at > now()").await == 1
    })
    .await;
    assert_eq!(overpass.queries().len(), 7, "the budget is overdrawn");
    assert!(overpass.most_at_once() <= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_workers_together_ask_no_more_than_they_may() {
    let budget = (Role::Enricher, "OVERPASS_REQUESTS_PER_DAY", "5".into());
    let system = thin_city(Options { enrichers: 3, env: vec![budget], ..Options::default() }).await;
    let overpass = system.overpass().unwrap();
    // Slow enough for queries to meet.
    overpass.behave(Behaviour::Silence(1.0));
    let themes = domain::ThemeCatalogue::bundled();
    let rows: Vec<String> = themes
        .themes()
        .iter()
        .map(|theme| {
            format!("('12-2331-1185-2332-1186', '{}', ST_MakeEnvelope(24, 60, 25, 61, 4326))", theme.id)
        })
        .collect();
    let wanted = format!("INSERT INTO enrichments (area, theme_id, bounds) VALUES {}", rows.join(", "));
    system.database().sql(&wanted).await.unwrap();
    let again = "UPDATE enrichments SET due_at = now(), published_at = '-infinity' WHERE due_at > now();
                 UPDATE overpass SET paused_until = '-infinity', failures = 0";
    until("the budget is used up", async || {
        system.database().sql(again).await.unwrap();
        overpass.queries().len() >= 5
    })
    .await;
    // Everybody has another try, in vain.
    let tried = "SELECT sum(attempt) FROM enrichments";
    let tries = async || system.database().sql(tried).await.unwrap().parse::<i64>().unwrap();
    let before = tries().await;
    until("all have tried again", async || {
        system.database().sql(again).await.unwrap();
        tries().await >= before + 10
    })
    .await;
    assert_eq!(overpass.queries().len(), 5);
    assert!(overpass.most_at_once() <= 2, "{} at once", overpass.most_at_once());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_leaves_nothing_half_written() {
    let system = thin_city(Options::default()).await;
    let (overpass, enricher) = (system.overpass().unwrap(), system.enricher(0).unwrap());
    let walker = system.walker().await.unwrap();
    let half = "enrichments AS e WHERE (status = 'done') <>
                EXISTS (SELECT FROM ingests WHERE dataset = 'overpass/' || e.area || '/' || e.theme_id)";
    // Killed while it waits for the answer, and then at moments that come as they may.
    overpass.behave(Behaviour::Silence(20.0));
    walk(&walker, 0).await;
    until("it has asked", async || overpass.queries().len() == 1).await;
    enricher.kill_9();
    assert_eq!(count(&system, "pois WHERE dataset LIKE 'overpass%'").await, 0);
    overpass.behave(Behaviour::Truth);
    for pause_ms in [0, 5, 10, 20, 40, 80, 160] {
        let again = "UPDATE enrichments SET status = 'wanted', due_at = now(), lease_until = NULL,
                            published_at = '-infinity';
                     DELETE FROM ingests WHERE dataset LIKE 'overpass%'; DELETE FROM overpass_turns;
                     DELETE FROM poi_datasets WHERE dataset LIKE 'overpass%'; DELETE FROM pois WHERE dataset LIKE 'overpass%'";
        system.database().sql(again).await.unwrap();
        let asked = overpass.queries().len();
        enricher.restart().await.unwrap();
        until("it asks", async || overpass.queries().len() > asked).await;
        sleep(Duration::from_millis(pause_ms)).await;
        enricher.kill_9();
        assert_eq!(count(&system, half).await, 0, "after {pause_ms} ms");
        let places = count(&system, "pois WHERE dataset LIKE 'overpass%'").await;
        let done = count(&system, "enrichments WHERE status = 'done'").await;
        assert_eq!(places > 0, done > 0, "after {pause_ms} ms: {places} places");
    }
    system
        .database()
        .sql("UPDATE enrichments SET lease_until = NULL, published_at = '-infinity'")
        .await
        .unwrap();
    enricher.restart().await.unwrap();
    until("it is done in the end", async || count(&system, "enrichments WHERE status = 'done'").await == 1)
        .await;
    assert_eq!(count(&system, half).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn news_of_places_that_was_lost_is_told_again() {
    let system = thin_city(Options::default()).await;
    let walker = system.walker().await.unwrap();
    let mut socket = walker.websocket().await.unwrap();
    walker.follow(&mut socket, &wish(0), PATIENCE, |_| ()).await.unwrap();
    socket.next_of("area_enriched", PATIENCE).await.unwrap();
    until("it is noted", async || count(&system, "enrichment_requests").await == 0).await;
    // As after a job that ended while the broker lost its store: nothing but the rows knows.
    let lost = "INSERT INTO enrichment_requests (area, theme_id, request_id, walk_told)
                SELECT area, theme_id, route_requests.id, true FROM enrichments, route_requests;
                UPDATE enrichments SET finished_at = finished_at - interval '6 seconds';
                UPDATE route_requests SET notified_at = notified_at - interval '6 seconds'";
    system.database().sql(lost).await.unwrap();
    socket.next_of("area_enriched", PATIENCE).await.unwrap();
    until("it is noted again", async || count(&system, "enrichment_requests").await == 0).await;
}
