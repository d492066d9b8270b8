use std::{net::SocketAddr, time::Duration};

use http::{StatusCode, header};
use serde_json::{Value, json};
use service::admin_server::{Probes, serve};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Something that a service depends on, in the test's hands.
type Part = watch::Sender<Result<(), String>>;
type Watched = watch::Receiver<Result<(), String>>;

fn part() -> (Part, Watched) {
    watch::channel(Ok(()))
}

async fn probe(part: Watched) -> Result<(), String> {
    part.borrow().clone()
}

struct Admin {
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Admin {
    async fn start(probes: Probes) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], testbed::free_port().unwrap()));
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(serve(address, probes, shutdown.clone()).await.unwrap());
        Self { address, shutdown, task }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        testbed::install_tls();
        // Each time a new connection, as a prober makes it.
        reqwest::get(format!("http://{}{path}", self.address)).await.unwrap()
    }

    async fn readyz(&self) -> (StatusCode, Value) {
        let answer = self.get("/readyz").await;
        (answer.status(), answer.json().await.unwrap())
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn a_service_without_needs_is_ready() {
    let admin = Admin::start(Probes::default()).await;
    assert_eq!(admin.readyz().await, (StatusCode::OK, json!({})));
}

#[tokio::test]
async fn a_service_is_not_ready_while_what_it_needs_is_away() {
    let (database, watched) = part();
    let admin = Admin::start(Probes::default().needs("postgresql", &watched, probe)).await;
    assert_eq!(admin.readyz().await, (StatusCode::OK, json!({"postgresql": "ok"})));
    database.send(Err("PostgreSQL: connection refused".into())).unwrap();
    let why = json!({"postgresql": "PostgreSQL: connection refused"});
    assert_eq!(admin.readyz().await, (StatusCode::SERVICE_UNAVAILABLE, why));
    database.send(Ok(())).unwrap();
    assert_eq!(admin.readyz().await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_all_replicas_share_has_to_work_once_and_is_reported_after_that() {
    let (database, watched) = part();
    database.send(Err("schema is at 7, this build needs 8".into())).unwrap();
    let admin = Admin::start(Probes::default().needs_once("postgresql", &watched, probe)).await;
    for _ in 0..2 {
        let why = json!({"postgresql": "schema is at 7, this build needs 8"});
        assert_eq!(admin.readyz().await, (StatusCode::SERVICE_UNAVAILABLE, why));
    }
    database.send(Ok(())).unwrap();
    assert_eq!(admin.readyz().await, (StatusCode::OK, json!({"postgresql": "ok"})));
    database.send(Err("PostgreSQL: connection refused".into())).unwrap();
    for _ in 0..2 {
        let why = json!({"postgresql": "PostgreSQL: connection refused"});
        assert_eq!(admin.readyz().await, (StatusCode::OK, why));
    }
}

#[tokio::test]
async fn probes_get_through_whoever_holds_connections_open() {
    let admin = Admin::start(Probes::default()).await;
    let mut held = Vec::new();
    for _ in 0..300 {
        held.push(tokio::net::TcpStream::connect(admin.address).await.unwrap());
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(admin.get(path).await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_service_is_ready_without_what_it_only_likes_and_says_so() {
    let ((_database, needed), (cache, liked)) = (part(), part());
    let probes = Probes::default().needs("postgresql", &needed, probe).likes("redis", &liked, probe);
    let admin = Admin::start(probes).await;
    cache.send(Err("Redis: no answer in time".into())).unwrap();
    let why = json!({"postgresql": "ok", "redis": "Redis: no answer in time"});
    assert_eq!(admin.readyz().await, (StatusCode::OK, why));
}

#[tokio::test]
async fn a_probe_that_hangs_or_panics_is_one_that_fails_and_the_others_are_told_too() {
    let probes = Probes::default()
        .needs("hangs", &(), |()| std::future::pending())
        .likes("hangs too", &(), |()| std::future::pending())
        .needs("panics", &true, |panics| async move {
            assert!(!panics, "out of luck");
            Ok(())
        })
        .needs("works", &(), |()| async { Ok(()) });
    let admin = Admin::start(probes).await;
    // All are asked at once: two that hang take no longer than one.
    let (status, report) = tokio::time::timeout(Duration::from_millis(3_500), admin.readyz()).await.unwrap();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(report["hangs"], "no answer within 2 seconds");
    assert_eq!(report["hangs too"], "no answer within 2 seconds");
    assert!(report["panics"].as_str().unwrap().contains("panic"), "{report}");
    assert_eq!(report["works"], "ok");
}

#[tokio::test]
async fn a_service_that_is_told_to_stop_is_alive_and_not_ready() {
    let (_database, watched) = part();
    let admin = Admin::start(Probes::default().needs("postgresql", &watched, probe)).await;
    assert_eq!(admin.readyz().await.0, StatusCode::OK);
    admin.shutdown.cancel();
    // For as long as it finishes what it has in hand.
    for _ in 0..2 {
        let report = json!({"postgresql": "ok", "shutdown": "asked to stop"});
        assert_eq!(admin.readyz().await, (StatusCode::SERVICE_UNAVAILABLE, report));
        assert_eq!(admin.get("/healthz").await.status(), StatusCode::OK);
        assert_eq!(admin.get("/metrics").await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_service_is_alive_whatever_is_away() {
    let probes = Probes::default().needs("postgresql", &(), |()| async { Err("away".into()) });
    let admin = Admin::start(probes).await;
    let answer = admin.get("/healthz").await;
    assert_eq!((answer.status(), answer.text().await.unwrap().as_str()), (StatusCode::OK, "ok\n"));
    assert_eq!(admin.get("/elsewhere").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn metrics_are_told_in_prometheus_text_form() {
    let admin = Admin::start(Probes::default()).await;
    metrics::counter!("walks_walked_total", "where" => "here").increment(2);
    metrics::histogram!("walk_seconds").record(0.003);
    let answer = admin.get("/metrics").await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/plain; version=0.0.4");
    let text = answer.text().await.unwrap();
    for line in [
        "# TYPE walks_walked_total counter",
        "walks_walked_total{where=\"here\"} 2",
        "walk_seconds_bucket{le=\"0.0025\"} 0",
        "walk_seconds_bucket{le=\"0.005\"} 1",
        "walk_seconds_count 1",
    ] {
        assert!(text.lines().any(|told| told == line), "no {line} in {text}");
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_at_the_start() {
    let admin = Admin::start(Probes::default()).await;
    assert!(serve(admin.address, Probes::default(), CancellationToken::new()).await.is_err());
}
