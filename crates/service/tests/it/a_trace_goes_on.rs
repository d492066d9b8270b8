use std::sync::LazyLock;

use axum::{Extension, Router, routing::get as on_get};
use http::HeaderMap;
use service::{
    config::{ReportingConfig, TlsConfig},
    http::{RequestId, door, quiet_door},
    telemetry::{self, TelemetryGuard},
};

use tracing::Instrument;

use crate::visitor::{get, knock};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// Traces, without a word in the log of the tests; once for the whole program.
static TELEMETRY: LazyLock<TelemetryGuard> = LazyLock::new(|| {
    let admin_addr = "127.0.0.1:0".parse().unwrap();
    let quiet = ReportingConfig { admin_addr, log: "off".into(), otlp_endpoint: None };
    telemetry::start("service-tests", &quiet, &TlsConfig::default()).unwrap()
});

/// Answers with the trace context that a message sent by the handler would carry.
fn echo() -> Router {
    LazyLock::force(&TELEMETRY);
    door(Router::new().route("/", on_get(async || telemetry::traceparent().unwrap_or_default())))
}

/// The ids of trace and span.
fn ids(traceparent: &str) -> (&str, &str) {
    let parts: Vec<&str> = traceparent.split('-').collect();
    let ["00", trace, span, flags] = parts[..] else { panic!("not a traceparent: {traceparent:?}") };
    assert_eq!((trace.len(), span.len(), flags.len()), (32, 16, 2), "{traceparent}");
    (trace, span)
}

#[tokio::test]
async fn a_stranger_names_neither_our_trace_nor_whether_it_is_recorded() {
    let door = echo();
    let mut traces = Vec::new();
    for flags in ["01", "00"] {
        let from_caller = format!("00-{TRACE}-{CALLER}-{flags}");
        let answer = knock(&door, "GET", "/", &[("traceparent", &from_caller)], "").await;
        let (trace, span) = ids(&answer.body);
        assert!(trace != TRACE && span != CALLER, "{}", answer.body);
        assert!(answer.body.ends_with("-01"), "{}", answer.body);
        traces.push(trace.to_owned());
    }
    assert_ne!(traces[0], traces[1]);
}

#[tokio::test]
async fn a_trace_of_our_own_goes_on_in_another_span() {
    LazyLock::force(&TELEMETRY);
    let span = tracing::info_span!("job", trace_id = tracing::field::Empty);
    telemetry::join_trace(&span, Some(&format!("00-{TRACE}-{CALLER}-01")));
    let passed_on = span.in_scope(telemetry::traceparent).unwrap();
    let (trace, span) = ids(&passed_on);
    assert!(trace == TRACE && span != CALLER && passed_on.ends_with("-01"), "{passed_on}");
}

#[tokio::test]
async fn a_caller_without_a_trace_gets_a_new_one_each_time() {
    let door = echo();
    let (first, second) = (get(&door, "/").await.body, get(&door, "/").await.body);
    assert_ne!(ids(&first).0, ids(&second).0);
}

#[tokio::test]
async fn a_trace_that_makes_no_sense_changes_nothing() {
    let door = echo();
    let zeros = "0".repeat(32);
    for nonsense in [
        "",
        "walk",
        "00-xyz-b7ad6b7169203331-01",
        &format!("00-{zeros}-{CALLER}-01"),
        &format!("ff-{TRACE}-{CALLER}-01"),
    ] {
        let answer = knock(&door, "GET", "/", &[("traceparent", nonsense)], "").await;
        let (trace, _) = ids(&answer.body);
        assert!(trace != TRACE && trace != zeros, "{nonsense}: {}", answer.body);
    }
}

#[tokio::test]
async fn behind_a_quiet_door_only_work_has_a_span() {
    LazyLock::force(&TELEMETRY);
    let context = async || telemetry::traceparent().unwrap_or_default();
    let work = async move |Extension(id): Extension<RequestId>, headers: HeaderMap| {
        context().instrument(id.span("work", &headers)).await
    };
    let door = quiet_door(Router::new().route("/known", on_get(context)).route("/work", on_get(work)));
    let from_caller = format!("00-{TRACE}-{CALLER}-01");
    let headers = [("traceparent", &*from_caller)];
    assert_eq!(knock(&door, "GET", "/known", &headers, "").await.body, "");
    let answer = knock(&door, "GET", "/work", &headers, "").await;
    let (trace, span) = ids(&answer.body);
    assert!(trace != TRACE && span != CALLER, "{}", answer.body);
}

#[tokio::test]
async fn outside_of_a_span_there_is_no_trace_to_pass_on() {
    LazyLock::force(&TELEMETRY);
    assert_eq!(telemetry::traceparent(), None);
}
