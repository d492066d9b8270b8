use crate::{World, pbf::Osm};

#[tokio::test]
async fn a_damaged_or_foreign_file_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let city = std::fs::read(testbed::workspace::bundled_city()).unwrap();
    admin::ingest(world.args(&testbed::workspace::bundled_city(), "helsinki")).await.unwrap();
    let before = (world.content().await, world.sql("SELECT count(*) FROM ingests").await);
    let mut flipped = city.clone();
    flipped[city.len() / 2] ^= 0x55;
    let history = Osm { demands: vec!["HistoricalInformation"], ..Osm::default() };
    let no_header = &city[city.windows(7).position(|bytes| bytes == b"OSMData").unwrap() - 6..];
    for (what, bytes, says) in [
        ("cut off", &city[..city.len() * 2 / 3], "damaged"),
        ("a bit flipped", &flipped, "damaged"),
        ("empty", b"", "no header"),
        ("text", b"<osm version='0.6'></osm>", "no .osm.pbf file"),
        ("zeros", &[0; 4096], "no .osm.pbf file"),
        ("without header", no_header, "before its header"),
        ("with history", &history.bytes(), "HistoricalInformation"),
        ("without nodes", &Osm::default().bytes(), "contains no nodes"),
        ("a bomb", &corpus("sixteen_million_groups"), "damaged"),
        ("a kind that there is not", &corpus("member_of_an_unknown_kind"), "damaged"),
    ] {
        let error = format!("{:#}", world.ingest("helsinki", bytes).await.expect_err(what));
        assert!(error.contains(says), "{what}: {error}");
        assert_eq!(
            (world.content().await, world.sql("SELECT count(*) FROM ingests").await),
            before,
            "{what}"
        );
    }
}

fn corpus(name: &str) -> Vec<u8> {
    let folder = testbed::workspace::root().join("fuzz/corpus/extract");
    std::fs::read(folder.join(name).with_extension("osm.pbf")).unwrap()
}

#[test]
fn an_operator_reads_that_it_is_damaged_and_no_word_of_a_panic() {
    let folder = testbed::workspace::root().join("fuzz/corpus/extract");
    for name in ["sixteen_million_groups", "member_of_an_unknown_kind"] {
        let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_wildside-admin"));
        check.args(["themes", "check", "--extract"]).arg(folder.join(name).with_extension("osm.pbf"));
        let ended = check.output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains("damaged") && !said.contains("panicked"), "{said}");
    }
}

#[tokio::test]
async fn a_polygon_or_themes_file_that_is_none_is_refused() {
    let world = World::new().await;
    let city = testbed::workspace::bundled_city();
    let mut args = world.args(&city, "helsinki");
    args.polygon = Some(world.file("area.geojson", br#"{"type": "Point", "coordinates": [24.9, 60.1]}"#));
    let error = format!("{:#}", admin::ingest(args).await.unwrap_err());
    assert!(error.contains("a Point is no area"), "{error}");
    let mut args = world.args(&city, "helsinki");
    args.themes = Some(world.file("themes.yaml", b"themes: [{key: art, name: Art}]"));
    let error = format!("{:#}", admin::ingest(args).await.unwrap_err());
    assert!(error.contains("theme art"), "{error}");
    assert_eq!(world.sql("SELECT count(*) FROM datasets").await, "0");
}

#[tokio::test]
async fn a_database_without_schema_is_told_of_before_reading() {
    let cluster = testbed::Postgres::shared().await.unwrap();
    let empty = cluster.empty_database().await.unwrap();
    let world = World::new().await;
    let mut args = world.args(&testbed::workspace::bundled_city(), "helsinki");
    args.postgres = crate::postgres(&empty.url());
    let error = format!("{:#}", admin::ingest(args).await.unwrap_err());
    assert!(error.contains("_sqlx_migrations") || error.contains("migrate"), "{error}");
}
