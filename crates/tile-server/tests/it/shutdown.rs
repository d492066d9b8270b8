use crate::server::{CENTRE, Place, Server};
use reqwest::StatusCode;
use std::time::{Duration, Instant};
use testbed::Signal;

async fn start(settings: &[(&'static str, &str)]) -> Server {
    let mut place = Place::new();
    place.env = settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    place.start().await
}

async fn ended(server: &Server) {
    for _ in 0..2_000 {
        if !server.process.is_running() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it does not end\n{}", server.process.log_tail());
}

#[tokio::test]
async fn doors_stay_open_after_a_sigterm_until_callers_had_time_to_notice() {
    let server = start(&[("SHUTDOWN_DELAY_SECONDS", "10")]).await;
    assert_eq!(server.readiness().await, Some(200));
    let asked = Instant::now();
    server.process.signal(Signal::TERM);
    server.logged("asked to stop").await;
    for _ in 0..5 {
        assert_eq!(server.readiness().await, Some(503));
        let tile = server.get(CENTRE).await;
        assert_eq!((tile.status, tile.header("connection")), (StatusCode::OK, "close"));
    }
    ended(&server).await;
    assert!(asked.elapsed() >= Duration::from_secs(10));
}

#[tokio::test]
async fn a_second_signal_ends_the_delay() {
    let server = start(&[("SHUTDOWN_DELAY_SECONDS", "300")]).await;
    server.process.signal(Signal::TERM);
    server.logged("asked to stop").await;
    assert_eq!(server.get(CENTRE).await.status, StatusCode::OK);
    server.process.signal(Signal::TERM);
    ended(&server).await;
    server.logged("asked to stop a second time").await;
}

#[tokio::test]
async fn an_interrupt_by_hand_needs_no_delay() {
    let server = start(&[("SHUTDOWN_DELAY_SECONDS", "300")]).await;
    server.process.signal(Signal::INT);
    ended(&server).await;
}

#[tokio::test]
async fn who_serves_https_without_saying_how_many_proxies_there_are_is_warned() {
    let server = start(&[("PUBLIC_URL", "https://wildside.example")]).await;
    server.logged("PUBLIC_URL is https and TRUSTED_PROXIES is 0").await;
    for _ in 0..3 {
        server.get_with(CENTRE, &[("x-forwarded-for", "203.0.113.7")]).await;
    }
    server.logged("a request came with X-Forwarded-For").await;
    let log = std::fs::read_to_string(server.process.log()).unwrap();
    assert_eq!(log.matches("came with X-Forwarded-For").count(), 1, "{log}");
    let server = start(&[("PUBLIC_URL", "https://wildside.example"), ("TRUSTED_PROXIES", "1")]).await;
    server.get_with(CENTRE, &[("x-forwarded-for", "203.0.113.7")]).await;
    server.logged("listening").await;
    let log = std::fs::read_to_string(server.process.log()).unwrap();
    assert!(!log.contains("TRUSTED_PROXIES is 0"), "{log}");
}
