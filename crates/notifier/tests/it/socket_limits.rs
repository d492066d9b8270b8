use std::time::{Duration, SystemTime};
use testbed::{Options, Role};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    raw::{End, Handshake, UPGRADE, ask, end_of, frame},
    town::Town,
};

async fn town(settings: &[(&'static str, &str)]) -> Town {
    let env = settings.iter().map(|(name, value)| (Role::Notifier, *name, (*value).to_owned())).collect();
    Town::start(Options { workers: 0, env, ..Options::default() }).await
}

/// A handshake of a walker of their own.
async fn handshake(town: &Town, headers: &[(&str, &str)]) -> Handshake {
    let cookie = Town::cookie(town.system.session_key(), SystemTime::now());
    let headers: Vec<_> =
        UPGRADE.into_iter().chain([("Cookie", &*cookie)]).chain(headers.iter().copied()).collect();
    ask(&town.notifier, "GET /ws", &headers).await
}

/// Sends frames until the server has had enough, and hears how it says so.
async fn flood(stream: TcpStream, frames: Vec<u8>) -> End {
    let (mut from, mut to) = stream.into_split();
    let sending = tokio::spawn(async move {
        // It may be refused any time.
        to.write_all(&frames).await.ok();
        to.forget();
    });
    let end = end_of(&mut from).await;
    sending.abort();
    end
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_sends_too_much_of_anything_is_closed() {
    let town = town(&[]).await;
    let endless = [frame(0x01, b""), frame(0x00, b"").repeat(200_000)].concat();
    for (name, frames) in [
        ("pings", frame(0x89, b"still there?").repeat(5_000)),
        ("empty pings", frame(0x89, b"").repeat(100)),
        ("pongs that nobody asked for", frame(0x8a, b"").repeat(5_000)),
        ("a message in pieces without an end", endless),
    ] {
        let socket = handshake(&town, &[]).await;
        assert_eq!(socket.status, 101, "{name}");
        assert_eq!(flood(socket.stream, frames).await, End::Closed(1008), "{name}");
    }
    town.until_open(0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_may_ping_now_and_then() {
    let town = town(&[]).await;
    let mut socket = handshake(&town, &[]).await.stream;
    for _ in 0..10 {
        socket.write_all(&frame(0x89, b"still there?").repeat(2)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    town.until_open(1.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_may_knock_so_often() {
    let town = town(&[("RATE_LIMIT_ADDRESS_PER_MINUTE", "5")]).await;
    let mut open = Vec::new();
    for _ in 0..5 {
        open.push(handshake(&town, &[]).await);
        assert_eq!(open.last().unwrap().status, 101);
    }
    // Whatever it is, and whoever they say they are.
    for headers in [&[][..], &[("X-Forwarded-For", "203.0.113.7")], &[("Origin", "https://evil.example")]] {
        let refused = handshake(&town, headers).await;
        assert!(refused.wrongs(429).is_empty(), "{:?}", refused.wrongs(429));
        assert_eq!(refused.body["type"], "urn:wildside:problem:rate-limited");
        assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_so_many_sockets_whoever_they_belong_to() {
    let town = town(&[("SOCKETS_PER_ADDRESS", "3"), ("TRUSTED_PROXIES", "1")]).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(handshake(&town, &[("X-Forwarded-For", "203.0.113.7")]).await);
        assert_eq!(open.last().unwrap().status, 101);
    }
    for from in ["203.0.113.7", "6.6.6.6, 203.0.113.7"] {
        let refused = handshake(&town, &[("X-Forwarded-For", from)]).await;
        assert!(refused.wrongs(429).is_empty(), "{:?}", refused.wrongs(429));
        assert_eq!(refused.body["type"], "urn:wildside:problem:too-many-sockets");
    }
    assert_eq!(handshake(&town, &[("X-Forwarded-For", "203.0.113.8")]).await.status, 101);
    open.pop();
    town.until_open(2.0).await;
    assert_eq!(handshake(&town, &[("X-Forwarded-For", "203.0.113.7")]).await.status, 101);
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_so_many_sockets_and_who_comes_then_is_told_so() {
    let town = town(&[("MAX_CONNECTIONS", "16")]).await;
    let mut open = Vec::new();
    for _ in 0..15 {
        open.push(handshake(&town, &[]).await);
        assert_eq!(open.last().unwrap().status, 101);
    }
    let refused = handshake(&town, &[]).await;
    assert!(refused.wrongs(503).is_empty(), "{:?}", refused.wrongs(503));
    assert_eq!(refused.body["type"], "urn:wildside:problem:unavailable");
}
