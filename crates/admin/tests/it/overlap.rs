use crate::{World, pbf::Osm};

fn square(timestamp: u64, name: &'static str) -> Osm {
    Osm::default()
        .at(timestamp)
        .node(1, 10.001, 50.001, name)
        .node(2, 10.000, 50.000, "")
        .node(3, 10.010, 50.010, "")
        .way(10, &[2, 3], "highway=footway")
}

const OLD: &str = "amenity=cafe name=Alt";
const NEW: &str = "amenity=cafe name=Neu";
const GONE: &str = "amenity=bench";

async fn poi(world: &World) -> String {
    world.sql("SELECT name, dataset, retired_at IS NOT NULL FROM pois").await
}

#[tokio::test]
async fn of_two_datasets_the_newer_describes_a_place_whatever_comes_last() {
    let world = World::new().await;
    world.ingest("town", &square(1_000, OLD).bytes()).await.unwrap();
    assert!(world.ingest("county", &square(2_000, NEW).bytes()).await.unwrap().changed);
    assert_eq!(poi(&world).await, "Neu|county|f");
    let before = world.content().await;
    assert!(!world.ingest("town", &square(1_000, OLD).bytes()).await.unwrap().changed);
    assert!(!world.ingest("county", &square(2_000, NEW).bytes()).await.unwrap().changed);
    assert_eq!(world.content().await, before);
}

#[tokio::test]
async fn a_place_is_retired_when_the_last_dataset_has_lost_it() {
    let world = World::new().await;
    world.ingest("town", &square(1_000, OLD).bytes()).await.unwrap();
    world.ingest("county", &square(2_000, NEW).bytes()).await.unwrap();
    assert_eq!(world.ingest("county", &square(3_000, GONE).bytes()).await.unwrap().retired, 0);
    assert_eq!(poi(&world).await, "Neu|town|f");
    assert_eq!(world.ingest("town", &square(4_000, GONE).bytes()).await.unwrap().retired, 1);
    assert_eq!(poi(&world).await, "Neu|town|t");
    assert_eq!(world.ingest("county", &square(5_000, NEW).bytes()).await.unwrap().updated, 1);
    assert_eq!(poi(&world).await, "Neu|county|f");
}

#[tokio::test]
async fn two_ingests_at_once_take_turns() {
    let world = World::new().await;
    let extract = world.file("square.osm.pbf", &square(1_000, OLD).bytes());
    let ingest = || admin::ingest(world.args(&extract, "town"));
    let (one, other) = tokio::join!(ingest(), ingest());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(one.changed != other.changed && one.data_version == other.data_version, "{one:?} {other:?}");
    assert_eq!(world.sql("SELECT count(*), count(*) FILTER (WHERE changed) FROM ingests").await, "2|1");
}
