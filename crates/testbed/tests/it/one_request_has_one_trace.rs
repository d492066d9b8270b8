//! One request can be followed by its ids from the HTTP call through the broker into worker and notifier.

use std::{fs, time::Duration};

use serde_json::{Value, json};
use testbed::{Options, Role, System};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
    time::timeout,
};

/// The lines of a service's log. Each of them must be JSON.
fn log_lines(system: &System, role: Role) -> Vec<Value> {
    let service = system.services().iter().find(|service| service.role() == role).unwrap();
    let log = fs::read_to_string(service.log()).unwrap();
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

async fn one_walk(system: &System) -> Value {
    let walker = system.walker().await.unwrap();
    let themes = walker.get("/api/v1/interest-themes").await.unwrap().json();
    let wish = json!({
        "start_location": {"type": "Point", "coordinates": [24.9414, 60.1699]},
        "duration_minutes": 30,
        "interest_theme_ids": [themes["interest_themes"][0]["id"]]
    });
    walker.walk_until_complete(&wish, Duration::from_secs(60), |_| ()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_logs_of_all_three_services_tell_the_same_ids() {
    let system = System::start(Options::default()).await.unwrap();
    let route = one_walk(&system).await;
    let traces: Vec<Value> = [Role::Gateway, Role::Worker, Role::Notifier]
        .map(|role| {
            let lines = log_lines(&system, role);
            let line = lines.iter().find(|line| line["request_id"] == route["request_id"]);
            line.unwrap_or_else(|| panic!("{role:?} logged nothing of {}", route["request_id"]))["trace_id"]
                .clone()
        })
        .into();
    assert!(traces[0].as_str().is_some_and(|id| id.len() == 32), "{traces:?}");
    assert!(traces.iter().all(|trace| *trace == traces[0]), "{traces:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_each_service_counts_is_in_its_metrics() {
    let system = System::start(Options::default()).await.unwrap();
    let walker = system.walker().await.unwrap();
    let socket = walker.websocket().await.unwrap();
    one_walk(&system).await;
    let expected = [
        (Role::Gateway, "http_requests_total{"),
        (Role::Gateway, "route_cache_lookups_total{result=\"miss\"} 1"),
        (Role::Worker, "jobs_total{type=\"GenerateRoute\",status=\"success\"} 1"),
        (Role::Worker, "route_generation_duration_seconds_bucket{le=\"10\"} 1"),
        (Role::Notifier, "websocket_connections_active 1"),
    ];
    for (role, line) in expected {
        let service = system.services().iter().find(|service| service.role() == role).unwrap();
        // The other socket's end may take a moment to be noticed.
        let mut found = false;
        let mut metrics = String::new();
        for _ in 0..50 {
            metrics = service.metrics().await.unwrap();
            found = metrics.contains(line);
            if found {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(found, "{line} is not in the metrics of {role:?}:\n{metrics}");
    }
    socket.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_are_sent_to_a_collector_that_is_configured() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let collector = format!("http://{}", listener.local_addr().unwrap());
    let (heard, mut requests) = mpsc::unbounded_channel();
    let collecting = tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut bytes = vec![0; 64 * 1024];
            let length = connection.read(&mut bytes).await.unwrap_or(0);
            heard.send(String::from_utf8_lossy(&bytes[..length]).into_owned()).ok();
            connection
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .await
                .ok();
        }
    });
    let env = vec![(Role::Worker, "OTEL_EXPORTER_OTLP_ENDPOINT", collector)];
    let system = System::start(Options { env, ..Options::default() }).await.unwrap();
    one_walk(&system).await;
    let request = timeout(Duration::from_secs(30), requests.recv()).await.unwrap().unwrap();
    assert!(request.starts_with("POST /v1/traces"), "{request}");
    collecting.abort();
}
