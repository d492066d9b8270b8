//! Secrets: how they reach the services, how they are exchanged, and that no log holds one.

use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};
use testbed::{
    Durability, Nats, Options, Postgres, Process, Program, Receiver, Redis, Role, Scratch, Service, Signal,
    System, TlsListener, authority, binaries, free_port,
};
use tokio::time::{Instant, sleep};

const PATIENCE: Duration = Duration::from_secs(120);

async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !happened().await {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

fn wish() -> Value {
    json!({
        "start_location": {"type": "Point", "coordinates": [24.9410, 60.1687]},
        "duration_minutes": 45,
        "interest_theme_ids": [domain::InterestTheme::id_of("architecture")]
    })
}

fn log(service: &Service) -> String {
    fs::read_to_string(service.log()).unwrap()
}

async fn is_ready(service: &Service) -> bool {
    // Where it is not, the body says why.
    let url = format!("{}/readyz", service.admin_url());
    let answer = reqwest::get(url).await.unwrap().json::<Value>().await.unwrap();
    answer.as_object().unwrap().values().all(|state| state == "ok")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_logs_in_as_itself_over_tls() {
    let system = System::start(Options { enrichers: 1, ..Options::default() }).await.unwrap();
    let walker = system.walker().await.unwrap();
    walker.walk_until_complete(&wish(), PATIENCE, |_| ()).await.unwrap();
    let sessions = "SELECT DISTINCT usename || ' ' || ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
                    WHERE datname = current_database() AND application_name <> 'psql' ORDER BY 1";
    let expected = "wildside_api_gateway true\nwildside_enrichment_worker true\nwildside_notifier true\n\
                    wildside_route_worker true";
    assert_eq!(system.database().sql(sessions).await.unwrap(), expected);
    for (user, service) in
        [("api-gateway", system.gateway(0).unwrap()), ("route-worker", system.worker(0).unwrap())]
    {
        until("Redis is reached", async || is_ready(service).await).await;
        let killed = system.redis().ask(&format!("CLIENT KILL USER {user}")).await.unwrap();
        assert!(killed.starts_with(':') && killed != ":0", "{user}: {killed}");
    }
    for service in system.services() {
        assert!(!log(service).to_lowercase().contains("permission"), "{}", log(service));
    }
}

/// Gives the services of a role another secret.
fn exchange(system: &System, role: Role, name: &str, secret: &str) {
    fs::write(system.secret(role, name), format!("{secret}\n")).unwrap();
    for service in system.services().iter().filter(|service| service.role() == role) {
        service.process().signal(Signal::HUP);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_session_key_counts_from_sighup_on_and_a_bad_one_never() {
    let system = System::start(Options::default()).await.unwrap();
    let old = system.walker().await.unwrap();
    let status = async |walker: &testbed::Walker| walker.get("/api/v1/users/me").await.unwrap().status;
    assert_eq!(status(&old).await, 200);
    let key = "another-".repeat(8);
    exchange(&system, Role::Gateway, "session-key", &key);
    exchange(&system, Role::Notifier, "session-key", &key);
    until("the old session is over", async || status(&old).await == 401).await;
    let read = async |service: &Service, what: &str| {
        until(what, async || log(service).contains(what)).await;
    };
    read(system.notifier(0).unwrap(), "secrets were read anew").await;
    // The socket is opened with a cookie that the gateway signed: both have the new key.
    let new = system.walker().await.unwrap();
    new.walk_until_complete(&wish(), PATIENCE, |_| ()).await.unwrap();
    exchange(&system, Role::Gateway, "session-key", "hunter2");
    read(system.gateway(0).unwrap(), "secrets were not read anew").await;
    let said = log(system.gateway(0).unwrap());
    assert!(said.contains("is 7 bytes long") && !said.contains("hunter2"), "{said}");
    assert_eq!(status(&new).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_passwords_count_from_the_next_connection_after_sighup_on() {
    let own_postgres = Some(Durability::Fast);
    let system = System::start(Options { own_postgres, ..Options::default() }).await.unwrap();
    let sql = async |sql: &str| system.database().sql(sql).await.unwrap();
    sql("ALTER ROLE wildside_api_gateway PASSWORD 'another'").await;
    system.redis().ask("ACL SETUSER api-gateway resetpass >another").await.unwrap();
    let nats = fs::read_to_string(system.nats().config()).unwrap();
    let nats = nats.replace("$NATS_API_GATEWAY_PASSWORD", "another");
    fs::write(system.nats().config(), nats).unwrap();
    system.nats().process().signal(Signal::HUP);
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'wildside_api_gateway'";
    sql(cut).await;
    system.redis().ask("CLIENT KILL USER api-gateway").await.unwrap();
    let gateway = system.gateway(0).unwrap();
    // All three say why.
    until("the reasons", async || {
        let url = format!("{}/readyz", gateway.admin_url());
        let state = reqwest::get(url).await.unwrap().text().await.unwrap();
        ["password authentication failed for", "authorization violation", "Password authentication failed"]
            .iter()
            .all(|reason| state.contains(reason))
    })
    .await;
    for name in ["database", "redis", "nats"] {
        exchange(&system, Role::Gateway, name, "another");
    }
    until("the gateway is ready again", async || is_ready(gateway).await).await;
    let walker = system.walker().await.unwrap();
    walker.walk_until_complete(&wish(), PATIENCE, |_| ()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_and_events_go_out_over_https_and_are_missed_aloud() {
    let ca = authority().unwrap();
    let door = async || TlsListener::bind(&ca.server().unwrap(), None).await.unwrap();
    let collector = Receiver::start_tls(door().await).unwrap();
    let posthog = Receiver::start_tls(door().await).unwrap();
    // A server with a certificate of somebody else.
    let scratch = Scratch::new("ca").unwrap();
    let stranger = testbed::Authority::new(scratch.path()).unwrap();
    let stranger = TlsListener::bind(&stranger.server().unwrap(), None).await.unwrap();
    let stranger = Receiver::start_tls(stranger).unwrap();
    let env = vec![
        (Role::Gateway, "OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()),
        (Role::Gateway, "POSTHOG_HOST", posthog.url()),
        (Role::Gateway, "POSTHOG_API_KEY", "key".into()),
        (Role::Worker, "OTEL_EXPORTER_OTLP_ENDPOINT", stranger.url()),
        (Role::Worker, "POSTHOG_HOST", stranger.url()),
        (Role::Worker, "POSTHOG_API_KEY", "key".into()),
    ];
    let system = System::start(Options { env, ..Options::default() }).await.unwrap();
    let walker = system.walker().await.unwrap();
    walker.walk_until_complete(&wish(), PATIENCE, |_| ()).await.unwrap();
    until("traces", async || collector.received().iter().any(|(path, _)| path == "/v1/traces")).await;
    until("events", async || !posthog.received().is_empty()).await;
    let worker = system.worker(0).unwrap();
    for what in ["traces were not taken", "analytics were not taken"] {
        let line = || log(worker).lines().find(|line| line.contains(what)).map(ToOwned::to_owned);
        until(what, async || line().is_some()).await;
        assert!(line().unwrap().contains("invalid peer certificate"), "{}", line().unwrap());
    }
    assert!(stranger.received().is_empty());
}

/// A program with settings, and where its words go.
fn program(scratch: &Scratch, name: &str, number: usize, settings: &[(&str, String)]) -> Program {
    let path = binaries().unwrap().find(name).unwrap();
    let mut program = Program::new(name, path, scratch.path().join(format!("{name}-{number}.log")))
        .env("ADMIN_ADDR", format!("127.0.0.1:{}", free_port().unwrap()))
        .env("LISTEN_ADDR", format!("127.0.0.1:{}", free_port().unwrap()))
        .env("LOG", "trace");
    for (name, value) in settings {
        program = program.env(*name, value.as_str());
    }
    program
}

const PROGRAMS: [&str; 4] = ["api-gateway", "notifier", "route-worker", "enrichment-worker"];

fn words(log: &Path) -> String {
    fs::read_to_string(log).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_log_of_a_program_whatever_the_shape_of_its_settings() {
    let scratch = Scratch::new("logs").unwrap();
    let nats = Nats::start().await.unwrap();
    let redis = Redis::start().await.unwrap();
    let postgres = Postgres::shared().await.unwrap();
    let ca = authority().unwrap().ca_file().display().to_string();
    let (nats, redis) = (nats.address(), redis.address());
    let database = postgres.url().split('@').nth(1).unwrap().split('?').next().unwrap().to_owned();
    let creds = scratch.path().join("creds");
    fs::write(&creds, "hunter2").unwrap();
    let shapes = [
        // Servers that say no.
        vec![
            ("DATABASE_URL", format!("postgres://wildside:hunter2@{database}/postgres?sslmode=require")),
            ("NATS_URL", format!("tls://hunter2@{nats}")),
            ("REDIS_URL", format!("rediss://:hunter2@{redis}")),
        ],
        vec![
            (
                "DATABASE_URL",
                format!("postgres://wildside@{database}/postgres?sslmode=require&password=hunter2"),
            ),
            ("NATS_URL", format!("tls://user:hunter2@{nats},user:hunter2@127.0.0.1:1")),
            ("REDIS_URL", format!("rediss://user:hunter2@{redis}")),
        ],
        vec![
            ("DATABASE_URL", format!("postgres://wildside@{database}/postgres?sslmode=require")),
            ("DATABASE_PASSWORD", "hunter2".into()),
            ("NATS_URL", format!("tls://{nats}")),
            ("NATS_TOKEN", "hunter2".into()),
            ("REDIS_URL", format!("rediss://{redis}")),
            ("REDIS_PASSWORD", "hunter2".into()),
        ],
    ];
    let usual = |number: usize| {
        [
            ("SESSION_KEY", "hunter2-".repeat(8)),
            ("SESSION_KEY_PREVIOUS", "hunter2-".repeat(9)),
            ("ALLOWED_ORIGINS", "https://a.example".into()),
            ("POSTHOG_API_KEY", "hunter2".into()),
            ("POSTHOG_HOST", "http://user:hunter2@127.0.0.1:1".into()),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://hunter2@127.0.0.1:1/?token=hunter2".into()),
            ("MARTIN_URL", "http://user:hunter2@127.0.0.1:1".into()),
            ("OVERPASS_URL", "http://hunter2:@127.0.0.1:1/interpreter?key=hunter2".into()),
            ("TLS_CA_FILE", if number == 0 { ca.clone() } else { String::new() }),
        ]
    };
    let mut running = Vec::new();
    for (number, shape) in shapes.iter().enumerate() {
        for name in PROGRAMS {
            let usual = usual(number).into_iter().filter(|(_, value)| !value.is_empty());
            let settings: Vec<_> = usual.chain(shape.clone()).collect();
            running.push(Process::start(program(&scratch, name, number, &settings)).unwrap());
        }
    }
    for process in &running {
        until(process.name(), async || {
            let words = words(process.log());
            assert!(process.is_running(), "{words}");
            words.contains("\"starting\"") && words.contains("client error")
        })
        .await;
    }
    sleep(Duration::from_secs(6)).await;
    for process in &running {
        let words = words(process.log());
        let told = words.lines().find(|line| line.contains("hunter2"));
        assert!(told.is_none(), "{}: {}", process.name(), told.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_does_not_start_repeats_no_secret() {
    let scratch = Scratch::new("logs").unwrap();
    let mut number = 100;
    for (name, value) in [
        ("DATABASE_URL", "postgres://user:hunter2@db:port/x"),
        ("DATABASE_URL", "postgres://user:hunter2@db/x?hunter2=hunter2"),
        ("DATABASE_URL", "postgres://user:hunter2@db/x?sslmode=hunter2"),
        ("DATABASE_URL", "hunter2"),
        ("NATS_URL", "nats://a:hunter2"),
        ("NATS_URL", "nats://hunter2@a,nats://hunter3@b"),
        ("NATS_URL", "nats://a?nkey=hunter2"),
        ("NATS_URL", "nats://a?hunter2=hunter2"),
        ("REDIS_URL", "http://user:hunter2@redis"),
        ("REDIS_URL", "redis://user:hunter2@redis/x"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "hunter2"),
        ("MARTIN_URL", "hunter2"),
        ("NATS_NKEY_SEED", "hunter2"),
        ("NATS_CREDS", "hunter2"),
    ] {
        number += 1;
        let settings = [
            ("DATABASE_URL", "postgres://db/wildside".to_owned()),
            ("NATS_URL", "nats://127.0.0.1:1".into()),
            ("REDIS_URL", "redis://127.0.0.1:1".into()),
            ("SESSION_KEY", "hunter2-".repeat(8)),
            ("ALLOWED_ORIGINS", "https://a.example".into()),
            (name, value.into()),
        ];
        let process = Process::start(program(&scratch, "api-gateway", number, &settings)).unwrap();
        let ended = process.wait_until_ready(Duration::from_secs(20), async || false).await.unwrap_err();
        assert!(ended.to_string().contains("ended at its start"), "{name}={value}: {ended}");
        assert!(!words(process.log()).contains("hunter"), "{name}={value}: {}", words(process.log()));
    }
}
