use testbed::{Durability, Postgres};

#[tokio::test]
async fn it_is_gone_after_the_test() {
    let cluster = Postgres::shared().await.unwrap();
    let database = cluster.empty_database().await.unwrap();
    let name = database.name().to_owned();
    let there = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
    assert_eq!(cluster.sql("postgres", &there).await.unwrap(), "1");
    drop(database);
    assert_eq!(cluster.sql("postgres", &there).await.unwrap(), "0");
}

#[tokio::test]
async fn what_one_writes_the_other_does_not_see() {
    let cluster = Postgres::shared().await.unwrap();
    let build = async |url: &str| {
        let name = url.split('?').next().unwrap().rsplit('/').next().unwrap();
        cluster.sql(name, "CREATE TABLE walk (id int)").await.map(drop)
    };
    let ours = cluster.clone_of("own_things", build).await.unwrap();
    let theirs = cluster.clone_of("own_things", build).await.unwrap();
    ours.sql("INSERT INTO walk VALUES (1)").await.unwrap();
    assert_eq!(ours.sql("SELECT count(*) FROM walk").await.unwrap(), "1");
    assert_eq!(theirs.sql("SELECT count(*) FROM walk").await.unwrap(), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_template_is_filled_once_however_many_ask() {
    use std::sync::{Arc, atomic::AtomicU32, atomic::Ordering};
    let cluster = Postgres::shared().await.unwrap();
    let key = format!("once_{}", std::process::id());
    let filled = Arc::new(AtomicU32::new(0));
    let asking = (0..8).map(|_| {
        let (cluster, key, filled) = (cluster.clone(), key.clone(), filled.clone());
        tokio::spawn(async move {
            let build = async |_: &str| {
                filled.fetch_add(1, Ordering::SeqCst);
                anyhow::Ok(())
            };
            cluster.clone_of(&key, build).await.unwrap();
        })
    });
    for asked in asking.collect::<Vec<_>>() {
        asked.await.unwrap();
    }
    assert_eq!(filled.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_template_that_failed_is_made_anew() {
    let cluster = Postgres::shared().await.unwrap();
    let key = format!("anew_{}", std::process::id());
    let failed = cluster.clone_of(&key, async |_: &str| Err(anyhow::anyhow!("the disk is full"))).await;
    assert!(format!("{:#}", failed.unwrap_err()).contains("the disk is full"));
    cluster.clone_of(&key, async |_: &str| anyhow::Ok(())).await.unwrap();
}

#[tokio::test]
async fn postgis_is_there_and_data_outlives_a_kill() {
    let postgres = Postgres::start(Durability::Kept).await.unwrap();
    let database = postgres.cluster().empty_database().await.unwrap();
    database.sql("CREATE EXTENSION postgis; CREATE TABLE place (at geography(Point))").await.unwrap();
    database.sql("INSERT INTO place VALUES ('POINT(24.94 60.17)')").await.unwrap();
    let before = postgres.cluster().url().to_owned();
    postgres.kill_9();
    assert!(database.sql("SELECT 1").await.is_err());
    postgres.restart().await.unwrap();
    assert_eq!(postgres.cluster().url(), before);
    assert_eq!(database.sql("SELECT ST_AsText(at) FROM place").await.unwrap(), "POINT(24.94 60.17)");
}
