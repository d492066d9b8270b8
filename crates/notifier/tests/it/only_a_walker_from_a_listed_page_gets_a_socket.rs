use std::time::{Duration, SystemTime};
use testbed::{Options, Role};

use crate::{
    raw::{UPGRADE, ask},
    town::Town,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_open_a_socket_is_told_why_before_it_is_one() {
    let town = Town::start(Options { workers: 0, ..Options::default() }).await;
    let walker = town.walker().await;
    let cookie = walker.cookie().unwrap();
    let key = town.system.session_key();
    let now = SystemTime::now();
    let (old, early, foreign) = (
        Town::cookie(key, now - 401 * DAY),
        Town::cookie(key, now + DAY),
        Town::cookie(&"x".repeat(64), now),
    );
    let cut = &cookie[..cookie.len() - 1];
    let origin = town.origin.as_str();
    let evil_twin = format!("{origin}.evil.example");
    let upgrade = |extra: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
        UPGRADE.iter().chain(extra).map(|(name, value)| (*name, (*value).to_owned())).collect()
    };
    let without = |name: &str| -> Vec<(&'static str, String)> {
        upgrade(&[("Cookie", cookie)]).into_iter().filter(|(known, _)| *known != name).collect()
    };
    let with = |name: &str, value: &str| {
        let mut headers = upgrade(&[("Cookie", cookie)]);
        headers.iter_mut().filter(|(known, _)| *known == name).for_each(|header| header.1 = value.into());
        headers
    };
    let cases = [
        ("no session", "GET /ws", upgrade(&[]), 401),
        ("an empty session", "GET /ws", upgrade(&[("Cookie", "wildside=")]), 401),
        ("a session of rubbish", "GET /ws", upgrade(&[("Cookie", "wildside=a.b.c.d.e.f")]), 401),
        ("a session that was cut", "GET /ws", upgrade(&[("Cookie", cut)]), 401),
        ("an expired session", "GET /ws", upgrade(&[("Cookie", &old)]), 401),
        ("a session from the future", "GET /ws", upgrade(&[("Cookie", &early)]), 401),
        ("a session of another key", "GET /ws", upgrade(&[("Cookie", &foreign)]), 401),
        (
            "a foreign page",
            "GET /ws",
            upgrade(&[("Cookie", cookie), ("Origin", "https://evil.example")]),
            403,
        ),
        ("a page of a longer name", "GET /ws", upgrade(&[("Cookie", cookie), ("Origin", &evil_twin)]), 403),
        ("a page of no origin", "GET /ws", upgrade(&[("Cookie", cookie), ("Origin", "null")]), 403),
        (
            "two origins",
            "GET /ws",
            upgrade(&[("Cookie", cookie), ("Origin", origin), ("Origin", origin)]),
            403,
        ),
        ("a foreign page without a session", "GET /ws", upgrade(&[("Origin", "https://evil.example")]), 403),
        ("plain HTTP", "GET /ws", vec![("Cookie", cookie.to_owned())], 400),
        ("plain HTTP without a session", "GET /ws", vec![], 401),
        ("no Connection", "GET /ws", without("Connection"), 400),
        ("no Upgrade", "GET /ws", without("Upgrade"), 400),
        ("no version", "GET /ws", without("Sec-WebSocket-Version"), 400),
        ("no key", "GET /ws", without("Sec-WebSocket-Key"), 400),
        ("an old version", "GET /ws", with("Sec-WebSocket-Version", "8"), 400),
        ("another protocol", "GET /ws", with("Upgrade", "h2c"), 400),
        ("another method", "POST /ws", upgrade(&[("Cookie", cookie)]), 405),
        ("another path", "GET /websocket", upgrade(&[("Cookie", cookie)]), 404),
        ("the admin port's pages", "GET /metrics", upgrade(&[("Cookie", cookie)]), 404),
    ];
    let mut wrongs = Vec::new();
    for (name, first, headers, status) in &cases {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = ask(&town.notifier, first, &headers).await;
        wrongs.extend(answer.wrongs(*status).into_iter().map(|what| format!("{name}: {what}")));
    }
    assert!(wrongs.is_empty(), "of {} cases these went wrong:\n{}", cases.len(), wrongs.join("\n"));
    assert_eq!(town.open_sockets().await, 0.0);

    // A page of a listed origin gets in, and so does a program, which has none.
    for extra in [vec![("Cookie", cookie), ("Origin", origin)], vec![("Cookie", cookie)]] {
        let headers: Vec<(&str, &str)> = UPGRADE.into_iter().chain(extra).collect();
        let answer = ask(&town.notifier, "GET /ws", &headers).await;
        assert_eq!(answer.status, 101);
        // The answer to the sample key of RFC 6455.
        assert_eq!(answer.header("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walker_may_have_so_many_sockets_and_others_have_their_own() {
    let env = vec![(Role::Notifier, "SOCKETS_PER_USER", "3".into())];
    let town = Town::start(Options { workers: 0, env, ..Options::default() }).await;
    let (walker, other) = (town.walker().await, town.walker().await);
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(walker.websocket().await.unwrap());
    }
    let headers: Vec<(&str, &str)> =
        UPGRADE.into_iter().chain([("Cookie", walker.cookie().unwrap())]).collect();
    let refused = ask(&town.notifier, "GET /ws", &headers).await;
    assert_eq!(refused.wrongs(429), Vec::<String>::new());
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    let _others = other.websocket().await.unwrap();
    assert_eq!(town.open_sockets().await, 4.0);
    // A place that is given up is free again, also by one that leaves without a word.
    sockets.pop().unwrap().close().await;
    town.until_open(3.0).await;
    drop(sockets.pop());
    town.until_open(2.0).await;
    assert_eq!(ask(&town.notifier, "GET /ws", &headers).await.status, 101);
}
