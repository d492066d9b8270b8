use std::fs;
use store::migrate;
use testbed::{Postgres, workspace};

/// The role is the server's, so all of this is taken back before another test can see it.
#[tokio::test]
async fn whoever_asks_for_it_can_do_no_harm() {
    let database = Postgres::shared().await.unwrap().fresh_database(migrate).await.unwrap();
    let migration =
        fs::read_to_string(workspace::root().join("migrations/0008_an_id_to_ask_for.sql")).unwrap();
    let settings = "SELECT array_to_string(setconfig, ' ') FROM pg_db_role_setting
        JOIN pg_roles ON pg_roles.oid = setrole WHERE rolname = 'martin_ro' AND setdatabase = 0";
    let all = "default_transaction_read_only=on statement_timeout=5s max_parallel_workers_per_gather=0";
    assert_eq!(database.sql(settings).await.unwrap(), all);
    // A role that was there before, with other settings.
    let before = "BEGIN; ALTER ROLE martin_ro RESET ALL; ALTER ROLE martin_ro SET work_mem = '4MB';";
    let after = database.sql(&format!("{before} {migration} {settings}; ROLLBACK")).await.unwrap();
    assert_eq!(after, format!("work_mem=4MB {all}"));
    // Somebody migrates who may not say how a role is set up.
    let block = &migration[migration.find("DO $$").unwrap()..];
    let powerless = "CREATE ROLE powerless; SET LOCAL ROLE powerless;";
    let after = database.sql(&format!("{before} {powerless} {block} {settings}; ROLLBACK")).await.unwrap();
    assert_eq!(after, "work_mem=4MB");
}
