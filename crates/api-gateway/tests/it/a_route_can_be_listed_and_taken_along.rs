use roxmltree::Document;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testbed::{Answer, Method, Options, StatusCode, Walker};

use crate::{town::Town, wrongs};

fn ids(page: &Value) -> Vec<String> {
    page["routes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["route_id"].as_str().unwrap().to_owned())
        .collect()
}

/// The address of the next page.
fn next(answer: &Answer) -> Option<String> {
    let (target, relation) = answer.header("link").split_once('>')?;
    assert_eq!(relation, "; rel=\"next\"");
    Some(target.trim_start_matches('<').to_owned())
}

/// All pages, along the links.
async fn pages(walker: &Walker, first: &str) -> Vec<Vec<String>> {
    let (mut pages, mut path) = (Vec::new(), Some(first.to_owned()));
    while let Some(at) = path {
        let answer = walker.get(&at).await.unwrap().success().unwrap();
        path = next(&answer);
        let page = answer.json();
        assert_eq!(page["next_cursor"].is_string(), path.is_some());
        pages.push(ids(&page));
    }
    pages
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_routes_is_read_page_by_page_newest_first() {
    let town = Town::start(Options::default()).await;
    let walker = town.walker().await;
    assert_eq!(pages(&walker, "/api/v1/users/me/routes").await, [Vec::<String>::new()]);
    let walk = town.walk(&walker, 1).await;
    // The rest of them are known by now, and come at once.
    let mut made = vec![walk["route_id"].as_str().unwrap().to_owned()];
    for _ in 0..6 {
        let (_, accepted) = walker.post_route(&town.wish(1)).await.unwrap();
        if accepted["status"] == "pending" {
            // The worker had told of the walk and not yet cached it.
            town.walk(&walker, 1).await;
        }
        made = ids(&walker.get("/api/v1/users/me/routes?limit=100").await.unwrap().json());
    }
    assert!(made.len() >= 7, "{made:?}");
    // Two that were made at the very same moment: the id decides.
    town.sql("UPDATE routes SET created_at = (SELECT max(created_at) FROM routes)").await;
    let all = pages(&walker, "/api/v1/users/me/routes").await.concat();
    assert_eq!(all.len(), made.len());
    assert_eq!(all.iter().collect::<BTreeSet<_>>(), made.iter().collect());
    for limit in [1, 2, 3, 7, 100] {
        let paged = pages(&walker, &format!("/api/v1/users/me/routes?limit={limit}")).await;
        assert!(paged.iter().all(|page| page.len() <= limit), "{paged:?}");
        assert_eq!(paged.concat(), all, "in pages of {limit}");
    }

    // Pinned ones alone, also across pages.
    for id in [&all[1], &all[4], &all[5]] {
        let pinned = walker.send(Method::PUT, &format!("/api/v1/routes/{id}/saved"), None).await.unwrap();
        assert_eq!(pinned.status, StatusCode::NO_CONTENT);
    }
    let pinned = pages(&walker, "/api/v1/users/me/routes?saved=true&limit=2").await;
    assert_eq!(pinned, [vec![all[1].clone(), all[4].clone()], vec![all[5].clone()]]);
    assert_eq!(pages(&walker, "/api/v1/users/me/routes?saved=false").await.concat(), all);

    // A line tells enough to choose by.
    let page = walker.get("/api/v1/users/me/routes?limit=1").await.unwrap().json();
    let line = &page["routes"][0];
    for field in ["distance_m", "duration_s"] {
        assert_eq!(line[field], walk[field], "{line}");
    }
    assert_eq!(line["stop_count"], walk["stops"].as_array().unwrap().len());
    assert_eq!(line["params"]["duration_minutes"], 45);
    // Somebody else's cursor shows nothing of theirs.
    let cursor = page["next_cursor"].as_str().unwrap();
    let other = town.walker().await;
    assert!(pages(&other, &format!("/api/v1/users/me/routes?cursor={cursor}")).await.concat().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_route_comes_as_json_as_geojson_and_as_gpx() {
    let town = Town::start(Options::default()).await;
    let walker = town.walker().await;
    let walk = town.walk(&walker, 1).await;
    let id = walk["route_id"].as_str().unwrap();
    let (path, stops) = (walk["path"]["coordinates"].as_array().unwrap(), walk["stops"].as_array().unwrap());
    assert!(path.len() >= 2 && !stops.is_empty());
    assert_eq!(walk["legs"].as_array().unwrap().len(), stops.len() + 1);
    assert!(walk["duration_s"].as_u64().unwrap() <= 45 * 60);
    assert_eq!(
        (path.first(), &walk["attribution"]),
        (path.last(), &json!("© OpenStreetMap contributors, ODbL 1.0"))
    );

    let geojson: Value =
        serde_json::from_str(&walker.export(id, "application/geo+json").await.unwrap()).unwrap();
    assert_eq!(geojson["type"], "FeatureCollection");
    let features = geojson["features"].as_array().unwrap();
    assert!(features.iter().all(|feature| feature["type"] == "Feature" && feature["properties"].is_object()));
    let of_kind = |kind: &str| -> Vec<&Value> {
        features.iter().map(|feature| &feature["geometry"]).filter(|shape| shape["type"] == kind).collect()
    };
    assert_eq!(of_kind("LineString"), [&walk["path"]]);
    assert_eq!(of_kind("Point"), stops.iter().map(|stop| &stop["location"]).collect::<Vec<_>>());

    let gpx = walker.export(id, "application/gpx+xml").await.unwrap();
    let document = Document::parse(&gpx).unwrap_or_else(|error| panic!("{error}\n{gpx}"));
    let root = document.root_element();
    assert_eq!((root.tag_name().name(), root.attribute("version")), ("gpx", Some("1.1")));
    assert_eq!(root.tag_name().namespace(), Some("http://www.topografix.com/GPX/1/1"));
    let points = |tag: &str| -> Vec<[f64; 2]> {
        let nodes = document
            .descendants()
            .filter(|node| node.has_tag_name(("http://www.topografix.com/GPX/1/1", tag)));
        nodes.map(|node| ["lon", "lat"].map(|name| node.attribute(name).unwrap().parse().unwrap())).collect()
    };
    let near = |found: &[[f64; 2]], wanted: &[&Value]| {
        assert_eq!(found.len(), wanted.len());
        for (found, wanted) in found.iter().zip(wanted) {
            for axis in 0..2 {
                assert!((found[axis] - wanted[axis].as_f64().unwrap()).abs() < 1e-6, "{found:?} {wanted}");
            }
        }
    };
    near(&points("trkpt"), &path.iter().collect::<Vec<_>>());
    near(&points("wpt"), &stops.iter().map(|stop| &stop["location"]["coordinates"]).collect::<Vec<_>>());
    let names = document.descendants().filter(|node| node.tag_name().name() == "wpt");
    for (node, stop) in names.zip(stops) {
        let name = node.children().find(|child| child.tag_name().name() == "name").unwrap().text().unwrap();
        assert_eq!(name, stop["name"].as_str().unwrap_or(&format!("Stop {}", stop["order"])));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_form_of_a_route_is_fetched_once_and_says_what_it_is() {
    let town = Town::start(Options::default()).await;
    let walker = town.walker().await;
    let walk = town.walk(&walker, 1).await;
    let path = format!("/api/v1/routes/{}", walk["route_id"].as_str().unwrap());
    let mut etags = BTreeSet::new();
    for (accept, kind) in [
        ("*/*", "application/json"),
        ("application/*;q=0.1, application/geo+json", "application/geo+json"),
        ("application/gpx+xml, application/json;q=0.9", "application/gpx+xml"),
    ] {
        let get = |etag: &str| {
            Walker::answer(
                walker.request(Method::GET, &path).header("accept", accept).header("if-none-match", etag),
            )
        };
        let first = get("\"none\"").await.unwrap();
        assert_eq!(first.header("content-type"), kind);
        assert_eq!(first.header("cache-control"), "private, no-cache");
        assert!(
            first.header("vary").contains("Accept") && first.header("vary").contains("Cookie"),
            "{}",
            first.header("vary")
        );
        let file = first.header("content-disposition").starts_with("attachment; filename=\"wildside-");
        assert_eq!(file, kind != "application/json");
        let again = get(first.header("etag")).await.unwrap();
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
        etags.insert(first.header("etag").to_owned());
    }
    assert_eq!(etags.len(), 3, "two forms share an ETag: {etags:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_is_not_complete_says_so_and_is_no_file() {
    let town = Town::start(Options { workers: 0, ..Options::default() }).await;
    let walker = town.walker().await;
    let (_, accepted) = walker.post_route(&town.wish(1)).await.unwrap();
    let path = format!("/api/v1/routes/{}", accepted["route_id"].as_str().unwrap());
    let pending = walker.get(&path).await.unwrap();
    assert_eq!((pending.status, pending.header("retry-after")), (StatusCode::OK, "1"));
    assert_eq!((pending.header("cache-control"), pending.header("etag")), ("no-store", ""));
    let body = pending.json();
    assert_eq!((&body["status"], &body["request_id"]), (&json!("pending"), &accepted["request_id"]));
    assert!(body.get("path").is_none() && body["params"]["seed"] == 1, "{body}");
    for accept in ["application/geo+json", "application/gpx+xml"] {
        let answer =
            Walker::answer(walker.request(Method::GET, &path).header("accept", accept)).await.unwrap();
        wrongs::assert_problem(&answer, 409);
        assert_eq!(
            (answer.header("retry-after"), &answer.json()["type"]),
            ("1", &json!("urn:wildside:problem:not-complete"))
        );
    }
    for method in [Method::PUT, Method::DELETE] {
        wrongs::assert_problem(&walker.send(method, &format!("{path}/saved"), None).await.unwrap(), 409);
    }
    assert_eq!(ids(&walker.get("/api/v1/users/me/routes").await.unwrap().json()), Vec::<String>::new());
}
