//! Events for product analytics, and tidying up.

use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use testbed::{Method, Options, Receiver, Role, System};
use tokio::time::{Instant, sleep};

const PATIENCE: Duration = Duration::from_secs(120);
/// Seconds between two times to tidy up.
const SLOT_S: u64 = 2;

async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !happened().await {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

fn wish() -> Value {
    json!({
        "start_location": {"type": "Point", "coordinates": [24.9410, 60.1687]},
        "duration_minutes": 45,
        "interest_theme_ids": [domain::InterestTheme::id_of("architecture")]
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_up_return_and_walk_are_told_under_a_pseudonym() {
    let posthog = Receiver::start().await.unwrap();
    let told = |role| [(role, "POSTHOG_HOST", posthog.url()), (role, "POSTHOG_API_KEY", "key".into())];
    let env = [told(Role::Gateway), told(Role::Worker)].concat();
    let system = System::start(Options { env, ..Options::default() }).await.unwrap();
    let walker = system.walker().await.unwrap();
    let profile = walker.send(Method::POST, "/api/v1/users", None).await.unwrap().success().unwrap().json();
    let route = walker.walk_until_complete(&wish(), PATIENCE, |_| ()).await.unwrap();
    let events = || -> Vec<Value> {
        let batches = posthog.received();
        batches.iter().flat_map(|(_, batch)| batch["batch"].as_array().unwrap().clone()).collect()
    };
    until("three events", async || events().len() == 3).await;
    let named =
        |name: &str| events().into_iter().find(|event| event["event"] == name).unwrap()["properties"].clone();
    for name in ["UserSignup", "UserLogin", "RouteComputed"] {
        assert_eq!(named(name)["distinct_id"], profile["id"]);
    }
    let computed = named("RouteComputed");
    assert_eq!(computed["poi_count"], route["stops"].as_array().unwrap().len());
    assert_eq!(computed["route_duration_minutes"], route["duration_s"].as_f64().unwrap() / 60.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_old_is_put_away_by_one_replica_at_a_time() {
    let setting = |name, value: String| (Role::Enricher, name, value);
    let env = vec![
        setting("MAINTENANCE_SECONDS", SLOT_S.to_string()),
        setting("RETENTION_ROUTE_DAYS", "30".into()),
        setting("RETENTION_ACCOUNT_DAYS", "60".into()),
        setting("RETENTION_IDEMPOTENCY_HOURS", "2".into()),
        setting("RETENTION_ENRICHMENT_REQUEST_HOURS", "3".into()),
    ];
    let slot = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / SLOT_S;
    let first = slot();
    let system = System::start(Options { enrichers: 3, env, ..Options::default() }).await.unwrap();
    let walker = system.walker().await.unwrap();
    let route = walker.walk_until_complete(&wish(), PATIENCE, |_| ()).await.unwrap();
    let sql = async |sql: &str| system.database().sql(sql).await.unwrap();
    // The settings hold, and not the defaults.
    sql("INSERT INTO users (id, active_at) VALUES (gen_random_uuid(), now() - interval '61 days')").await;
    sql("UPDATE route_requests SET idempotency_key = 'old', created_at = now() - interval '3 hours'").await;
    until("the key is forgotten", async || {
        sql("SELECT count(*) FROM route_requests WHERE idempotency_key IS NOT NULL").await == "0"
    })
    .await;
    until("the walker is gone", async || sql("SELECT count(*) FROM users").await == "1").await;
    sql("INSERT INTO enrichments (area, theme_id, bounds, status, finished_at)
         SELECT 'x', id, ST_MakeEnvelope(0, 0, 1, 1, 4326), 'failed', now() - interval '4 hours' FROM interest_themes LIMIT 1;
         INSERT INTO enrichment_requests (area, theme_id, request_id)
         SELECT 'x', e.theme_id, q.id FROM enrichments AS e, route_requests AS q WHERE e.area = 'x'")
    .await;
    until("who waited is forgotten", async || {
        sql("SELECT count(*) FROM enrichment_requests WHERE area = 'x'").await == "0"
    })
    .await;
    sql("UPDATE route_requests SET created_at = now() - interval '31 days'").await;
    until("the old route is gone", async || sql("SELECT count(*) FROM routes").await == "0").await;
    let (status, _) = walker.get_route(route["route_id"].as_str().unwrap()).await.unwrap();
    assert_eq!(status, 404);
    let mut runs = 0.0;
    for number in 0..3 {
        let metrics = system.enricher(number).unwrap().metrics().await.unwrap();
        let line =
            metrics.lines().find(|line| line.starts_with("jobs_total") && line.contains("Maintenance"));
        runs +=
            line.and_then(|line| line.rsplit(' ').next()).map_or(0.0, |count| count.parse::<f64>().unwrap());
    }
    let slots = (slot() - first + 1) as f64;
    assert!(runs >= 1.0 && runs <= slots, "{runs} runs in {slots} slots");
}
