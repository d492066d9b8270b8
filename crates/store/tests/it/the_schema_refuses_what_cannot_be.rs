use std::{future::Future, time::Duration};

use store::{Database, migrate, user};
use testbed::Postgres;
use tokio::task::JoinSet;

use crate::stage::{Stage, Wish, route};

/// The constraint that refuses a statement; `None` where the statement is fine.
async fn refused_by(stage: &Stage, sql: &str) -> Option<String> {
    // Even what goes through leaves nothing behind.
    let refused = format!("{:#}", stage.own.sql(&format!("BEGIN; {sql}; ROLLBACK")).await.err()?);
    let constraint = refused.split("constraint \"").nth(1).and_then(|rest| rest.split('"').next());
    Some(constraint.unwrap_or_else(|| panic!("refused for another reason: {refused}")).to_owned())
}

fn poi(id: &str, lon: &str, lat: &str, popularity: &str, dwell: &str) -> String {
    format!(
        "INSERT INTO pois (id, lon, lat, popularity_score, kind, dwell_s, dataset)
         VALUES ({id}, {lon}, {lat}, {popularity}, 'k=v', {dwell}, 'town')"
    )
}

#[tokio::test]
async fn a_place_is_on_earth_and_has_a_known_kind_of_id() {
    let stage = Stage::new().await;
    stage.places(&[4]).await;
    for (lon, lat, constraint) in [
        ("181", "0", "pois_lon_check"),
        ("-180.0001", "0", "pois_lon_check"),
        ("'NaN'", "0", "pois_lon_check"),
        ("'Infinity'", "0", "pois_lon_check"),
        ("0", "95", "pois_lat_check"),
        ("0", "-90.0001", "pois_lat_check"),
        ("0", "'NaN'", "pois_lat_check"),
        ("0", "'-Infinity'", "pois_lat_check"),
    ] {
        let refused = refused_by(&stage, &poi("8", lon, lat, "0.5", "60")).await;
        assert_eq!(refused.as_deref(), Some(constraint), "{lon} {lat}");
    }
    for (id, popularity, dwell, constraint) in [
        ("7", "0.5", "60", "pois_id_check"),
        ("4", "0.5", "60", "pois_pkey"),
        ("8", "1.5", "60", "pois_popularity_score_check"),
        ("8", "-0.1", "60", "pois_popularity_score_check"),
        ("8", "'NaN'", "60", "pois_popularity_score_check"),
        ("8", "0.5", "-1", "pois_dwell_s_check"),
    ] {
        let refused = refused_by(&stage, &poi(id, "0", "0", popularity, dwell)).await;
        assert_eq!(refused.as_deref(), Some(constraint), "{id} {popularity} {dwell}");
    }
    for (id, lon, lat, popularity) in
        [("8", "180", "90", "1"), ("9", "-180", "-90", "0"), ("10", "0", "0", "NULL")]
    {
        assert_eq!(refused_by(&stage, &poi(id, lon, lat, popularity, "0")).await, None, "{id}");
    }
}

#[tokio::test]
async fn a_request_is_in_one_state_that_makes_sense() {
    let stage = Stage::new().await;
    stage.accepted(stage.walker().await).await;
    let key = "route_requests_idempotency_key_check";
    for (change, constraint) in [
        ("status = 'lost'", Some("route_requests_status_check")),
        ("status = 'failed'", Some("route_requests_check")),
        ("error = 'No street.'", Some("route_requests_check")),
        ("status = 'complete', error = 'No street.'", Some("route_requests_check")),
        ("idempotency_key = ''", Some(key)),
        ("idempotency_key = repeat('x', 256)", Some(key)),
        ("user_id = gen_random_uuid()", Some("route_requests_user_id_fkey")),
        ("idempotency_key = repeat('x', 255)", None),
        ("status = 'failed', error = 'No street.'", None),
    ] {
        let refused = refused_by(&stage, &format!("UPDATE route_requests SET {change}")).await;
        assert_eq!(refused.as_deref(), constraint, "{change}");
    }
}

#[tokio::test]
async fn a_path_stays_on_earth() {
    let stage = Stage::new().await;
    stage.completed(stage.walker().await, &route(&[])).await;
    let line = |to: &str| format!("ST_SetSRID(ST_MakeLine(ST_MakePoint(0, 0), ST_MakePoint({to})), 4326)");
    for off in ["181, 0", "0, 95", "'NaN', 0", "0, 'NaN'", "'Infinity', 0", "-180.0001, 0"] {
        let refused = refused_by(&stage, &format!("UPDATE routes SET path = {}", line(off))).await;
        assert_eq!(refused.as_deref(), Some("routes_path_check"), "{off}");
    }
    for on in ["180, 90", "-180, -90"] {
        assert_eq!(refused_by(&stage, &format!("UPDATE routes SET path = {}", line(on))).await, None, "{on}");
    }
}

#[tokio::test]
async fn stops_are_counted_from_one_and_no_place_comes_twice() {
    let stage = Stage::new().await;
    let stops = stage.places(&[4, 8, 12]).await;
    stage.completed(stage.walker().await, &route(&stops[..2])).await;
    for (poi, order, constraint) in [
        (12, 0, Some("route_pois_order_check")),
        (12, 2, Some("route_pois_route_id_order_key")),
        (8, 3, Some("route_pois_pkey")),
        (16, 3, Some("route_pois_poi_id_fkey")),
        (12, 3, None),
    ] {
        let stop = format!("INSERT INTO route_pois SELECT id, {poi}, {order} FROM routes");
        assert_eq!(refused_by(&stage, &stop).await.as_deref(), constraint, "{poi} {order}");
    }
}

#[tokio::test]
async fn a_request_has_one_route() {
    let stage = Stage::new().await;
    stage.completed(stage.walker().await, &route(&[])).await;
    let second = "INSERT INTO routes (user_id, path, generation_params, request_id, itinerary)
                  SELECT user_id, path, generation_params, request_id, itinerary FROM routes";
    assert_eq!(refused_by(&stage, second).await.as_deref(), Some("routes_request_id_key"));
}

#[tokio::test]
async fn a_walker_who_leaves_takes_everything_along() {
    let stage = Stage::new().await;
    let stops = stage.places(&[4]).await;
    stage.completed(stage.walker().await, &route(&stops)).await;
    let other = stage.completed(stage.walker().await, &route(&stops)).await;
    stage.sql(&format!("DELETE FROM users WHERE id <> '{}'", other.user_id)).await;
    for table in ["route_requests", "routes", "route_pois", "pois"] {
        assert_eq!(stage.count(table).await, 1, "{table}");
    }
}

/// The numbers of all migrations.
fn versions() -> Vec<u32> {
    let files = testbed::workspace::files_below(&testbed::workspace::root().join("migrations"));
    let number = |file: &std::path::PathBuf| file.file_name()?.to_str()?.split('_').next()?.parse().ok();
    files.iter().filter_map(number).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn several_may_migrate_an_empty_database_at_once() {
    let cluster = Postgres::shared().await.unwrap();
    let own = cluster.empty_database().await.unwrap();
    let mut migrations = JoinSet::new();
    for _ in 0..4 {
        let url = own.url();
        migrations.spawn(async move { migrate(&url).await });
    }
    for migrated in migrations.join_all().await {
        migrated.unwrap();
    }
    migrate(&own.url()).await.unwrap();
    let applied =
        own.sql("SELECT count(*), count(DISTINCT version) FROM _sqlx_migrations WHERE success").await;
    let count = versions().len();
    assert_eq!(applied.unwrap(), format!("{count}|{count}"));
    let database = Database::new(&own.url(), 2, "store-tests").unwrap();
    assert_eq!(database.ready().await, Ok(()));
    user(&database, domain::UserId(uuid::Uuid::now_v7())).await.unwrap();
}

#[tokio::test]
async fn readiness_tells_what_is_missing() {
    let cluster = Postgres::shared().await.unwrap();
    let own = cluster.empty_database().await.unwrap();
    let database = Database::new(&own.url(), 2, "store-tests").unwrap();
    let unready = database.ready().await.unwrap_err();
    let newest = versions().into_iter().max().unwrap();
    assert_eq!(unready, format!("schema is at 0, this build needs {newest}: run wildside-admin migrate"));
    migrate(&own.url()).await.unwrap();
    assert_eq!(database.ready().await, Ok(()));
    let failed = format!("UPDATE _sqlx_migrations SET success = false WHERE version = {newest}");
    own.sql(&failed).await.unwrap();
    let unready = database.ready().await.unwrap_err();
    assert!(unready.contains(&format!("needs {newest}")), "{unready}");
    // A newer release has been there first: its changes are made so that this build does not mind.
    let newer = format!(
        "UPDATE _sqlx_migrations SET success = true, version = {newest} + 1 WHERE version = {newest}"
    );
    own.sql(&newer).await.unwrap();
    assert_eq!(database.ready().await, Ok(()));
}

/// The answer, which must come within a few seconds.
async fn in_time<T>(answer: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(5), answer).await.unwrap()
}

#[tokio::test]
async fn a_database_that_is_away_is_told_apart_from_one_that_refuses() {
    let nowhere = format!("postgres://wildside@127.0.0.1:{}/wildside", testbed::free_port().unwrap());
    let database = Database::new(&nowhere, 2, "store-tests").unwrap();
    let unready = in_time(database.ready()).await.unwrap_err();
    assert!(unready.starts_with("PostgreSQL: "), "{unready}");
    let walker = domain::UserId(uuid::Uuid::now_v7());
    assert!(in_time(user(&database, walker)).await.unwrap_err().is_passing());

    let stage = Stage::new().await;
    let twice = Wish::of(walker);
    twice.accept(&stage).await.unwrap();
    assert!(!twice.accept(&stage).await.unwrap_err().is_passing());
}

#[tokio::test]
async fn a_path_is_checked_also_while_a_dump_is_restored() {
    let stage = Stage::new().await;
    // A dump sets an empty search_path before it copies rows.
    for (lon, on_earth) in [("24.9", "t"), ("181", "f"), ("'NaN'", "f")] {
        let line = format!("public.ST_MakeLine(public.ST_MakePoint({lon}, 60), public.ST_MakePoint(25, 60))");
        let sql = format!("SET search_path = ''; SELECT public.on_earth({line})");
        assert_eq!(stage.own.sql(&sql).await.unwrap(), on_earth, "{lon}");
    }
}
