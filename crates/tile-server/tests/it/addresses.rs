use crate::server::{CENTRE, Place};
use reqwest::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The head of the answer to a path that is sent as it is: a client would tidy it up.
async fn raw(origin: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(origin.trim_start_matches("http://")).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).split("\r\n\r\n").next().unwrap().to_owned()
}

#[tokio::test]
async fn one_thing_has_one_address() {
    let server = Place::new().start().await;
    let route = "0198f3c6-7a80-7000-8000-000000000001";
    let exist = [
        format!("/tiles/{CENTRE}"),
        format!("/tiles/{CENTRE}?layers=land"),
        "/tiles/base/0/0/0.pbf".into(),
        "/tiles/base.json".into(),
        "/tiles/style.json".into(),
        format!("/tiles/style.json?route={route}"),
        "/tiles/fonts/Noto%20Sans%20Regular/0-255.pbf".into(),
        "/tiles/sprites/icons@2x.png".into(),
    ];
    for path in exist {
        let head = raw(server.url(), &path).await;
        assert!(head.starts_with("HTTP/1.1 200") || head.starts_with("HTTP/1.1 204"), "{path}: {head}");
    }
    let redirects = [
        ("/tiles/base/14/9326/4741", "/tiles/base/14/9326/4741.pbf"),
        ("/tiles/base/14/9326/4741.mvt", "/tiles/base/14/9326/4741.pbf"),
        ("/tiles/base/14/9326/4741.mvt?layers=land", "/tiles/base/14/9326/4741.pbf?layers=land"),
        ("/tiles/base/14/9326/4741.pbf?", "/tiles/base/14/9326/4741.pbf"),
        ("/tiles/style.json?", "/tiles/style.json"),
    ];
    for (path, target) in redirects {
        let head = raw(server.url(), path).await;
        assert!(head.starts_with("HTTP/1.1 308"), "{path}: {head}");
        assert!(head.contains(&format!("location: {target}\r\n")), "{path}: {head}");
    }
    let layers =
        ["land,land", "roads,land", "land,roads", "land,", ",land", "LAND", "l%61nd", "land&layers=land"];
    let layers = layers.map(|layers| format!("{CENTRE}?layers={layers}"));
    let routes = [
        &route.to_uppercase(),
        &route.replace('-', ""),
        &format!("%30{}", &route[1..]),
        &format!("{route}&"),
    ];
    let routes = routes.map(|route| format!("style.json?route={route}"));
    let others = [
        "base/000014/9326/4741.pbf",
        "base/14/09326/4741.pbf",
        "base/14/+9326/4741.pbf",
        "base/14/9326/4741.pbf/",
        "base/14/9326//4741.pbf",
        "base/14/9326/4741.PBF",
        "base/14/9326/4741.pbf.pbf",
        "base/14/9326/4741.pbf?layer=land",
        "base/14/9326/4741.pbf?v=1",
        "base/14/9326/4741%2Epbf",
        "base/14/9326/474%31.pbf",
        "b%61se/14/9326/4741.pbf",
        "BASE/14/9326/4741.pbf",
        "base",
        "base.json?route=0198f3c6-7a80-7000-8000-000000000001",
        "base.json?v=1",
        "catalog.json?v=1",
        "catalog%2ejson",
        "style.JSON",
        "fonts/Noto%20Sans%20Regular,Noto%20Sans%20Regular/0-255.pbf",
        "fonts/Noto%20Sans%20Regular,Noto%20Sans%20Italic/0-255.pbf",
        "fonts/%20Noto%20Sans%20Regular/0-255.pbf",
        "fonts/Noto%20Sans%20Regul%61r/0-255.pbf",
        "fonts/Noto%20Sans%20Regular/+0-255.pbf",
        "fonts/Noto%20Sans%20Regular/0-+255.pbf",
        "fonts/Noto%20Sans%20Regular/000-255.pbf",
        "fonts/Noto%20Sans%20Regular/0-0255.pbf",
        "fonts/Noto%20Sans%20Regular/0-255.pbf?v=1",
        "sprites/icons%402x.png",
        "sprites/icons.png?v=1",
    ];
    for path in others.map(str::to_owned).into_iter().chain(layers).chain(routes) {
        let head = raw(server.url(), &format!("/tiles/{path}")).await;
        assert!(head.starts_with("HTTP/1.1 404"), "{path}: {head}");
        assert!(head.contains("cache-control: no-store"), "{path}: {head}");
    }
}

/// What is outside of the map is never asked for twice, and would only drive out what is in it.
#[tokio::test]
async fn the_rest_of_the_world_takes_no_room_in_the_cache() {
    let server = Place::new().start().await;
    for x in 0..200 {
        assert_eq!(server.get(&format!("base/16/{x}/0.pbf")).await.status, StatusCode::NO_CONTENT);
    }
    let metrics = server.metrics().await;
    assert!(!metrics.contains("outcome=\"empty_hit\""), "{metrics}");
    for x in 0..2 {
        assert_eq!(server.get(&format!("base/16/{x}/0.pbf")).await.status, StatusCode::NO_CONTENT);
    }
    let metrics = server.metrics().await;
    assert!(!metrics.contains("outcome=\"empty_hit\""), "{metrics}");
    assert!(!metrics.contains("tile_query_duration_seconds_count"), "{metrics}");
}

#[tokio::test]
async fn an_address_may_ask_so_often_and_ten_times_as_often_for_tiles() {
    let mut place = Place::new();
    place.env = vec![("RATE_LIMIT_ADDRESS_PER_MINUTE", "5".into())];
    let server = place.start().await;
    let until_refused = async |path: &str| {
        for asked in 0..200 {
            let answer = server.get(path).await;
            if answer.status != StatusCode::OK {
                assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
                assert_eq!(answer.header("content-type"), "application/problem+json");
                assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
                assert!(answer.text().contains("urn:wildside:problem:rate-limited"));
                return asked;
            }
        }
        panic!("nobody is turned away");
    };
    assert!((50..60).contains(&until_refused(CENTRE).await));
    assert!((5..10).contains(&until_refused("catalog.json").await));
    let metrics = server.metrics().await;
    assert!(metrics.contains("rate_limited_total{policy=\"address\"} 2"), "{metrics}");
}
