use serde_json::{Value, json};
use std::collections::BTreeSet;
use testbed::{Answer, Method, Options, StatusCode, Walker};

use crate::{town::Town, wrongs};

async fn put(walker: &Walker, themes: &[String], if_match: Option<&str>) -> Answer {
    let mut request = walker.request(Method::PUT, "/api/v1/users/me/interests");
    if let Some(revision) = if_match {
        request = request.header("if-match", revision);
    }
    Walker::answer(request.json(&json!({"interest_theme_ids": themes}))).await.unwrap()
}

fn themes_of(profile: &Value) -> BTreeSet<String> {
    let themes = profile["interest_theme_ids"].as_array().unwrap();
    themes.iter().map(|theme| theme.as_str().unwrap().to_owned()).collect()
}

async fn get_if_new(walker: &Walker, path: &str, etag: &str) -> Answer {
    Walker::answer(walker.request(Method::GET, path).header("if-none-match", etag)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn interests_are_replaced_and_no_change_is_lost() {
    let town = Town::start(Options { workers: 0, ..Options::default() }).await;
    let walker = town.walker().await;
    let me = walker.get("/api/v1/users/me").await.unwrap();
    assert_eq!(me.json()["interest_theme_ids"], json!([]));
    assert_eq!(me.json()["preferences"]["popularity_bias"], 0.5);
    let before = me.header("etag").to_owned();
    assert_eq!(before, format!("\"{}\"", me.json()["revision"]));

    let changed = put(&walker, &town.themes[..3], Some(&before)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    assert_eq!(themes_of(&changed.json()), town.themes[..3].iter().cloned().collect());
    let after = changed.header("etag").to_owned();
    assert_ne!(after, before);
    assert_eq!(walker.get("/api/v1/users/me").await.unwrap().json(), changed.json());
    assert_eq!(get_if_new(&walker, "/api/v1/users/me", &after).await.status, StatusCode::NOT_MODIFIED);
    assert_eq!(get_if_new(&walker, "/api/v1/users/me", &before).await.status, StatusCode::OK);

    // Another device changed it from the same state: it is told, and the first change stands.
    let lost = put(&walker, &town.themes[3..4], Some(&before)).await;
    wrongs::assert_problem(&lost, 412);
    assert_eq!(lost.header("etag"), after);
    assert_eq!(themes_of(&walker.get("/api/v1/users/me").await.unwrap().json()).len(), 3);

    // Without a condition, or with any, it goes through; an empty list clears.
    assert_eq!(put(&walker, &town.themes, None).await.status, StatusCode::OK);
    let cleared = put(&walker, &[], Some("*")).await;
    assert_eq!((cleared.status, &cleared.json()["interest_theme_ids"]), (StatusCode::OK, &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_changes_of_one_revision_one_goes_through() {
    let town = Town::start(Options { workers: 0, gateways: 2, ..Options::default() }).await;
    let walker = town.walker().await;
    let elsewhere = walker.clone().at(&town.system.gateway(1).unwrap().base_url().unwrap(), "");
    let revision = walker.get("/api/v1/users/me").await.unwrap().header("etag").to_owned();
    let changes = (0..10)
        .map(|n| put(if n % 2 == 0 { &walker } else { &elsewhere }, &town.themes[n..=n], Some(&revision)));
    let answers = futures_util::future::join_all(changes).await;
    let done = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
    let lost = answers.iter().filter(|answer| answer.status == StatusCode::PRECONDITION_FAILED).count();
    assert_eq!((done, lost), (1, 9));
}

#[tokio::test(flavor = "multi_thread")]
async fn themes_are_public_and_fetched_once() {
    let town = Town::start(Options { workers: 0, ..Options::default() }).await;
    let stranger = town.stranger();
    let themes = stranger.get("/api/v1/interest-themes").await.unwrap();
    assert_eq!(themes.header("cache-control"), "public, max-age=300");
    let list = themes.json()["interest_themes"].as_array().unwrap().clone();
    assert!(list.len() >= 15, "{}", list.len());
    for theme in &list {
        for field in ["id", "name", "description", "icon"] {
            assert!(theme[field].as_str().is_some_and(|text| !text.is_empty()), "{theme}");
        }
    }
    let counted = town.sql("SELECT sum(poi_count) FROM interest_themes").await;
    let shown: i64 = list.iter().map(|theme| theme["poi_count"].as_i64().unwrap()).sum();
    assert_eq!(shown.to_string(), counted);
    let etag = themes.header("etag").to_owned();
    for known in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".into()] {
        let again = get_if_new(&stranger, "/api/v1/interest-themes", &known).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
        assert_eq!(again.header("etag"), etag);
    }
    // A change shows.
    town.sql("UPDATE interest_themes SET poi_count = poi_count + 1 WHERE position = 1").await;
    let new = get_if_new(&stranger, "/api/v1/interest-themes", &etag).await;
    assert_eq!(new.status, StatusCode::OK);
    assert_ne!(new.header("etag"), etag);
    // A retired theme is none to choose.
    let retired = &town.themes[0];
    town.sql(&format!("UPDATE interest_themes SET retired_at = now() WHERE id = '{retired}'")).await;
    let left = stranger.get("/api/v1/interest-themes").await.unwrap();
    assert!(!left.text().contains(retired));
    let refused = put(&town.walker().await, std::slice::from_ref(retired), None).await;
    wrongs::assert_problem(&refused, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_can_be_looked_at_by_anybody() {
    let town = Town::start(Options::default()).await;
    let walker = town.walker().await;
    let walk = town.walk(&walker, 1).await;
    let stops = walk["stops"].as_array().unwrap();
    assert!(!stops.is_empty());
    for stop in stops {
        let place = town.stranger().get(&format!("/api/v1/pois/{}", stop["poi_id"])).await.unwrap();
        assert_eq!(place.header("cache-control"), "public, max-age=300");
        let place = place.success().unwrap().json();
        assert_eq!(place["id"], stop["poi_id"]);
        for field in ["name", "location", "themes", "popularity_score", "narrative"] {
            assert_eq!(place[field], stop[field], "{field} of {place}");
        }
        assert!(place["tags"].as_object().is_some_and(|tags| !tags.is_empty()), "{place}");
        assert!(place["attribution"].as_str().unwrap().contains("OpenStreetMap"), "{place}");
        assert!(place["osm"].as_str().unwrap().contains('/'), "{place}");
        assert_eq!(place["retired"], false);
        let (local, english) = (place["name"].as_str(), place["tags"]["name:en"].as_str());
        let tells_more = |name: &&str| local.is_none_or(|local| local.to_lowercase() != name.to_lowercase());
        assert_eq!(place["name_en"].as_str(), english.filter(tells_more), "{place}");
    }
    let poi = &stops[0]["poi_id"];
    let names = r#"{"name": "Kolme seppää", "name:en": "The Three Smiths"}"#;
    let sql = format!("UPDATE pois SET osm_tags = osm_tags || '{names}' WHERE id = {poi}");
    town.system.database().sql(&sql).await.unwrap();
    let place = town.stranger().get(&format!("/api/v1/pois/{poi}")).await.unwrap().success().unwrap().json();
    assert_eq!(place["name_en"], "The Three Smiths");
}
