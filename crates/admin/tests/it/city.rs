use std::path::PathBuf;

use domain::{Coordinate, ThemeCatalogue};
use store::Database;

use crate::World;

fn city() -> PathBuf {
    testbed::workspace::bundled_city()
}

#[tokio::test]
async fn the_bundled_city_has_places_for_at_least_sixteen_themes_and_streets() {
    let world = World::new().await;
    let summary = admin::ingest(world.args(&city(), "helsinki")).await.unwrap();
    assert!(summary.added > 500 && summary.changed, "{summary:?}");
    let database = Database::new(&world.database.url(), 2, "test").unwrap();
    let themes = store::interest_themes(&database).await.unwrap();
    let names = ThemeCatalogue::bundled().themes().iter().map(|theme| theme.name.clone()).collect::<Vec<_>>();
    assert_eq!(themes.iter().map(|theme| theme.name.clone()).collect::<Vec<_>>(), names);
    assert!(themes.iter().filter(|theme| theme.poi_count > 0).count() >= 16, "{themes:?}");
    assert_eq!(world.sql("SELECT sum(segments) > 4000 FROM street_cells").await, "t");
    let open = "SELECT count(*) > 150 FROM pois WHERE osm_tags ? 'opening_hours'";
    assert_eq!(world.sql(open).await, "t");
    let version = world.sql("SELECT data_version FROM datasets").await;
    assert_eq!(version, summary.data_version.to_string());
    for (place, covered) in [("24.9522 60.1694", "t"), ("25.3 60.0", "f")] {
        let sql = format!("SELECT ST_Covers(coverage, 'SRID=4326;POINT({place})') FROM datasets");
        assert_eq!(world.sql(&sql).await, covered, "{place}");
    }
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let world = World::new().await;
    let first = admin::ingest(world.args(&city(), "helsinki")).await.unwrap();
    let before = world.content().await;
    let second = admin::ingest(world.args(&city(), "helsinki")).await.unwrap();
    assert_eq!(world.content().await, before);
    assert!(!second.changed);
    assert_eq!((second.unchanged, second.data_version), (first.added, first.data_version));
    let provenance =
        "SELECT changed, extract_bytes, left(extract_sha256, 8), attribution FROM ingests ORDER BY id";
    let row = "685110|b73e9c2c|© OpenStreetMap contributors, ODbL 1.0";
    assert_eq!(world.sql(provenance).await, format!("t|{row}\nf|{row}"));
}

#[tokio::test]
async fn a_polygon_limits_places_and_streets() {
    let world = World::new().await;
    let all = admin::ingest(world.args(&city(), "helsinki")).await.unwrap();
    let squares = world.sql("SELECT sum(segments) FROM street_cells").await;
    let polygon =
        r#"{"type": "Polygon", "coordinates": [[[24.94, 60.165], [24.948, 60.165], [24.944, 60.172]]]}"#;
    let mut args = world.args(&city(), "helsinki");
    args.polygon = Some(world.file("area.geojson", polygon.as_bytes()));
    let part = admin::ingest(args).await.unwrap();
    // Among fewer places each has another rank.
    assert!(part.retired > 100 && part.unchanged + part.updated > 50, "{part:?}");
    assert!(part.data_version > all.data_version);
    let outside = "SELECT count(*) FROM pois, datasets AS d
                   WHERE retired_at IS NULL AND NOT ST_Covers(d.coverage, location::geometry)";
    assert_eq!(world.sql(outside).await, "0");
    let fewer = format!("SELECT sum(segments) < {squares} / 2 FROM street_cells");
    assert_eq!(world.sql(&fewer).await, "t");
}

#[tokio::test]
async fn places_of_a_theme_are_found_around_a_point() {
    let world = World::new().await;
    admin::ingest(world.args(&city(), "helsinki")).await.unwrap();
    let database = Database::new(&world.database.url(), 2, "test").unwrap();
    let catalogue = ThemeCatalogue::bundled();
    let museums = catalogue.themes().iter().find(|theme| theme.name == "Museums").unwrap().id;
    let station = Coordinate::new(24.9414, 60.1699).unwrap();
    let found = store::pois_within(&database, station, 800.0, &[museums], 1.0, 100).await.unwrap();
    assert!(found.iter().any(|poi| poi.name.as_deref() == Some("Ateneum")), "{found:?}");
    for poi in &found {
        assert!(poi.themes.contains(&museums) && poi.themes.is_sorted());
        assert!(poi.location.distance_m(station) < 805.0);
    }
    let famous = store::pois_within(&database, station, 800.0, &[museums], 1.0, 2).await.unwrap();
    assert_eq!(famous, found[..2]);
    let details = store::poi_details(&database, famous[0].id).await.unwrap().unwrap();
    assert_eq!(details.poi, famous[0]);
    assert_eq!(details.tags.get("tourism").map(String::as_str), Some("museum"));
    assert!(details.attribution.contains("OpenStreetMap") && !details.retired);
}
