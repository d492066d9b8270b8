use std::time::Duration;
use testbed::{Options, Role};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    raw::{End, UPGRADE, ask, end_of, frame},
    town::Town,
};

async fn connect(town: &Town, cookie: &str) -> TcpStream {
    let headers: Vec<(&str, &str)> = UPGRADE.into_iter().chain([("Cookie", cookie)]).collect();
    let answer = ask(&town.notifier, "GET /ws", &headers).await;
    assert_eq!(answer.status, 101);
    answer.stream
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_protocol_is_closed_with_the_right_code() {
    let town = Town::start(Options { workers: 0, ..Options::default() }).await;
    let walker = town.walker().await;
    let cookie = walker.cookie().unwrap();
    let (wrong, no_text, too_long) = (1002, 1007, 1009);
    let cases = [
        ("a frame without a mask", vec![0x81, 2, b'{', b'}'], wrong),
        ("a reserved kind of frame", frame(0x83, b"{}"), wrong),
        ("a reserved kind of control frame", frame(0x8b, b"{}"), wrong),
        ("a reserved bit", frame(0xc1, b"{}"), wrong),
        ("a ping in pieces", frame(0x09, b"are you"), wrong),
        ("a ping of 126 bytes", frame(0x89, &[b'x'; 126]), wrong),
        ("an end without a beginning", frame(0x80, b"{}"), wrong),
        ("a beginning within a message", [frame(0x01, b"{"), frame(0x81, b"}")].concat(), wrong),
        ("a close of half a code", frame(0x88, &[3]), wrong),
        ("a text that is not UTF-8", frame(0x81, &[0xff, 0xfe]), no_text),
        ("a text that ends in the middle of a letter", frame(0x81, &[0xc3]), no_text),
        (
            "a frame that says it is 2^62 bytes long",
            [&[0x82, 0xff, 0x40][..], &[0; 7], &[0; 4]].concat(),
            too_long,
        ),
        (
            "a message in pieces that are too long together",
            [frame(0x01, &[b' '; 3000]), frame(0x80, &[b' '; 3000])].concat(),
            too_long,
        ),
        ("HTTP", b"GET /ws HTTP/1.1\r\nHost: wildside.test\r\n\r\n".to_vec(), wrong),
    ];
    let before = town.rows().await;
    let mut wrongs = Vec::new();
    for (name, bytes, code) in cases {
        let mut stream = connect(&town, cookie).await;
        stream.write_all(&bytes).await.unwrap();
        let end = end_of(&mut stream).await;
        if end != End::Closed(code) {
            wrongs.push(format!("{name}: {end:?}, not {code}"));
        }
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
    town.until_open(0.0).await;
    assert_eq!(town.rows().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_in_the_middle_is_forgotten() {
    let town = Town::start(Options { workers: 0, ..Options::default() }).await;
    let walker = town.walker().await;
    let cookie = walker.cookie().unwrap();
    let good = frame(0x81, b"{}");
    for said in [&[][..], &good[..1], &good[..4], &good[..good.len() - 1], &frame(0x01, b"{")] {
        let mut stream = connect(&town, cookie).await;
        stream.write_all(said).await.unwrap();
        drop(stream);
    }
    town.until_open(0.0).await;
    // A close is answered with a close, and then it is over.
    let mut stream = connect(&town, cookie).await;
    stream.write_all(&frame(0x88, &1000_u16.to_be_bytes())).await.unwrap();
    assert_eq!(end_of(&mut stream).await, End::Closed(1000));
    town.until_open(0.0).await;
    // The notifier is as well as before.
    walker.websocket().await.unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_is_answered_and_who_answers_none_is_gone() {
    let env = vec![(Role::Notifier, "PING_SECONDS", "1".into())];
    let town = Town::start(Options { workers: 0, env, ..Options::default() }).await;
    let walker = town.walker().await;
    let mut stream = connect(&town, walker.cookie().unwrap()).await;
    stream.write_all(&frame(0x89, b"echo")).await.unwrap();
    let mut pong = [0; 6];
    stream.read_exact(&mut pong).await.unwrap();
    assert_eq!(&pong, b"\x8a\x04echo");
    // One that answers pings stays; the library does that while it reads.
    let mut polite = walker.websocket().await.unwrap();
    let reading = tokio::spawn(async move { polite.next(Duration::from_secs(6)).await.is_err() });
    // Silent from here on: after two unanswered pings it is over.
    assert_eq!(end_of(&mut stream).await, End::Cut);
    town.until_open(1.0).await;
    assert!(reading.await.unwrap(), "the polite one was cut off as well");
}
