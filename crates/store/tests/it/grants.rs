//! What the role of each service may do in the database.

use testbed::{Database, Durability, Postgres};

async fn database() -> Database {
    let cluster = Postgres::shared().await.unwrap();
    cluster.fresh_database(store::migrate).await.unwrap()
}

const ROLES: [&str; 4] =
    ["wildside_api_gateway", "wildside_route_worker", "wildside_enrichment_worker", "wildside_notifier"];

#[tokio::test]
async fn a_service_does_not_do_the_work_of_another() {
    let database = database().await;
    for (role, sql) in [
        ("wildside_notifier", "SELECT id FROM users"),
        ("wildside_notifier", "SELECT params FROM route_requests"),
        ("wildside_notifier", "UPDATE route_requests SET status = 'failed'"),
        ("wildside_route_worker", "SELECT id FROM users"),
        ("wildside_route_worker", "DELETE FROM routes"),
        ("wildside_route_worker", "UPDATE pois SET narrative = 'x'"),
        ("wildside_route_worker", "UPDATE route_requests SET user_id = id"),
        ("wildside_enrichment_worker", "UPDATE users SET revision = 1"),
        ("wildside_enrichment_worker", "UPDATE routes SET saved_at = now()"),
        ("wildside_api_gateway", "UPDATE pois SET narrative = 'x'"),
        ("wildside_api_gateway", "UPDATE users SET id = id"),
        ("wildside_api_gateway", "SELECT * FROM street_networks"),
    ] {
        let why = format!("{:#}", database.sql_as(role, sql).await.unwrap_err());
        assert!(why.contains("permission denied"), "{role}: {sql}: {why}");
    }
    for role in ROLES {
        for sql in ["CREATE TABLE public.x ()", "TRUNCATE users", "DROP TABLE users", "CREATE ROLE x"] {
            let why = format!("{:#}", database.sql_as(role, sql).await.unwrap_err());
            assert!(
                why.contains("permission denied") || why.contains("must be owner"),
                "{role}: {sql}: {why}"
            );
        }
        database.sql_as(role, "SELECT max(version) FROM _sqlx_migrations").await.unwrap();
    }
}

#[tokio::test]
async fn migrating_takes_back_what_is_not_listed() {
    let database = database().await;
    database.sql("GRANT ALL ON users TO wildside_notifier; GRANT SELECT (params) ON route_requests TO wildside_notifier").await.unwrap();
    store::migrate(&database.url()).await.unwrap();
    for sql in ["SELECT id FROM users", "SELECT params FROM route_requests"] {
        assert!(database.sql_as("wildside_notifier", sql).await.is_err(), "{sql}");
    }
    database.sql_as("wildside_notifier", "SELECT status FROM route_requests").await.unwrap();
}

#[tokio::test]
async fn roles_are_made_once_where_they_are_asked_for_and_without_them_migrating_works_as_well() {
    let server = Postgres::start_open(Durability::Fast).await.unwrap();
    let database = server.cluster().empty_database().await.unwrap();
    store::migrate(&database.url()).await.unwrap();
    for _ in 0..2 {
        store::create_roles(&database.url()).await.unwrap();
        store::migrate(&database.url()).await.unwrap();
    }
    let roles =
        "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'wildside\\_%' AND rolcanlogin AND NOT rolsuper";
    assert_eq!(database.sql(roles).await.unwrap(), ROLES.len().to_string());
    for role in ROLES {
        database.sql_as(role, "SELECT status FROM route_requests").await.unwrap();
    }
}
