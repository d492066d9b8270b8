use axum::{Router, http::header};
use std::fs;
use testbed::{Authority, Options, Role, Scratch, TlsListener, authority};

use crate::town::Town;

/// Answers every address with a tile, behind TLS.
async fn martin(authority: &Authority) -> String {
    let listener = TlsListener::bind(&authority.server().unwrap(), None).await.unwrap();
    let url = listener.url().unwrap();
    let tile = async || ([(header::CONTENT_TYPE, "application/vnd.mapbox-vector-tile")], "a tile");
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(tile)).await });
    url
}

/// Status and body of a tile of a new walk, and what the gateway logged.
async fn tile(martin: String) -> (u16, String, String) {
    let env = vec![(Role::Gateway, "MARTIN_URL", martin)];
    let town = Town::start(Options { env, ..Options::default() }).await;
    let walker = town.walker().await;
    let route = town.walk(&walker, 1).await["route_id"].as_str().unwrap().to_owned();
    let answer = walker.get(&format!("/tiles/routes/{route}/14/9326/4741.pbf")).await.unwrap();
    let log = fs::read_to_string(town.system.gateway(0).unwrap().log()).unwrap();
    (answer.status.as_u16(), answer.text(), log)
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_of_routes_are_fetched_over_https() {
    let (status, body, _) = tile(martin(authority().unwrap()).await).await;
    assert_eq!((status, body.as_str()), (200, "a tile"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_martin_that_nobody_vouches_for_is_not_believed_and_the_log_says_why() {
    let scratch = Scratch::new("ca").unwrap();
    let (status, _, log) = tile(martin(&Authority::new(scratch.path()).unwrap()).await).await;
    assert_eq!(status, 503);
    assert!(log.contains("Martin is away") && log.contains("UnknownIssuer"), "{log}");
}
