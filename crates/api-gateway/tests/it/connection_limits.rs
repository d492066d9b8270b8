use std::time::Duration;
use testbed::{Options, StatusCode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{raw::Raw, town::Town};

/// The status of an answer on a connection of its own; nothing where there is none within two seconds.
async fn status(address: &str, path: &str) -> Option<String> {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(String::from_utf8_lossy(&answer).split(' ').nth(1).map(str::to_owned))
    };
    tokio::time::timeout(Duration::from_secs(2), ask).await.ok()?.ok()?
}

#[tokio::test(flavor = "multi_thread")]
async fn with_few_files_and_many_idle_connections_probes_answer_and_the_door_comes_back() {
    let town = Town::start(Options { workers: 0, ..Options::default() }).await;
    let gateway = town.another_gateway_with_few_files(256).await;
    let door = gateway.url.trim_start_matches("http://").to_owned();
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(TcpStream::connect(&door).await.unwrap());
    }
    // Who comes now is told that there is no place.
    assert_eq!(status(&door, "/api/v1/interest-themes").await.as_deref(), Some("503"));
    for _ in 0..5 {
        for path in ["/healthz", "/readyz", "/metrics"] {
            assert_eq!(status(&gateway.admin, path).await.as_deref(), Some("200"), "{path}");
        }
    }
    // Whoever says nothing is shown out, and others are served.
    let mut answered = None;
    for _ in 0..150 {
        answered = status(&door, "/api/v1/interest-themes").await;
        assert_eq!(status(&gateway.admin, "/readyz").await.as_deref(), Some("200"));
        if answered.as_deref() == Some("200") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(answered.as_deref(), Some("200"));
    let log = std::fs::read_to_string(gateway.log()).unwrap();
    assert!(!log.contains("connections cannot be accepted"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_says_that_its_type_is_what_it_says() {
    let town = Town::start(Options { workers: 0, ..Options::default() }).await;
    for path in [
        "/api/v1/interest-themes",
        "/api/v1/openapi.json",
        "/api/v1/users/me",
        "/nowhere",
        "/tiles/routes/1/2/3/4",
    ] {
        let answer = Raw::get(path).send(&town.gateway).await.unwrap();
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
    let admin = town.system.gateway(0).unwrap().admin_url();
    for path in ["/healthz", "/readyz", "/metrics", "/nowhere"] {
        // The admin server is no part of the contract, which `Raw` holds every answer against.
        let answer = reqwest::get(format!("{admin}{path}")).await.unwrap();
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_without_its_database_is_ready_and_says_what_is_wrong() {
    let options = Options { workers: 0, own_postgres: Some(testbed::Durability::Fast), ..Options::default() };
    let town = Town::start(options).await;
    let walker = town.walker().await;
    town.system.postgres().unwrap().stop().await;
    let refused = walker.get("/api/v1/users/me").await.unwrap();
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.json()["type"], "urn:wildside:problem:unavailable");
    let admin = town.system.gateway(0).unwrap().admin_url();
    let ready = Raw::get("/readyz").send(&admin).await.unwrap();
    assert_eq!(ready.status, StatusCode::OK);
    // It is told all the same.
    assert_ne!(ready.json()["postgresql"], "ok");
}
