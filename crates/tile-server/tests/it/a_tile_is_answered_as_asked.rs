use crate::server::{CENTRE, Place};
use reqwest::StatusCode;
use serde_json::Value;
use std::time::Duration;

#[tokio::test]
async fn a_tile_is_gzipped_kept_by_its_zoom_and_known_again() {
    let server = Place::new().start().await;
    let tile = server.get(CENTRE).await;
    assert_eq!(tile.status, StatusCode::OK);
    assert_eq!(tile.header("content-type"), "application/vnd.mapbox-vector-tile");
    assert_eq!((tile.header("content-encoding"), tile.header("vary")), ("gzip", "accept-encoding"));
    assert_eq!(tile.header("cache-control"), "public, max-age=3600, stale-while-revalidate=86400");
    assert_eq!(tile.header("access-control-allow-origin"), "*");
    assert_eq!(&tile.body[..2], [0x1f, 0x8b], "gzip begins so");

    let etag = tile.header("etag").to_owned();
    let again = server.get_with(CENTRE, &[("accept-encoding", "gzip"), ("if-none-match", &etag)]).await;
    assert_eq!((again.status, again.body.len(), again.header("etag")), (StatusCode::NOT_MODIFIED, 0, &*etag));

    let plain = server.get_with(CENTRE, &[("accept-encoding", "identity"), ("if-none-match", &etag)]).await;
    assert_eq!((plain.status, plain.header("content-encoding")), (StatusCode::OK, ""));
    assert_ne!(plain.header("etag"), etag, "a strong tag is of one representation");
    assert_eq!(plain.body[0], 0x1a, "a tile begins with a layer");

    let far = server.get("base/5/18/9").await;
    assert_eq!(far.header("cache-control"), "public, max-age=604800, stale-while-revalidate=86400");
    let metrics = server.metrics().await;
    for part in [
        r#"tiles_total{source="base",zoom="14",outcome="miss"} 1"#,
        r#"outcome="hit"} 1"#,
        r#"outcome="not_modified"} 1"#,
    ] {
        assert!(metrics.contains(part), "{part}\n{metrics}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let server = Place::new().start().await;
    let asked = [
        // Nothing to see, in and out of the city.
        ("base/3/0/0.pbf", 204),
        ("base/16/0/65535", 204),
        // No such zoom, source or address.
        ("base/17/0/0.pbf", 404),
        ("nowhere/1/0/0.pbf", 404),
        ("nowhere.json", 404),
        ("base/14/9326", 404),
        ("fonts/Comic Sans/0-255.pbf", 404),
        ("sprites/icons.svg", 404),
        // No such tile.
        ("base/14/16384/0.pbf", 404),
        ("base/14/-1/0.pbf", 404),
        ("base/14/9326/4741.png", 404),
        ("base/999/0/0.pbf", 404),
        ("base/14/9326/99999999999999999999", 404),
        ("base/14/9326/4741.pbf?layers=dragons", 404),
        ("base/14/9326/4741.pbf?layers=", 404),
        ("base/14/9326/4741.pbf?colour=red", 404),
        ("style.json?route=../pois", 404),
        ("fonts/Noto Sans Regular/1-256.pbf", 404),
    ];
    for (path, status) in asked {
        let answer = server.get(path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text());
        if status >= 400 {
            assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
        } else {
            assert!(answer.body.is_empty() && answer.header("cache-control").starts_with("public"), "{path}");
        }
    }
}

#[tokio::test]
async fn one_layer_is_chosen_in_the_address() {
    let server = Place::new().start().await;
    let layers = async |choice: &str| {
        let tile = server.get_with(&format!("{CENTRE}{choice}"), &[("accept-encoding", "identity")]).await;
        let names = ["land", "water", "waterways", "buildings", "roads", "places"];
        let has = |name: &&str| {
            // A layer's name is the first thing that is written after its version.
            let marked = [&[0x0a, u8::try_from(name.len()).unwrap()], name.as_bytes()].concat();
            tile.body.windows(marked.len()).any(|part| part == marked)
        };
        names.into_iter().filter(has).collect::<Vec<_>>()
    };
    assert_eq!(layers("").await, ["land", "water", "buildings", "roads", "places"]);
    assert_eq!(layers("?layers=roads").await, ["roads"]);
    assert_eq!(layers("?layers=places").await, ["places"]);
    assert_eq!(layers("?layers=waterways").await, <[&str; 0]>::default());
}

#[tokio::test]
async fn documents_say_what_there_is() {
    let server = Place::new().start().await;
    let json = async |path: &str| {
        let answer = server.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        let again = server.get_with(path, &[("if-none-match", answer.header("etag"))]).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
        serde_json::from_slice::<Value>(&answer.body).unwrap()
    };
    let about = json("base.json").await;
    assert_eq!(about["tilejson"], "3.0.0");
    assert_eq!(about["tiles"][0], format!("{}/tiles/base/{{z}}/{{x}}/{{y}}.pbf", server.url()));
    assert_eq!((&about["minzoom"], &about["maxzoom"]), (&0.into(), &16.into()));
    assert!(about["attribution"].as_str().unwrap().contains("© OpenStreetMap contributors"));
    let west = about["bounds"][0].as_f64().unwrap();
    assert!((west - 24.9352).abs() < 0.001, "{west}");
    let layers = about["vector_layers"].as_array().unwrap();
    assert_eq!((layers.len(), &layers[4]["fields"]["bridge"]), (6, &"Boolean".into()));
    assert_eq!(json("catalog.json").await["base"]["url"], format!("{}/tiles/base.json", server.url()));

    // Whatever the style names is served.
    let style = json("style.json").await;
    assert_eq!(style["version"], 8);
    let served: Vec<&str> = layers.iter().map(|layer| layer["id"].as_str().unwrap()).collect();
    for layer in style["layers"].as_array().unwrap() {
        if layer["source"] == "base" {
            assert!(served.contains(&layer["source-layer"].as_str().unwrap()), "{layer}");
        }
        for font in layer["layout"]["text-font"].as_array().into_iter().flatten() {
            let glyphs = server.get(&format!("fonts/{}/0-255.pbf", font.as_str().unwrap())).await;
            assert!(glyphs.status == StatusCode::OK && glyphs.body.len() > 10_000, "{font}");
        }
    }
    for density in ["", "@2x"] {
        let picture = server.get(&format!("sprites/icons{density}.png")).await;
        assert_eq!(&picture.body[1..4], b"PNG");
        let places = json_of(&server.get(&format!("sprites/icons{density}.json")).await.body);
        assert!(
            places["museum"]["width"].as_u64().unwrap() > 0 && places["marker"]["sdf"] == true,
            "{places}"
        );
    }
}

#[tokio::test]
async fn health_reports_every_level() {
    let server = Place::new().start().await;
    let health = server.health().await;
    assert_eq!(health.status, StatusCode::OK);
    let report = json_of(&health.body);
    let checks = report["sources"]["base"]["checks"].as_object().unwrap();
    let levels: Vec<char> = checks.keys().map(|name| name.chars().next().unwrap()).collect();
    assert_eq!((levels, &report["status"]), (vec!['1', '2', '3', '4', '5', '6'], &"healthy".into()));
    assert!(checks.values().all(|outcome| outcome.as_str().unwrap().starts_with("ok")), "{report}");
}

#[tokio::test]
async fn a_tile_that_takes_too_long_is_given_up() {
    let mut place = Place::new();
    place.env = vec![("TILE_TIME_LIMIT_MS", "1".into())];
    let server = place.start().await;
    let answer = server.get(CENTRE).await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"));
    assert!(server.metrics().await.contains(r#"outcome="timed_out"} 1"#));
    // Both connections came back.
    for _ in 0..4 {
        assert_eq!(server.get("base/13/4663/2370").await.status, StatusCode::SERVICE_UNAVAILABLE);
    }
}

#[tokio::test]
async fn who_would_wait_too_long_is_told_to_come_again_and_probes_do_not_wait() {
    let mut place = Place::new();
    place.env = vec![("DUCKDB_CONNECTIONS", "1".into()), ("TILE_TIME_LIMIT_MS", "60".into())];
    let server = place.start().await;
    // All that there is of a zoom takes one connection some times as long.
    let tiles = (0..6).flat_map(|x| (0..8).map(move |y| format!("base/16/{}/{}.pbf", 37306 + x, 18963 + y)));
    let tiles: Vec<String> = tiles.collect();
    let asking = futures_util::future::join_all(tiles.iter().map(|tile| server.get(tile)));
    let (answers, health) = tokio::join!(asking, server.health());
    assert_eq!(health.status, StatusCode::OK, "{}", health.text());
    let refused: Vec<_> = answers.iter().filter(|answer| !answer.status.is_success()).collect();
    assert!(!refused.is_empty() && refused.len() < answers.len(), "{} of {}", refused.len(), answers.len());
    for answer in refused {
        assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"));
    }
    assert!(server.metrics().await.contains(r#"zoom="16",outcome="busy"}"#));
    // Nothing is left of it: whoever comes again is served, sooner or later also where the machine is slow.
    for _ in 0..200 {
        if server.get("base/16/37308/18967.pbf").await.status == StatusCode::OK {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it is never served again\n{}", server.process.log_tail());
}

#[tokio::test]
async fn many_who_ask_at_once_make_a_tile_once() {
    let server = Place::new().start().await;
    let asking = (0..32).map(|_| server.get(CENTRE));
    let answers = futures_util::future::join_all(asking).await;
    assert!(answers.iter().all(|answer| answer.body == answers[0].body && answer.status == StatusCode::OK));
    let metrics = server.metrics().await;
    let made = metrics.lines().find(|line| line.starts_with("tile_query_duration_seconds_count")).unwrap();
    assert_eq!(made, r#"tile_query_duration_seconds_count{source="base"} 1"#);
}

fn json_of(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}
