use testbed::{Answer, Options, Role};

use crate::{raw::Raw, town::Town, wrongs};

const APP: &str = "https://app.wildside.example";

fn preflight(origin: &str, method: &str) -> Raw {
    Raw::new("OPTIONS", "/api/v1/routes")
        .header("Origin", origin)
        .header("Access-Control-Request-Method", method)
        .header("Access-Control-Request-Headers", "content-type,idempotency-key")
}

fn allowed(answer: &Answer) -> (&str, &str) {
    (answer.header("access-control-allow-origin"), answer.header("access-control-allow-credentials"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_told_which_pages_may_read_what() {
    let origins = format!("{APP},http://localhost:5173");
    let env = vec![(Role::Gateway, "ALLOWED_ORIGINS", origins)];
    let town = Town::start(Options { workers: 0, env, ..Options::default() }).await;
    for origin in [APP, "http://localhost:5173"] {
        let answer = preflight(origin, "POST").send(&town.gateway).await.unwrap();
        assert!(answer.status.is_success(), "{}", answer.status);
        assert_eq!(allowed(&answer), (origin, "true"));
        for method in ["GET", "POST", "PUT", "DELETE"] {
            assert!(answer.header("access-control-allow-methods").contains(method), "{method}");
        }
        for header in ["content-type", "idempotency-key", "if-match", "if-none-match"] {
            assert!(answer.header("access-control-allow-headers").contains(header), "{header}");
        }
    }
    for origin in [
        "https://evil.example",
        "null",
        "https://app.wildside.example.evil.example",
        "http://app.wildside.example",
    ] {
        let answer = preflight(origin, "POST").send(&town.gateway).await.unwrap();
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
        assert!(answer.status.as_u16() < 500, "{}", answer.status);
    }

    // The answers themselves: a good one, and a problem, which the page must be able to read as well.
    for (path, status) in [("/api/v1/interest-themes", 200), ("/api/v1/users/me", 401), ("/nothing", 404)] {
        let listed = Raw::get(path).header("Origin", APP).send(&town.gateway).await.unwrap();
        assert_eq!((listed.status.as_u16(), allowed(&listed)), (status, (APP, "true")), "{path}");
        for header in ["etag", "link", "location", "retry-after", "x-request-id", "ratelimit"] {
            assert!(listed.header("access-control-expose-headers").contains(header), "{path}: {header}");
        }
        assert!(listed.header("vary").to_lowercase().contains("origin"), "{path}: {}", listed.header("vary"));
        let foreign =
            Raw::get(path).header("Origin", "https://evil.example").send(&town.gateway).await.unwrap();
        assert_eq!(foreign.header("access-control-allow-origin"), "", "{path}");
    }
    // For a foreign page a change does not even happen; for a listed one and for no page it does.
    let post = || Raw::new("POST", "/api/v1/users");
    let refused = post().header("Origin", "https://evil.example").send(&town.gateway).await.unwrap();
    wrongs::assert_problem(&refused, 403);
    assert_eq!(refused.header("set-cookie"), "");
    assert_eq!(post().header("Origin", APP).send(&town.gateway).await.unwrap().status.as_u16(), 201);
    assert_eq!(post().send(&town.gateway).await.unwrap().status.as_u16(), 201);
}
