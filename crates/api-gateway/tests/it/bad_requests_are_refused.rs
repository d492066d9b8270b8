use std::time::{Duration, SystemTime};
use testbed::Options;
use uuid::Uuid;

use crate::{raw::Raw, town::Town, wrongs};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Who asks what about, for the cases below.
struct Scene {
    town: Town,
    cookie: String,
    /// A complete route of the one with the cookie.
    route: String,
    /// A complete route of somebody else.
    foreign_route: String,
    /// A legal wish.
    wish: String,
}

impl Scene {
    async fn set() -> Self {
        let town = Town::start(Options::default()).await;
        let (walker, other) = (town.walker().await, town.walker().await);
        let id = |route: serde_json::Value| route["route_id"].as_str().unwrap().to_owned();
        let route = id(town.walk(&walker, 1).await);
        let foreign_route = id(town.walk(&other, 2).await);
        let wish = town.wish(3).to_string();
        Self { cookie: walker.cookie().unwrap().into(), town, route, foreign_route, wish }
    }

    fn get(&self, path: &str) -> Raw {
        Raw::get(path).header("Cookie", &self.cookie)
    }

    fn request(&self, method: &str, path: &str) -> Raw {
        Raw::new(method, path).header("Cookie", &self.cookie)
    }

    fn post(&self) -> Raw {
        self.request("POST", "/api/v1/routes")
    }

    fn post_wish(&self) -> Raw {
        self.post().header("Content-Type", "application/json").body(&self.wish)
    }

    fn origin(&self) -> &str {
        &self.town.gateway
    }
}

type Pointers = &'static [&'static str];
type Case = (&'static str, Raw, u16, Pointers);

fn wrong_forms(scene: &Scene) -> Vec<Case> {
    let typed =
        |name, kind: &str| (name, scene.post().header("Content-Type", kind).body(&scene.wish), 415, &[][..]);
    let keyed = |name, key: &[u8]| (name, scene.post_wish().header("Idempotency-Key", key), 400, &[][..]);
    vec![
        ("no content type", scene.post().body(&scene.wish), 415, &[][..]),
        typed("an empty content type", ""),
        typed("plain text", "text/plain"),
        typed("a form", "application/x-www-form-urlencoded"),
        typed("a kind of JSON that is none of ours", "application/geo+json"),
        typed("a kind that only begins like JSON", "application/jsonp"),
        typed("a content type that is not ASCII", "application/json\u{e9}"),
        ("no body and no type", scene.post(), 415, &[]),
        ("a type and no body", scene.post().header("Content-Type", "application/json"), 400, &[]),
        (
            "chunks that make more than 16 KiB",
            scene
                .post()
                .header("Content-Type", "application/json")
                .header("Transfer-Encoding", "chunked")
                .bytes(format!("{}0\r\n\r\n", format!("1000\r\n{}\r\n", " ".repeat(0x1000)).repeat(5))),
            413,
            &[],
        ),
        (
            "chunks that are none",
            scene
                .post()
                .header("Content-Type", "application/json")
                .header("Transfer-Encoding", "chunked")
                .bytes("gg\r\n{}\r\n"),
            400,
            &[],
        ),
        keyed("an empty Idempotency-Key", b""),
        keyed("a blank Idempotency-Key", b"   "),
        keyed("an Idempotency-Key of 256 bytes", &[b'k'; 256]),
        keyed("an Idempotency-Key of 24 KiB", &[b'k'; 24 * 1024]),
        keyed("an Idempotency-Key in UTF-8", "ключ".as_bytes()),
        keyed("an Idempotency-Key that is not UTF-8", b"key\xff"),
        (
            "two Idempotency-Keys",
            scene.post_wish().header("Idempotency-Key", "a").header("Idempotency-Key", "a"),
            400,
            &[],
        ),
    ]
}

fn wrong_callers(scene: &Scene) -> Vec<Case> {
    let me = "/api/v1/users/me";
    let key = scene.town.system.session_key();
    let now = SystemTime::now();
    let with = |name, cookie: String| (name, Raw::get(me).header("Cookie", cookie), 401, &[][..]);
    let own = &scene.cookie;
    let signed = |user, at| Town::cookie(key, user, at);
    let parts: Vec<&str> = own.split('.').collect();
    let instead = |index: usize, text: &str| {
        let mut parts = parts.clone();
        parts[index] = text;
        parts.join(".")
    };
    let later = format!("{}", now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 900 * 86_400);
    vec![
        ("no session", Raw::get(me), 401, &[][..]),
        with("an empty cookie", "wildside=".into()),
        with("a cookie of rubbish", "wildside=let-me-in".into()),
        with("a cookie of dots", "wildside=.....".into()),
        with("a cookie of 24 KiB", format!("wildside={}", "x".repeat(24 * 1024))),
        with("a cookie of another name", own.replace("wildside=", "wildsides=")),
        with("the name that is for https", own.replace("wildside=", "__Host-wildside=")),
        with("another walker under my signature", instead(1, &Uuid::new_v4().simple().to_string())),
        with("a later expiry under my signature", instead(5, &later)),
        with("another purpose under my signature", own.replace("wildside-session-2", "wildside-session-3")),
        with("the key id of an unknown key", instead(6, "AAAAAAAA")),
        with("no signature", instead(7, "")),
        with("a signature that lacks its end", own[..own.len() - 2].into()),
        with("a signature of another length", format!("{own}AA")),
        with("a signature that is no base64", instead(7, "***")),
        with("a session that has expired", signed(Uuid::new_v4(), now - 401 * DAY)),
        with("a session from the future", signed(Uuid::new_v4(), now + DAY)),
        with("a session of an unknown key", Town::cookie(&"a".repeat(64), Uuid::new_v4(), now)),
        ("a wish without a session", Raw::post_route(&scene.wish), 401, &[]),
    ]
}

fn wrong_pages(scene: &Scene) -> Vec<Case> {
    let from = |name, origin: &str| (name, scene.post_wish().header("Origin", origin), 403, &[][..]);
    let origin = scene.origin();
    vec![
        from("a page of elsewhere", "https://evil.example"),
        from("a page of no origin", "null"),
        from("an empty origin", ""),
        from("our origin with a longer name", &format!("{origin}.evil.example")),
        from("our origin with a slash", &format!("{origin}/")),
        from("our origin on https", &origin.replace("http:", "https:")),
        from("an origin that is not ASCII", "http://\u{e9}.example"),
        ("two origins", scene.post_wish().header("Origin", origin).header("Origin", origin), 403, &[]),
        (
            "a foreign page that wants a walker",
            Raw::new("POST", "/api/v1/users").header("Origin", "https://evil.example"),
            403,
            &[],
        ),
        (
            "a foreign page that ends a session",
            scene.request("DELETE", "/api/v1/session").header("Origin", "https://evil.example"),
            403,
            &[],
        ),
        (
            "a foreign page that pins a route",
            scene
                .request("PUT", &format!("/api/v1/routes/{}/saved", scene.route))
                .header("Origin", "https://evil.example"),
            403,
            &[],
        ),
    ]
}

fn wrong_places(scene: &Scene) -> Vec<Case> {
    let lost = |name, path: &str| (name, scene.get(path), 404, &[][..]);
    let method = |name, method: &str, path: &str| (name, scene.request(method, path), 405, &[][..]);
    let route = format!("/api/v1/routes/{}", scene.route);
    let foreign = format!("/api/v1/routes/{}", scene.foreign_route);
    vec![
        lost("the root", "/"),
        lost("an unknown path", "/api/v1/nothing"),
        lost("another version", "/api/v2/users/me"),
        lost("a slash too many at the end", "/api/v1/users/me/"),
        lost("a slash too many at the start", "//api/v1/users/me"),
        lost("a way out", "/api/v1/routes/../../../etc/passwd"),
        lost("a way out in disguise", "/api/v1/routes/%2e%2e%2f%2e%2e%2fetc%2fpasswd"),
        lost("the admin port's pages", "/metrics"),
        lost("a route that never was", &format!("/api/v1/routes/{}", Uuid::new_v4())),
        lost("a route of no id", "/api/v1/routes/first"),
        lost("a route of an empty id", "/api/v1/routes/"),
        lost("a route of an id that is too long", &format!("{route}0")),
        lost("a route of a NUL", "/api/v1/routes/%00"),
        lost("a route of half an escape", "/api/v1/routes/%f"),
        lost("a route of bytes that are not UTF-8", "/api/v1/routes/%ff%fe"),
        lost("a route that tries SQL", "/api/v1/routes/1'%20OR%20'1'='1"),
        lost("a route of 8 KiB", &format!("/api/v1/routes/{}", "a".repeat(8192))),
        lost("another walker's route", &foreign),
        ("another walker's route, pinned", scene.request("PUT", &format!("{foreign}/saved")), 404, &[]),
        ("another walker's route, let go", scene.request("DELETE", &format!("{foreign}/saved")), 404, &[]),
        (
            "another walker's route as a file",
            scene.get(&foreign).header("Accept", "application/gpx+xml"),
            404,
            &[],
        ),
        lost("a place of a name", "/api/v1/pois/kiasma"),
        lost("a place of a number that no place has", "/api/v1/pois/3"),
        lost("a negative place", "/api/v1/pois/-4"),
        lost("a place beyond 64 bits", "/api/v1/pois/99999999999999999999"),
        lost("a place that is half a number", "/api/v1/pois/4.5"),
        lost("a place of a number with a plus", "/api/v1/pois/+4"),
        lost("a place of a number with a leading zero", "/api/v1/pois/04"),
        lost("a route of an id without hyphens", &format!("/api/v1/routes/{}", scene.route.replace('-', ""))),
        method("reading the list of users", "GET", "/api/v1/users"),
        method("putting what can only be posted", "PUT", "/api/v1/routes"),
        method("patching a route", "PATCH", &route),
        method("reading whether a route is pinned", "GET", &format!("{route}/saved")),
        method("posting interests", "POST", "/api/v1/users/me/interests"),
        method("reading the session", "GET", "/api/v1/session"),
        method("tracing", "TRACE", "/api/v1/users/me"),
        method("a method of nobody's", "BREW", "/api/v1/users/me"),
        ("a method of nobody's nowhere", scene.request("BREW", "/pot"), 404, &[]),
    ]
}

fn wrong_wants(scene: &Scene) -> Vec<Case> {
    let list = |name, query: &str, pointers: Pointers| {
        (name, scene.get(&format!("/api/v1/users/me/routes?{query}")), 422, pointers)
    };
    let as_form = |name, accept: &str| {
        (name, scene.get(&format!("/api/v1/routes/{}", scene.route)).header("Accept", accept), 406, &[][..])
    };
    let if_match = |name, tag: &[u8], status| {
        let put = scene.request("PUT", "/api/v1/users/me/interests").header("If-Match", tag);
        (
            name,
            put.header("Content-Type", "application/json").body("{\"interest_theme_ids\":[]}"),
            status,
            &[][..],
        )
    };
    let id = Uuid::nil().simple();
    vec![
        list("a page of none", "limit=0", &["limit"][..]),
        list("a page of 101", "limit=101", &["limit"]),
        list("a page of minus one", "limit=-1", &["limit"]),
        list("a page of many", "limit=many", &["limit"]),
        list("a page of nothing", "limit=", &["limit"]),
        list("a page of one and a half", "limit=1.5", &["limit"]),
        list("a page of bytes that are not UTF-8", "limit=%ff", &["limit"]),
        list("a page of more than 64 bits", "limit=18446744073709551617", &["limit"]),
        list("maybe pinned", "saved=maybe", &["saved"]),
        list("pinned in capitals", "saved=TRUE", &["saved"]),
        list("an unknown parameter", "page=2", &["page"]),
        list("a cursor of nobody's", "cursor=next", &["cursor"]),
        list("an empty cursor", "cursor=", &["cursor"]),
        list("half a cursor", "cursor=1700000000000000.", &["cursor"]),
        list("a cursor of no time", &format!("cursor=soon.{id}"), &["cursor"]),
        list(
            "a cursor of a time beyond the calendar",
            &format!("cursor=9223372036854775807.{id}"),
            &["cursor"],
        ),
        list("a cursor of a time before all", &format!("cursor=-9223372036854775808.{id}"), &["cursor"]),
        list("a cursor that tries SQL", "cursor=1.'%3B%20DROP%20TABLE%20users%3B--", &["cursor"]),
        as_form("a route as a page", "text/html"),
        as_form("a route as a picture", "image/png, image/*;q=0.5"),
        as_form("a route as anything but what there is", "application/json;q=0"),
        as_form("a route as nonsense", "gpx"),
        if_match("a revision of long ago", b"\"0\"", 412),
        if_match("a revision of the future", b"\"99\"", 412),
        if_match("a revision that is none", b"\"a\"", 412),
        if_match("a revision without its marks", b"latest", 400),
        if_match("a revision that is not ASCII", b"\"\xe9\"", 412),
        if_match("an empty revision", b"", 400),
        if_match("two revisions of other times", b"\"0\", \"99\"", 412),
        list("two limits", "limit=1&limit=2", &["limit"]),
        list("a limit with a plus", "limit=%2B5", &["limit"]),
        list("everything wrong at once", "limit=0&page=2&saved=1", &["limit", "page", "saved"]),
        list("a cursor in capitals", &format!("cursor=1.{}", id.to_string().replace('0', "A")), &["cursor"]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_wrong_is_a_problem_and_stores_nothing() {
    let scene = Scene::set().await;
    let cases = [
        wrong_forms(&scene),
        wrong_callers(&scene),
        wrong_pages(&scene),
        wrong_places(&scene),
        wrong_wants(&scene),
    ]
    .concat();
    let before = scene.town.rows().await;
    let mut wrongs = Vec::new();
    for (name, request, status, pointers) in &cases {
        let Some(answer) = request.send(&scene.town.gateway).await else {
            wrongs.push(format!("{name}: the server closed without an answer"));
            continue;
        };
        let mut found = wrongs::of_problem(&answer, *status);
        let problem = answer.json();
        if wrongs::pointers(&problem) != *pointers {
            found.push(format!("it points at {:?}, not at {pointers:?}", wrongs::pointers(&problem)));
        }
        if scene.town.rows().await != before {
            found.push("something was stored".into());
        }
        wrongs.extend(found.into_iter().map(|what| format!("{name}: {what}")));
    }
    assert!(wrongs.is_empty(), "{} cases, and these went wrong:\n{}", cases.len(), wrongs.join("\n"));
    assert!(cases.len() >= 100, "only {} cases", cases.len());

    // HEAD is GET without a body, also where GET has nothing good to say.
    let head = scene.request("HEAD", "/api/v1/nothing").send(&scene.town.gateway).await.unwrap();
    assert_eq!((head.status.as_u16(), head.body.len()), (404, 0));
    assert_eq!(head.header("content-type"), "application/problem+json");
    let route = format!("/api/v1/routes/{}", scene.route);
    let head = scene.request("HEAD", &route).send(&scene.town.gateway).await.unwrap();
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert!(!head.header("etag").is_empty() && !head.header("x-request-id").is_empty());
}

/// What the HTTP library cannot even read it answers by itself, before there is a request that has an id.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_is_refused_and_harms_nobody() {
    let town = Town::start(Options { workers: 0, ..Options::default() }).await;
    let header = |length| Raw::get("/api/v1/users/me").header("X-Long", "x".repeat(length));
    let many =
        (0..200).fold(Raw::get("/api/v1/users/me"), |request, n| request.header(&format!("X-{n}"), "x"));
    let cases = [
        ("a header of a megabyte", header(1 << 20), 431),
        ("a header of 33 KiB", header(33 * 1024), 431),
        ("two hundred headers", many, 431),
        ("an address of 100 KiB", Raw::get(&format!("/{}", "a".repeat(100 * 1024))), 414),
        ("a header with a control character", Raw::get("/").header("X-Odd", "a\u{1}b"), 400),
        ("two lengths", Raw::get("/").header("Content-Length", "1").header("Content-Length", "2"), 400),
        ("a negative length", Raw::get("/").header("Content-Length", "-1"), 400),
        ("a method with a space", Raw::new("GET IT", "/"), 400),
    ];
    let walker = town.walker().await;
    let before = town.rows().await;
    for (name, request, status) in cases {
        if let Some(answer) = request.send(&town.gateway).await {
            assert_eq!(answer.status.as_u16(), status, "{name}");
        }
    }
    // Who hangs up in the middle of a wish has not wished.
    let wish = town.wish(1).to_string();
    let post = Raw::new("POST", "/api/v1/routes").header("Content-Type", "application/json");
    let post = post.header("Cookie", walker.cookie().unwrap()).header("Content-Length", "500");
    let _ = post.bytes(wish).and_hang_up().send(&town.gateway).await;
    assert_eq!(town.rows().await, before);
    // Long, but not too long: read as any other.
    let answer = header(24 * 1024).send(&town.gateway).await.unwrap();
    wrongs::assert_problem(&answer, 401);
}
