use crate::{World, pbf::Osm};

const NODE_1: i64 = 1 << 2;
const WAY_20: i64 = 20 << 2 | 1;
const RELATION_30: i64 = 30 << 2 | 2;

/// A street past a café, a park and a castle with a courtyard; 0.01 degrees wide.
fn village() -> Osm {
    Osm::default()
        .at(1_700_000_000)
        .node(1, 10.001, 50.001, "amenity=cafe name=Linde")
        .node(2, 10.002, 50.001, "amenity=bench name=Bank")
        .node(3, 10.000, 50.000, "")
        .node(4, 10.010, 50.000, "")
        .node(5, 10.002, 50.002, "")
        .node(6, 10.004, 50.002, "")
        .node(7, 10.004, 50.004, "")
        .node(8, 10.002, 50.004, "")
        .node(11, 10.006, 50.006, "")
        .node(12, 10.009, 50.006, "")
        .node(13, 10.009, 50.009, "")
        .node(14, 10.006, 50.009, "")
        .node(15, 10.007, 50.007, "")
        .node(16, 10.008, 50.007, "")
        .node(17, 10.008, 50.008, "")
        .node(18, 10.007, 50.008, "")
        .way(10, &[3, 4], "highway=footway name=Gasse")
        .way(20, &[5, 6, 7, 8, 5], "leisure=park name=Anger")
        .way(21, &[11, 12, 13], "")
        .way(22, &[13, 14, 11], "")
        .way(23, &[15, 16, 17, 18, 15], "")
        .relation(
            30,
            &[(21, "outer"), (22, "outer"), (23, "inner")],
            "type=multipolygon historic=castle name=Burg",
        )
}

#[tokio::test]
async fn points_lie_in_their_areas_and_not_in_holes() {
    let world = World::new().await;
    let summary = world.ingest("village", &village().bytes()).await.unwrap();
    assert_eq!(summary.added, 3);
    assert_eq!(
        world.sql("SELECT id, kind, name FROM pois ORDER BY id").await,
        format!(
            "{NODE_1}|amenity=cafe|Linde\n{WAY_20}|leisure=park|Anger\n{RELATION_30}|historic=castle|Burg"
        )
    );
    let in_park = format!(
        "SELECT lon BETWEEN 10.002 AND 10.004 AND lat BETWEEN 50.002 AND 50.004 FROM pois WHERE id = {WAY_20}"
    );
    assert_eq!(world.sql(&in_park).await, "t");
    let in_walls = format!(
        "SELECT lon BETWEEN 10.006 AND 10.009 AND lat BETWEEN 50.006 AND 50.009
                AND NOT (lon BETWEEN 10.007 AND 10.008 AND lat BETWEEN 50.007 AND 50.008)
         FROM pois WHERE id = {RELATION_30}"
    );
    assert_eq!(world.sql(&in_walls).await, "t");
}

#[tokio::test]
async fn a_building_is_visited_at_its_main_entrance() {
    let mut village = village();
    village.nodes.iter_mut().for_each(|(id, _, _, tags)| match id {
        12 => *tags = "entrance=yes",
        14 => *tags = "entrance=main",
        _ => {}
    });
    let world = World::new().await;
    world.ingest("village", &village.bytes()).await.unwrap();
    assert_eq!(
        world.sql(&format!("SELECT lon, lat FROM pois WHERE id = {RELATION_30}")).await,
        "10.006|50.009"
    );
}

#[tokio::test]
async fn a_newer_extract_adds_updates_and_retires() {
    let world = World::new().await;
    let first = world.ingest("village", &village().bytes()).await.unwrap();
    world.sql(&format!("UPDATE pois SET narrative = 'Written by hand.' WHERE id = {NODE_1}")).await;
    let untouched = world.sql(&format!("SELECT updated_at FROM pois WHERE id = {RELATION_30}")).await;
    let mut newer = village().without(1).at(1_700_100_000).node(1, 10.001, 50.001, "amenity=cafe name=Eiche");
    newer.ways.retain(|(id, ..)| *id != 20);
    newer = newer.node(9, 10.003, 50.003, "tourism=artwork artwork_type=mural");
    let second = world.ingest("village", &newer.bytes()).await.unwrap();
    assert_eq!((second.added, second.updated, second.retired, second.unchanged), (1, 1, 1, 1));
    assert!(second.data_version > first.data_version);
    let pois = "SELECT id, name, narrative, retired_at IS NOT NULL FROM pois WHERE id < 100 ORDER BY id";
    assert_eq!(
        world.sql(pois).await,
        format!("{NODE_1}|Eiche|Written by hand.|f\n{}||A mural.|f\n{WAY_20}|Anger|A park.|t", 9 << 2)
    );
    assert_eq!(world.sql(&format!("SELECT updated_at FROM pois WHERE id = {RELATION_30}")).await, untouched);
    let parks = "SELECT poi_count FROM interest_themes WHERE key = 'parks'";
    assert_eq!(world.sql(parks).await, "0");
    let back = world.ingest("village", &village().bytes()).await.unwrap();
    assert_eq!((back.updated, back.retired), (2, 1));
    assert_eq!(world.sql(parks).await, "1");
}

#[tokio::test]
async fn a_theme_that_left_the_file_is_retired_and_its_name_can_be_used_again() {
    let world = World::new().await;
    world.ingest("village", &village().bytes()).await.unwrap();
    let themes =
        "themes: [{key: coffee, name: Cafés, description: New, icon: cafe, rules: [{amenity: cafe}]}]";
    let extract = world.file("village.osm.pbf", &village().bytes());
    let mut args = world.args(&extract, "village");
    args.themes = Some(world.file("themes.yaml", themes.as_bytes()));
    let summary = admin::ingest(args).await.unwrap();
    assert_eq!((summary.updated, summary.retired, summary.unchanged), (1, 2, 0));
    let current = "SELECT key, name, poi_count FROM interest_themes WHERE retired_at IS NULL";
    assert_eq!(world.sql(current).await, "coffee|Cafés|1");
    world.ingest("village", &village().bytes()).await.unwrap();
    let cafes = "SELECT key, poi_count FROM interest_themes WHERE name = 'Cafés' AND retired_at IS NULL";
    assert_eq!(world.sql(cafes).await, "cafes|1");
}

#[tokio::test]
async fn what_is_cut_at_the_edge_keeps_a_point_that_is_known() {
    let world = World::new().await;
    let cut = village().without(5).without(13).without(4);
    let summary = world.ingest("village", &cut.bytes()).await.unwrap();
    assert_eq!(summary.added, 3);
    let known =
        "SELECT count(*) FROM pois WHERE (lon, lat) IN ((10.004, 50.002), (10.004, 50.004), (10.002, 50.004),
                 (10.006, 50.006), (10.009, 50.006), (10.006, 50.009))";
    assert_eq!(world.sql(known).await, "2");
}

#[tokio::test]
async fn an_area_of_which_nothing_is_known_is_left_out() {
    let world = World::new().await;
    let cut = [5, 6, 7, 8].into_iter().fold(village(), Osm::without);
    assert_eq!(world.ingest("village", &cut.bytes()).await.unwrap().added, 2);
}

#[tokio::test]
async fn a_closed_wall_is_visited_at_the_wall() {
    let mut village = village();
    village
        .ways
        .iter_mut()
        .filter(|(id, ..)| *id == 20)
        .for_each(|(.., tags)| *tags = "historic=citywalls name=Mauer");
    let world = World::new().await;
    world.ingest("village", &village.bytes()).await.unwrap();
    let corner =
        format!("SELECT lon IN (10.002, 10.004) AND lat IN (50.002, 50.004) FROM pois WHERE id = {WAY_20}");
    assert_eq!(world.sql(&corner).await, "t");
}
