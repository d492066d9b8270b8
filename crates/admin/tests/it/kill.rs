use std::{process::Stdio, time::Duration};

use tokio::{process::Command, time::sleep};

use crate::{World, pbf::Osm};

#[tokio::test]
async fn an_ingest_that_is_killed_half_way_leaves_the_old_state() {
    let world = World::new().await;
    let street =
        Osm::default().node(1, 10.0, 50.0, "").node(2, 10.01, 50.0, "").way(10, &[1, 2], "highway=footway");
    world.ingest("village", &street.bytes()).await.unwrap();
    let before = world.content().await;
    let newer = street.node(3, 10.005, 50.001, "amenity=cafe name=Linde").way(11, &[2, 3], "highway=footway");
    let extract = world.file("newer.osm.pbf", &newer.bytes());
    // Nobody can write streets while this is open, and places are written before them.
    let hold = world.database.sql("BEGIN; LOCK TABLE street_cells IN SHARE MODE; SELECT pg_sleep(60)");
    let ingest = async {
        let waits = "SELECT count(*) FROM pg_locks WHERE relation = 'street_cells'::regclass AND ";
        while world.sql(&format!("{waits} granted AND mode = 'ShareLock'")).await == "0" {
            sleep(Duration::from_millis(20)).await;
        }
        let mut ingest = Command::new(env!("CARGO_BIN_EXE_wildside-admin"))
            .args(["ingest", "--quiet", "--dataset", "village", "--extract"])
            .arg(&extract)
            .env("DATABASE_URL", world.database.url())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        while world.sql(&format!("{waits} NOT granted")).await == "0" {
            assert!(ingest.try_wait().unwrap().is_none(), "it ended");
            sleep(Duration::from_millis(20)).await;
        }
        ingest.kill().await.unwrap();
    };
    tokio::select! {
        () = ingest => {}
        held = hold => panic!("{held:?}"),
    }
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    world.sql(end).await;
    assert_eq!(world.content().await, before);
    let summary = admin::ingest(world.args(&extract, "village")).await.unwrap();
    assert_eq!(summary.added, 1);
}
