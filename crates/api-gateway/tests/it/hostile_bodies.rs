//! What a caller wrote comes back in short, whatever and however much it is.

use serde_json::{Value, json};
use testbed::Options;

use crate::{raw::Raw, town::Town, wrongs};

/// Longest answer to anything that is wrong: 4 KiB of errors, and the rest of the document.
const MAX_ANSWER_BYTES: usize = 6 * 1024;
const MAX_BODY_BYTES: usize = 16 * 1024;

/// As much of what `part` makes of a number as fits into a body, between two other parts.
fn fill(start: &str, part: impl Fn(usize) -> String, end: &str) -> String {
    let mut body = start.to_owned();
    for number in 0.. {
        let next = part(number);
        if body.len() + next.len() + end.len() > MAX_BODY_BYTES {
            break;
        }
        body += &next;
    }
    body + end
}

fn hostile_bodies() -> Vec<(&'static str, String)> {
    let point = r#"{"type":"Point","coordinates":[24.94,60.17]}"#;
    vec![
        ("short unknown fields", fill("{\"z\":1", |n| format!(",\"{n}\":1"), "}")),
        ("unknown fields of one letter each", fill("{\"z\":1", |n| format!(",\"{}\":1", letter(n)), "}")),
        ("long unknown fields", fill("{\"z\":1", |n| format!(",\"{n}{}\":1", "x".repeat(1000)), "}")),
        ("one unknown field of 16 KB", format!("{{\"{}\":1}}", "k".repeat(16_000))),
        ("an unknown field of escapes", format!("{{\"{}\":1}}", "\\u0001".repeat(2600))),
        ("an unknown field of quotes", format!("{{\"{}\":1}}", "\\\"".repeat(8000))),
        ("an unknown field of slashes and tildes", format!("{{\"{}\":1}}", "/~".repeat(8000))),
        ("an unknown field of emoji", format!("{{\"{}\":1}}", "😀".repeat(4000))),
        ("an unknown field of escaped emoji", format!("{{\"{}\":1}}", "\\ud83d\\ude00".repeat(1300))),
        (
            "unknown fields in every object",
            fill(
                &format!("{{\"start_location\":{point},\"accessibility\":{{\"z\":1"),
                |n| format!(",\"{n}\":1"),
                "},\"z\":{}}",
            ),
        ),
        ("a field a thousand times", fill("{\"seed\":-1", |_| ",\"seed\":-1".into(), "}")),
        ("an unknown field a thousand times", fill("{\"z\":1", |_| ",\"z\":1".into(), "}")),
        ("themes that are none", fill("{\"interest_theme_ids\":[0", |_| ",0".into(), "]}")),
        (
            "themes of long texts",
            fill("{\"interest_theme_ids\":[0", |_| format!(",\"{}\"", "x".repeat(800)), "]}"),
        ),
        ("a hundred themes that are none", format!("{{\"interest_theme_ids\":[{}0]}}", "0,".repeat(19))),
        ("lists in lists", "[".repeat(16_000)),
        ("objects in objects", "{\"a\":".repeat(3000)),
        ("a known field that is deep", format!("{{\"seed\":{}1{}}}", "[".repeat(100), "]".repeat(100))),
        ("a number of 16,000 digits", format!("{{\"seed\":{}}}", "9".repeat(16_000))),
        ("a number of 16,000 decimals", format!("{{\"popularity_bias\":1.{}}}", "9".repeat(16_000))),
        ("an exponent beyond all doubles", format!("{{\"popularity_bias\":1e{}}}", "9".repeat(16_000))),
        ("NaN", format!("{{\"popularity_bias\":NaN{}}}", " ".repeat(16_000))),
        ("a text without an end", format!("{{\"{}", "x".repeat(16_000))),
        ("a text of controls", format!("{{\"a\":\"{}\"}}", "\u{1}".repeat(16_000))),
        ("half surrogates", format!("{{\"a\":\"{}\"}}", "\\ud800".repeat(2600))),
        ("a type of 16 KB", format!("{{\"start_location\":{{\"type\":\"{}\"}}}}", "P".repeat(15_900))),
        ("a start of 16 KB", format!("{{\"start_time\":\"{}\"}}", "2".repeat(15_900))),
    ]
}

fn letter(number: usize) -> char {
    char::from_u32(0x4e00 + number as u32).unwrap_or('x')
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_hostile_body_is_short() {
    let town = Town::start(Options { workers: 0, ..Options::default() }).await;
    let walker = town.walker().await;
    for (method, path) in [("POST", "/api/v1/routes"), ("PUT", "/api/v1/users/me/interests")] {
        for (name, body) in hostile_bodies() {
            assert!(body.len() <= MAX_BODY_BYTES, "{name}: {} bytes", body.len());
            let request = Raw::new(method, path).header("Cookie", walker.cookie().unwrap());
            let request = request.header("Content-Type", "application/json").body(&body);
            let answer = request.send(&town.gateway).await.unwrap();
            let status = answer.status.as_u16();
            assert!([400, 422].contains(&status), "{name}: {}", answer.text());
            wrongs::assert_problem(&answer, status);
            let bytes = answer.body.len();
            assert!(bytes <= MAX_ANSWER_BYTES, "{method} {name}: {} bytes get {bytes}", body.len());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_listed_is_counted() {
    let town = Town::start(Options { workers: 0, ..Options::default() }).await;
    let walker = town.walker().await;
    let mut wish = town.wish(1);
    for number in 0..500 {
        wish[format!("field{number:03}")] = json!(1);
    }
    let answer = Raw::post_route(wish.to_string()).header("Cookie", walker.cookie().unwrap());
    let answer = answer.send(&town.gateway).await.unwrap();
    wrongs::assert_problem(&answer, 422);
    let problem = answer.json();
    let errors = problem["errors"].as_array().unwrap();
    assert!(errors.len() <= 20, "{} errors", errors.len());
    assert_eq!(errors[0]["pointer"], "/field000");
    let last = errors.last().unwrap();
    let more = 500 - (errors.len() - 1);
    assert_eq!(*last, json!({"pointer": "", "detail": format!("{more} more errors are not listed")}));
    assert_eq!(problem["detail"], "500 fields are wrong; see errors.");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_hostile_address_is_short() {
    let town = Town::start(Options { workers: 0, ..Options::default() }).await;
    let walker = town.walker().await;
    let many: String = (0..2000).map(|number| format!("&p{number}=1")).collect();
    let routes = "/api/v1/users/me/routes";
    for target in [
        format!("{routes}?z=1{many}"),
        format!("{routes}?{}=1", "x".repeat(30_000)),
        format!("{routes}?{}=1", "%01".repeat(10_000)),
        format!("{routes}?limit={}", "9".repeat(30_000)),
        format!("{routes}?limit=1{}", "&limit=1".repeat(3000)),
        format!("{routes}?cursor={}", "%F0%9F%98%80".repeat(2000)),
        format!("/api/v1/routes/{}", "x".repeat(30_000)),
        format!("/api/v1/pois/{}", "9".repeat(30_000)),
        format!("/{}", "x/".repeat(15_000)),
    ] {
        let answer =
            Raw::get(&target).header("Cookie", walker.cookie().unwrap()).send(&town.gateway).await.unwrap();
        assert!([404, 422].contains(&answer.status.as_u16()), "{}", answer.text());
        let (asked, got) = (target.len(), answer.body.len());
        assert!(got <= MAX_ANSWER_BYTES, "{asked} bytes of address get {got}: {}", &target[..60]);
        let problem: Value = answer.json();
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() < 1500), "{problem}");
    }
}
