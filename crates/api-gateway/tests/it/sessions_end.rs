//! A session that has ended is refused everywhere, with every copy of its cookie, and what was open is closed.

use std::time::{Duration, Instant};

use testbed::{Method, Options, Socket, StatusCode, Walker};

use crate::{town::Town, wrongs};

/// How long another replica may take to hear of it, on a busy machine.
const SOON: Duration = Duration::from_secs(10);

async fn until_refused(walker: &Walker) {
    let begun = Instant::now();
    while begun.elapsed() < SOON {
        let answer = walker.get("/api/v1/users/me").await.unwrap();
        if answer.status == StatusCode::UNAUTHORIZED {
            return wrongs::assert_problem(&answer, 401);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the session is still good after {} s", SOON.as_secs());
}

async fn until_closed(socket: &mut Socket) {
    assert_eq!(socket.closed(SOON).await.unwrap(), Some(1008));
}

fn two_gateways() -> Options {
    Options { gateways: 2, workers: 0, ..Options::default() }
}

/// The cookie that an answer sets.
fn cookie_of(answer: &testbed::Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_cookie_does_not_outlive_the_session() {
    let town = Town::start(two_gateways()).await;
    let (walker, other) = (town.walker().await, town.walker().await);
    let elsewhere = walker.clone().at(&town.system.gateway(1).unwrap().base_url().unwrap(), "");
    let (mut socket, mut others) = (walker.websocket().await.unwrap(), other.websocket().await.unwrap());
    let ended = walker.send(Method::DELETE, "/api/v1/session", None).await.unwrap();
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    // At once where it was ended, and soon at the other replicas.
    wrongs::assert_problem(&walker.get("/api/v1/users/me").await.unwrap(), 401);
    until_refused(&elsewhere).await;
    until_closed(&mut socket).await;
    assert!(walker.websocket().await.is_err());
    // Whoever comes with it is somebody new.
    let new = walker.send(Method::POST, "/api/v1/users", None).await.unwrap();
    assert_eq!(new.status, StatusCode::CREATED);
    // Another walker notices nothing.
    assert_eq!(other.get("/api/v1/users/me").await.unwrap().status, StatusCode::OK);
    assert!(others.closed(Duration::from_millis(300)).await.is_err());
    // A gateway that starts later knows.
    let later = town.another_gateway(&[]).await;
    until_refused(&walker.clone().at(&later.url, "")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_sessions_of_a_walker_end_but_the_one_that_comes_with_it() {
    let town = Town::start(two_gateways()).await;
    let walker = town.walker().await;
    let me = walker.get("/api/v1/users/me").await.unwrap().json();
    let ended = walker.send(Method::DELETE, "/api/v1/users/me/sessions", None).await.unwrap();
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    wrongs::assert_problem(&walker.get("/api/v1/users/me").await.unwrap(), 401);
    let again = walker.clone().with_cookie(Some(cookie_of(&ended)));
    assert_eq!(again.get("/api/v1/users/me").await.unwrap().json(), me);
    // And once more: the one before is as bad as the first.
    let ended = again.send(Method::DELETE, "/api/v1/users/me/sessions", None).await.unwrap();
    for old in [&walker, &again] {
        wrongs::assert_problem(&old.get("/api/v1/users/me").await.unwrap(), 401);
    }
    let last = walker.clone().with_cookie(Some(cookie_of(&ended)));
    assert_eq!(last.get("/api/v1/users/me").await.unwrap().json(), me);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_and_with_a_row_from_sql_a_session_ends_all_the_same() {
    let town = Town::start(two_gateways()).await;
    let (walker, other) = (town.walker().await, town.walker().await);
    let body = serde_json::json!({"interest_theme_ids": town.themes[..1]});
    other.send(Method::PUT, "/api/v1/users/me/interests", Some(&body)).await.unwrap().success().unwrap();
    let mut sockets = [walker.websocket().await.unwrap(), other.websocket().await.unwrap()];
    town.system.nats().kill_9();
    walker.send(Method::DELETE, "/api/v1/session", None).await.unwrap().success().unwrap();
    let elsewhere = town.system.gateway(1).unwrap().base_url().unwrap();
    until_refused(&walker.clone().at(&elsewhere, "")).await;
    town.sql("DELETE FROM users").await;
    until_refused(&other).await;
    for socket in &mut sockets {
        until_closed(socket).await;
    }
    let refused = other.websocket().await.unwrap_err();
    assert!(format!("{refused:#}").contains("401"), "{refused:#}");
    // Nothing brings a deleted walker back.
    let put = other.send(Method::PUT, "/api/v1/users/me/interests", Some(&body)).await.unwrap();
    wrongs::assert_problem(&put, 401);
    assert_eq!(town.sql("SELECT count(*) FROM users").await, "0");
}
