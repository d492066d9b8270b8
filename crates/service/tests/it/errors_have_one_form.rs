use std::collections::HashSet;

use axum::{
    Extension, Json, Router,
    extract::{Path, Query},
    response::{AppendHeaders, IntoResponse, Response},
    routing::{get as on_get, post},
};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use service::{
    Problem,
    http::{RequestId, door, quiet_door},
    metrics,
};

use crate::visitor::{Answer, get, knock};

#[derive(Deserialize)]
struct Page {
    #[expect(dead_code, reason = "only the reading of it counts")]
    limit: u32,
}

async fn panics() -> Response {
    panic!("the secret is 42")
}

fn problem() -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "The wish makes no sense.")
        .of_kind("validation")
        .with_errors(&[json!({"pointer": "/duration_minutes", "detail": "must be at least 5"})])
        .retry_after(7)
        .with_header(header::ETAG, "\"3\"")
}

fn shop() -> Router {
    door(goods())
}

/// Everything that can go wrong behind a door.
fn goods() -> Router {
    Router::new()
        .route("/walks/{id}", on_get(async |Path(id): Path<u32>| id.to_string()))
        .route("/pages", on_get(async |Query(_): Query<Page>| "a page"))
        .route("/wishes", post(async |Json(_): Json<Value>| "granted"))
        .route("/panic", on_get(panics))
        .route("/status", on_get(async || StatusCode::BAD_GATEWAY))
        .route("/text", on_get(async || (StatusCode::CONFLICT, "a plain text")))
        .route("/odd", on_get(async || StatusCode::from_u16(499).unwrap()))
        .route("/problem", on_get(async || problem()))
        .route(
            "/cookies",
            on_get(async || {
                let cookies = [(header::SET_COOKIE, "a=1"), (header::SET_COOKIE, "b=2")];
                (StatusCode::FORBIDDEN, AppendHeaders(cookies), "no").into_response()
            }),
        )
        .route("/id", on_get(async |Extension(id): Extension<RequestId>| id.0.to_string()))
}

/// What every error has.
fn is_a_problem(answer: &Answer, status: u16, title: &str) {
    assert_eq!(answer.status.as_u16(), status);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!((&body["status"], &body["title"]), (&json!(status), &json!(title)));
    assert!(body["type"].is_string() && body["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
    assert_eq!(body["request_id"], answer.header("x-request-id"));
    assert!(body["request_id"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    if let Some(length) = answer.headers.get(header::CONTENT_LENGTH) {
        assert_eq!(length.to_str().unwrap(), answer.body.len().to_string());
    }
}

#[tokio::test]
async fn every_error_is_a_problem_document_whoever_made_it() {
    let (door, json) = (shop(), [("content-type", "application/json")]);
    is_a_problem(&get(&door, "/nowhere").await, 404, "Not Found");
    is_a_problem(&get(&door, "/walks/seven").await, 400, "Bad Request");
    is_a_problem(&get(&door, "/pages?limit=many").await, 400, "Bad Request");
    is_a_problem(&get(&door, "/status").await, 502, "Bad Gateway");
    is_a_problem(&get(&door, "/text").await, 409, "Conflict");
    is_a_problem(&get(&door, "/odd").await, 499, "Error");
    is_a_problem(&knock(&door, "POST", "/wishes", &json, "{").await, 400, "Bad Request");
    is_a_problem(&knock(&door, "POST", "/wishes", &[], "{}").await, 415, "Unsupported Media Type");
    let refused = knock(&door, "DELETE", "/wishes", &[], "").await;
    is_a_problem(&refused, 405, "Method Not Allowed");
    assert_eq!(refused.header("allow"), "POST");
}

#[tokio::test]
async fn behind_a_quiet_door_errors_have_the_same_form() {
    let door = quiet_door(goods());
    is_a_problem(&get(&door, "/nowhere").await, 404, "Not Found");
    is_a_problem(&get(&door, "/walks/seven").await, 400, "Bad Request");
    is_a_problem(&get(&door, "/text").await, 409, "Conflict");
    let panicked = get(&door, "/panic").await;
    is_a_problem(&panicked, 500, "Internal Server Error");
    assert!(!panicked.body.contains("secret"), "{}", panicked.body);
    let known = get(&door, "/id").await;
    assert_eq!(known.body, known.header("x-request-id"));
}

#[tokio::test]
async fn a_problem_keeps_its_kind_its_errors_and_its_headers() {
    let answer = get(&shop(), "/problem").await;
    is_a_problem(&answer, 422, "Unprocessable Entity");
    let body = answer.json();
    assert_eq!(body["type"], "urn:wildside:problem:validation");
    assert_eq!(body["detail"], "The wish makes no sense.");
    assert_eq!(body["errors"][0]["pointer"], "/duration_minutes");
    assert_eq!((answer.header("retry-after"), answer.header("etag")), ("7", "\"3\""));
}

#[tokio::test]
async fn all_headers_of_an_error_are_kept_also_those_that_come_twice() {
    let answer = get(&shop(), "/cookies").await;
    is_a_problem(&answer, 403, "Forbidden");
    let cookies: Vec<_> = answer.headers.get_all(header::SET_COOKIE).iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
}

#[tokio::test]
async fn a_panic_is_an_error_like_any_other_and_tells_no_secrets() {
    let answer = get(&shop(), "/panic").await;
    is_a_problem(&answer, 500, "Internal Server Error");
    assert!(!answer.body.contains("secret"), "{}", answer.body);
}

#[tokio::test]
async fn an_answer_that_is_no_error_is_left_as_it_is() {
    let answer = get(&shop(), "/walks/7").await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "7"));
    assert!(answer.header("content-type").starts_with("text/plain"));
    // Who knows that it may be kept says so.
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn every_request_has_an_id_of_its_own_whatever_the_caller_says() {
    let door = shop();
    let mut ids = HashSet::new();
    for _ in 0..50 {
        let answer = knock(&door, "GET", "/id", &[("x-request-id", "mine")], "").await;
        // What the handler knows it by is what the caller is told, once.
        assert_eq!(answer.body, answer.header("x-request-id"));
        assert_eq!(answer.headers.get_all("x-request-id").iter().count(), 1);
        ids.insert(answer.body);
    }
    assert_eq!(ids.len(), 50);
}

#[tokio::test]
async fn answers_are_counted_by_route_and_not_by_address() {
    metrics::install();
    let door = shop();
    for id in 0..3 {
        get(&door, &format!("/walks/{id}")).await;
    }
    get(&door, "/somewhere/else").await;
    let counted = metrics::render();
    let line = |labels: &str| {
        let line =
            counted.lines().find(|line| line.starts_with("http_requests_total") && line.contains(labels));
        line.unwrap_or_else(|| panic!("no {labels} in {counted}")).rsplit(' ').next().unwrap().to_owned()
    };
    // Other tests of this program knock as well.
    assert!(line(r#"route="/walks/{id}",status="200""#).parse::<u32>().unwrap() >= 3);
    assert!(line(r#"route="unmatched",status="404""#).parse::<u32>().unwrap() >= 1);
    assert!(counted.contains("http_request_duration_seconds_bucket"), "{counted}");
    assert!(!counted.contains("somewhere"), "{counted}");
}
