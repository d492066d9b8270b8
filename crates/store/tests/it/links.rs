//! Servers that demand credentials get them, and where they are wrong the reason is told.

use std::{path::Path, time::Duration};
use store::{Database, Redis};
use testbed::{Authority, CertificateFiles, Durability, Postgres, Scratch};

fn file(file: &Path) -> String {
    file.display().to_string().replace('/', "%2F")
}

/// The part of a URL before its query.
fn place(url: &str) -> &str {
    url.split('?').next().unwrap()
}

/// A CA that has signed nothing of what is used here, and the one of the testbed.
fn strangers(scratch: &Scratch) -> Authority {
    Authority::new(scratch.path()).unwrap()
}

async fn redis(url: &str) -> Result<(), String> {
    // The first handshake of a busy machine may take longer than Redis is ever waited for.
    for _ in 0..20 {
        match Redis::new(url).map_err(|error| error.to_string())?.ready().await {
            Err(error) if error.contains("no answer in time") => {}
            other => return other,
        }
    }
    Err("no answer in time".into())
}

async fn refused_by_redis(url: &str, reason: &str) {
    let why = redis(url).await.unwrap_err();
    assert!(why.contains(reason), "wanted {reason}, told {why}");
    assert!(!why.contains("hunter2"), "{why}");
}

#[tokio::test]
async fn redis_takes_a_user_over_tls_and_tells_what_is_wrong() {
    let scratch = Scratch::new("ca").unwrap();
    let server = testbed::Redis::start().await.unwrap();
    let url = server.url_as("api-gateway");
    redis(&url).await.unwrap();
    let wrong_password = url.replace(&server.password_of("api-gateway"), "hunter2");
    refused_by_redis(&wrong_password, "Password authentication failed").await;
    refused_by_redis(&url.replace("api-gateway:", "stranger:"), "Password authentication failed").await;
    let nobody = format!("rediss://{}?{}", server.address(), url.split('?').nth(1).unwrap());
    refused_by_redis(&nobody, "NOAUTH").await;
    let stranger = file(&strangers(&scratch).ca_file());
    refused_by_redis(&format!("{}?sslrootcert={stranger}", place(&url)), "UnknownIssuer").await;
    refused_by_redis(&format!("{}?sslrootcert=%2Fhere%2Fis%2Fnone", place(&url)), "No such file").await;
}

#[tokio::test]
async fn redis_with_a_bad_certificate_is_not_trusted() {
    let scratch = Scratch::new("ca").unwrap();
    let ca = Authority::new(scratch.path()).unwrap();
    for (certificate, reason) in [
        (ca.expired_server().unwrap(), "certificate expired"),
        (ca.server_named("redis.example").unwrap(), "certificate not valid for name"),
    ] {
        // The testbed itself would not trust it either, and so would wait for it in vain.
        let starting = testbed::Redis::start_with_certificate(&certificate).await.unwrap();
        let url = starting.url();
        refused_by_redis(&format!("{}?sslrootcert={}", place(&url), file(&ca.ca_file())), reason).await;
    }
}

#[tokio::test]
async fn each_service_touches_its_own_keys_of_redis() {
    let server = testbed::Redis::start().await.unwrap();
    let ask = async |user: &str, line: &str| server.ask_as(user, line).await.unwrap();
    assert_eq!(ask("route-worker", "SET route:1:a walk PX 60000").await, "+OK");
    assert_eq!(ask("api-gateway", "GET route:1:a").await, "$4");
    for (user, line) in [
        ("route-worker", "SET rate:somebody 1"),
        ("route-worker", "SCAN 0"),
        ("api-gateway", "SET other 1"),
        ("api-gateway", "KEYS *"),
        ("api-gateway", "FLUSHALL"),
        ("api-gateway", "CONFIG GET *"),
    ] {
        let answer = ask(user, line).await;
        assert!(answer.starts_with("-NOPERM"), "{user}: {line}: {answer}");
    }
}

async fn postgres(url: &str) -> Result<(), String> {
    let database = Database::new(url, 1, "store-tests").map_err(|error| error.to_string())?;
    match database.ready().await {
        // It was let in, and there is no schema.
        Err(why) if why.contains("wildside-admin migrate") => Ok(()),
        other => other,
    }
}

async fn refused_by_postgres(url: &str, reason: &str) {
    let why = postgres(url).await.unwrap_err();
    assert!(why.contains(reason), "wanted {reason}, told {why}");
    assert!(!why.contains("hunter2"), "{why}");
}

#[tokio::test]
async fn postgresql_takes_a_password_over_tls_and_tells_what_is_wrong() {
    let scratch = Scratch::new("ca").unwrap();
    let cluster = Postgres::shared().await.unwrap();
    let database = cluster.empty_database().await.unwrap();
    let url = database.url_as("wildside_notifier");
    let wrong_password = url.replace(&cluster.password_of("wildside_notifier"), "hunter2");
    refused_by_postgres(&wrong_password, "password authentication failed for user").await;
    refused_by_postgres(&format!("{}?sslmode=disable", place(&url)), "no encryption").await;
    let stranger = file(&strangers(&scratch).ca_file());
    for mode in ["", "&sslmode=verify-full", "&sslmode=verify-ca", "&sslmode=require"] {
        let url = format!("{}?sslrootcert={stranger}{mode}", place(&url));
        refused_by_postgres(&url, "UnknownIssuer").await;
    }
    refused_by_postgres(&format!("{}?passwrod=hunter2", place(&url)), "a parameter of the URL is not known")
        .await;
    postgres(&database.url()).await.unwrap();
    postgres(&format!("{}?sslmode=require", place(&database.url()))).await.unwrap();
}

async fn a_postgres(certificate: &CertificateFiles, method: &str) -> Postgres {
    Postgres::start_with(Durability::Fast, certificate, method).await.unwrap()
}

/// As soon as it is there.
async fn answer(url: &str) -> Result<(), String> {
    for _ in 0..300 {
        match postgres(url).await {
            Err(why) if why.contains("Connection refused") || why.contains("starting up") => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            other => return other,
        }
    }
    Err("it does not start".into())
}

#[tokio::test]
async fn postgresql_with_a_bad_certificate_is_not_trusted_and_a_client_certificate_is_shown() {
    let scratch = Scratch::new("ca").unwrap();
    let ca = Authority::new(scratch.path()).unwrap();
    for (certificate, reason) in [
        (ca.expired_server().unwrap(), "certificate expired"),
        (ca.server_named("db.example").unwrap(), "certificate not valid for name"),
    ] {
        let server = a_postgres(&certificate, "trust").await;
        let url = format!("{}/postgres?sslrootcert={}", place(server.cluster().url()), file(&ca.ca_file()));
        let why = answer(&url).await.unwrap_err();
        assert!(why.contains(reason), "wanted {reason}, told {why}");
    }
    let ours = testbed::authority().unwrap();
    let server = a_postgres(&ca.server().unwrap(), "cert").await;
    let url = format!("{}/postgres?sslrootcert={}", place(server.cluster().url()), file(&ca.ca_file()));
    let why = answer(&url).await.unwrap_err();
    assert!(why.contains("certificate"), "{why}");
    let client = ours.client("wildside").unwrap();
    answer(&format!("{url}&sslcert={}&sslkey={}", file(&client.certificate), file(&client.key)))
        .await
        .unwrap();
}

#[tokio::test]
async fn readiness_tells_why_there_is_no_connection() {
    let nowhere = format!("postgres://wildside@127.0.0.1:{}/wildside", testbed::free_port().unwrap());
    refused_by_postgres(&nowhere, "Connection refused").await;
}

#[tokio::test]
async fn another_password_counts_from_the_next_connection_on() {
    let server = Postgres::start(Durability::Fast).await.unwrap();
    let database = server.cluster().fresh_database(store::migrate).await.unwrap();
    let link = Database::new(&database.url_as("wildside_notifier"), 2, "store-tests").unwrap();
    link.ready().await.unwrap();
    database.sql("ALTER ROLE wildside_notifier PASSWORD 'another'").await.unwrap();
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'wildside_notifier'";
    database.sql(cut).await.unwrap();
    let why = link.ready().await.unwrap_err();
    assert!(why.contains("password authentication failed"), "{why}");
    let password = server.cluster().password_of("wildside_notifier");
    link.set_url(&database.url_as("wildside_notifier").replace(&password, "another")).unwrap();
    link.ready().await.unwrap();

    let redis = testbed::Redis::start().await.unwrap();
    let link = Redis::new(&redis.url_as("route-worker")).unwrap();
    redis.ask("ACL SETUSER route-worker resetpass >another").await.unwrap();
    redis.ask("CLIENT KILL USER route-worker").await.unwrap();
    assert!(link.ready().await.is_err());
    link.set_url(&redis.url_as("route-worker").replace(&redis.password_of("route-worker"), "another"))
        .unwrap();
    let mut last = link.ready().await;
    for _ in 0..20 {
        last = link.ready().await;
    }
    assert_eq!(last, Ok(()));
}
