//! What is wrong with an answer that ought to be a problem document.

use serde_json::Value;
use testbed::Answer;

/// The fields that point at what was wrong, sorted.
pub fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut pointers: Vec<&str> = errors.iter().filter_map(|error| error["pointer"].as_str()).collect();
    pointers.sort_unstable();
    pointers
}

/// Everything that is wrong with an answer that should be a problem of this status.
pub fn of_problem(answer: &Answer, status: u16) -> Vec<String> {
    let problem = answer.json();
    let mut wrongs = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            wrongs.push(what);
        }
    };
    let got = answer.status.as_u16();
    expect(got == status, format!("the status is {got}, not {status}"));
    let kind = answer.header("content-type");
    expect(kind == "application/problem+json", format!("the media type is {kind:?}"));
    let id = answer.header("x-request-id");
    expect(uuid::Uuid::parse_str(id).is_ok(), format!("X-Request-Id is {id:?}"));
    expect(problem["request_id"] == id, "request_id is not X-Request-Id".into());
    expect(problem["status"] == got, "the document's status is another one".into());
    for field in ["type", "title", "detail"] {
        expect(problem[field].as_str().is_some_and(|text| !text.is_empty()), format!("there is no {field}"));
    }
    let kind = problem["type"].as_str().unwrap_or_default();
    expect(kind.starts_with("urn:wildside:problem:"), format!("the type is {kind:?}"));
    let known = ["type", "title", "status", "detail", "request_id", "errors"];
    let fields: Vec<String> =
        problem.as_object().map(|members| members.keys().cloned().collect()).unwrap_or_default();
    expect(fields.iter().all(|field| known.contains(&field.as_str())), format!("the fields are {fields:?}"));
    for error in problem["errors"].as_array().into_iter().flatten() {
        expect(error["pointer"].is_string(), format!("{error} has no pointer"));
        expect(
            error["detail"].as_str().is_some_and(|text| !text.is_empty()),
            format!("{error} has no detail"),
        );
    }
    expect(answer.header("cache-control") == "no-store", "it may be stored".into());
    if got == 405 {
        expect(!answer.header("allow").is_empty(), "it does not say which methods are allowed".into());
    }
    if got == 429 {
        let seconds: Option<u32> = answer.header("retry-after").parse().ok();
        expect(seconds.is_some_and(|seconds| seconds >= 1), "it does not say when to come again".into());
    }
    if !wrongs.is_empty() {
        wrongs.push(answer.text());
    }
    wrongs
}

/// Panics where the answer is not a problem of this status.
#[track_caller]
pub fn assert_problem(answer: &Answer, status: u16) {
    let wrongs = of_problem(answer, status);
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}
