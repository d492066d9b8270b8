//! A body is read as what it says of itself, or not at all.

use flate2::{Compression, write::GzEncoder};
use std::io::Write;
use testbed::{Options, StatusCode};

use crate::{raw::Raw, town::Town, wrongs};

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_coded_or_claims_to_be_is_refused() {
    let town = Town::start(Options { workers: 0, ..Options::default() }).await;
    let walker = town.walker().await;
    let wish = town.wish(1).to_string();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(wish.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let post = || Raw::new("POST", "/api/v1/routes").header("Cookie", walker.cookie().unwrap());
    let json = || post().header("Content-Type", "application/json");
    let before = town.rows().await;

    let coded = |name, lines: &[&str], body: &[u8]| {
        let with = lines.iter().fold(json(), |request, line| request.header("Content-Encoding", line));
        (name, with.body(body))
    };
    let cases = [
        coded("a plain body that claims to be gzip", &["gzip"], wish.as_bytes()),
        coded("a gzip body", &["gzip"], &gzip),
        coded("a gzip body in capitals", &["GZIP"], &gzip),
        coded("deflate", &["deflate"], wish.as_bytes()),
        coded("br", &["br"], wish.as_bytes()),
        coded("zstd", &["zstd"], wish.as_bytes()),
        coded("a coding of nobody's", &["x-secret"], wish.as_bytes()),
        coded("a coding that is not ASCII", &["gz\u{ef}p"], wish.as_bytes()),
        coded("gzip after identity", &["identity, gzip"], wish.as_bytes()),
        coded("gzip on a second line", &["identity", "gzip"], wish.as_bytes()),
        coded("aws-chunked", &["aws-chunked"], wish.as_bytes()),
    ];
    for (name, request) in cases {
        let answer = request.send(&town.gateway).await.unwrap();
        let found = wrongs::of_problem(&answer, 415);
        assert!(found.is_empty(), "{name}: {}", found.join("\n"));
        assert_eq!(answer.json()["type"], "urn:wildside:problem:unsupported-content-encoding", "{name}");
        assert_eq!(answer.header("accept-encoding"), "identity", "{name}");
    }

    let typed = |name, lines: &[&str], status: u16| {
        let with = lines.iter().fold(post(), |request, line| request.header("Content-Type", line));
        (name, with.body(&wish), status)
    };
    for (name, request, status) in [
        typed("two content types", &["application/json", "application/json"], 400),
        typed("a content type after another", &["text/plain", "application/json"], 400),
        typed("two content types on a line", &["application/json, application/json"], 415),
        typed("UTF-16", &["application/json; charset=utf-16"], 415),
        typed("Latin 1", &["application/json;charset=\"ISO-8859-1\""], 415),
    ] {
        let answer = request.send(&town.gateway).await.unwrap();
        let found = wrongs::of_problem(&answer, status);
        assert!(found.is_empty(), "{name}: {}", found.join("\n"));
        let accepted = if status == 415 { "application/json" } else { "" };
        assert_eq!(answer.header("accept"), accepted, "{name}");
    }
    let chunks = format!("{:x}\r\n{wish}\r\n0\r\n\r\n", wish.len());
    let answer = json().header("Transfer-Encoding", "gzip, chunked").bytes(chunks).send(&town.gateway).await;
    // The HTTP library may refuse it by itself.
    assert!(answer.is_none_or(|answer| [400, 501].contains(&answer.status.as_u16())));
    assert_eq!(town.rows().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_plain_json_is_read_however_it_says_so() {
    let town = Town::start(Options { workers: 0, ..Options::default() }).await;
    for (name, lines) in [
        ("in capitals", &[("Content-Type", "Application/JSON")][..]),
        ("in UTF-8", &[("Content-Type", "application/json; charset=UTF-8")]),
        ("in quoted UTF-8", &[("Content-Type", "application/json ;Charset=\"utf-8\"")]),
        ("as identity", &[("Content-Type", "application/json"), ("Content-Encoding", "Identity")]),
        ("with an empty coding", &[("Content-Type", "application/json"), ("Content-Encoding", "")]),
    ] {
        let walker = town.walker().await;
        let post = Raw::new("POST", "/api/v1/routes").header("Cookie", walker.cookie().unwrap());
        let request = lines.iter().fold(post, |request, (name, value)| request.header(name, value));
        let answer = request.body(town.wish(1).to_string()).send(&town.gateway).await.unwrap();
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{name}: {}", answer.text());
    }
}
