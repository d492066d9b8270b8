use std::{fs, time::Duration};
use testbed::{Method, Options, Process, Role, Scratch, StatusCode, System, Walker};

use crate::{
    town::{Town, gateway_program},
    wrongs,
};

const KEY: &str = "the first key, which signs until it is replaced by a newer one some day";
const NEWER: &str = "the second key, which signs after the rotation that the first key lived to see";

fn without_workers() -> Options {
    Options { workers: 0, session_key: Some(KEY.into()), ..Options::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_becomes_a_walker_once_and_stays_the_same_one() {
    let town = Town::start(without_workers()).await;
    let first = town.stranger().send(Method::POST, "/api/v1/users", None).await.unwrap();
    assert_eq!(first.status, StatusCode::CREATED);
    let cookie = first.header("set-cookie").to_owned();
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert!(pair.starts_with("wildside=wildside-session-2."), "{cookie}");
    let mut attributes: Vec<&str> = attributes.split("; ").collect();
    attributes.sort_unstable();
    // 400 days are the most that browsers keep a cookie. Secure would keep it from a server on plain http.
    assert_eq!(attributes, ["HttpOnly", "Max-Age=34560000", "Path=/", "SameSite=Lax"]);

    let walker = town.stranger().with_cookie(Some(pair.to_owned()));
    let again = walker.send(Method::POST, "/api/v1/users", None).await.unwrap();
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.header("set-cookie"), "");
    assert_eq!(again.json(), first.json());
    assert_eq!(walker.get("/api/v1/users/me").await.unwrap().json(), first.json());
    // Nothing is written before the walker writes something; then all of it belongs together.
    assert_eq!(town.sql("SELECT count(*) FROM users").await, "0");
    let interests = serde_json::json!({"interest_theme_ids": town.themes[..2]});
    let put = walker.send(Method::PUT, "/api/v1/users/me/interests", Some(&interests)).await.unwrap();
    assert_eq!((put.status, &put.json()["id"]), (StatusCode::OK, &first.json()["id"]), "{}", put.text());
    assert_eq!(town.sql("SELECT count(*) FROM users").await, "1");

    // A session that is not good is as good as none: a new walker comes of it.
    let forged = town.stranger().with_cookie(Some(format!("{pair}x")));
    let new = forged.send(Method::POST, "/api/v1/users", None).await.unwrap();
    assert_eq!(new.status, StatusCode::CREATED);
    assert_ne!(new.json()["id"], first.json()["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_can_be_ended() {
    let town = Town::start(without_workers()).await;
    let walker = town.walker().await;
    let ended = walker.send(Method::DELETE, "/api/v1/session", None).await.unwrap();
    assert_eq!((ended.status, ended.body.len()), (StatusCode::NO_CONTENT, 0));
    let cookie = ended.header("set-cookie");
    assert!(cookie.starts_with("wildside=;") && cookie.contains("Max-Age=0"), "{cookie}");
    for attribute in ["Path=/", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    // What the browser sends from then on, if anything.
    for cookie in [None, Some("wildside=".into())] {
        let answer = town.stranger().with_cookie(cookie).get("/api/v1/users/me").await.unwrap();
        wrongs::assert_problem(&answer, 401);
    }
    // Ending what is not there is no mistake.
    let again = town.stranger().send(Method::DELETE, "/api/v1/session", None).await.unwrap();
    assert_eq!(again.status, StatusCode::NO_CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_https_the_cookie_is_bound_to_the_host() {
    let town = Town::start(without_workers()).await;
    let gateway = town.another_gateway(&[("PUBLIC_URL", "https://wildside.example")]).await;
    let visitor = Walker::stranger(&gateway.url, "").unwrap();
    let begun = visitor.send(Method::POST, "/api/v1/users", None).await.unwrap();
    let cookie = begun.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-wildside="), "{cookie}");
    assert!(
        cookie.contains("; Secure") && cookie.contains("; Path=/;") && !cookie.contains("Domain"),
        "{cookie}"
    );
    let pair = cookie.split(';').next().unwrap();
    let me = visitor.clone().with_cookie(Some(pair.into())).get("/api/v1/users/me").await.unwrap();
    assert_eq!(me.status, StatusCode::OK);
    let plain = visitor.with_cookie(Some(pair.replace("__Host-", ""))).get("/api/v1/users/me").await.unwrap();
    wrongs::assert_problem(&plain, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_of_keys_logs_nobody_out() {
    let town = Town::start(without_workers()).await;
    let walker = town.walker().await;
    let rotated = town.another_gateway(&[("SESSION_KEY", NEWER), ("SESSION_KEY_PREVIOUS", KEY)]).await;
    let dropped = town.another_gateway(&[("SESSION_KEY", NEWER)]).await;
    let at = |url: &str| walker.clone().at(url, "");

    let before = walker.get("/api/v1/users/me").await.unwrap().json();
    let after = at(&rotated.url).get("/api/v1/users/me").await.unwrap();
    assert_eq!((after.status, after.json()), (StatusCode::OK, before));
    wrongs::assert_problem(&at(&dropped.url).get("/api/v1/users/me").await.unwrap(), 401);

    // Who comes after the rotation gets a session of the newer key.
    let newcomer = Walker::arrive(&rotated.url, "").await.unwrap();
    let me = newcomer.clone().at(&dropped.url, "").get("/api/v1/users/me").await.unwrap();
    assert_eq!(me.status, StatusCode::OK);
    wrongs::assert_problem(&newcomer.at(&town.gateway, "").get("/api/v1/users/me").await.unwrap(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_that_is_long_enough_the_gateway_does_not_start() {
    let short = "hunter2-".repeat(7);
    assert_eq!(short.len(), 56);
    let cases = [
        (None, "--session-key"),
        (Some(""), "SESSION_KEY"),
        (Some(short.as_str()), "SESSION_KEY"),
        (Some(KEY), "SESSION_KEY_PREVIOUS"),
    ];
    for (key, named) in cases {
        let scratch = Scratch::new("gateway").unwrap();
        let mut program = gateway_program(&scratch)
            .env("DATABASE_URL", "postgres://wildside@127.0.0.1:1/none")
            .env("NATS_URL", "nats://127.0.0.1:1")
            .env("REDIS_URL", "redis://127.0.0.1:1")
            .env("ALLOWED_ORIGINS", "http://127.0.0.1:1");
        if let Some(key) = key {
            program = program.env("SESSION_KEY", key);
        }
        // A previous key that is too short is nonsense as well.
        if key == Some(KEY) {
            program = program.env("SESSION_KEY_PREVIOUS", &short);
        }
        let process = Process::start(program).unwrap();
        let ended = process.wait_until_ready(Duration::from_secs(10), async || false).await.unwrap_err();
        assert!(ended.to_string().contains("ended at its start with exit status: 2"), "{key:?}: {ended}");
        let said = fs::read_to_string(process.log()).unwrap();
        assert!(said.contains(named) || said.contains(&named.to_lowercase()), "{key:?}: {said}");
        assert!(!said.contains("hunter2") && !said.contains(KEY), "the key was printed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_and_no_password_is_ever_in_the_logs() {
    let options =
        Options { env: vec![(Role::Gateway, "SESSION_KEY_PREVIOUS", NEWER.into())], ..without_workers() };
    let system = System::start(options).await.unwrap();
    let walker = system.walker().await.unwrap();
    walker.get("/api/v1/users/me").await.unwrap().success().unwrap();
    let signature = walker.cookie().unwrap().rsplit('.').next().unwrap().to_owned();
    for service in system.services() {
        let said = fs::read_to_string(service.log()).unwrap();
        assert!(said.contains("session_key"), "{} does not tell its settings", service.name());
        for secret in [KEY, NEWER, &signature] {
            assert!(!said.contains(secret), "{} tells a secret", service.name());
        }
    }
}
