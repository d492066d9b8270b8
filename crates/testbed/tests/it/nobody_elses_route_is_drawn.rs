use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use std::{fs, time::Duration};
use testbed::{Method, Options, System, Walker};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

pub async fn take_a_walk(walker: &Walker) -> Value {
    let themes = walker.get("/api/v1/interest-themes").await.unwrap().json();
    let themes = themes["interest_themes"].as_array().unwrap();
    let ids: Vec<&Value> = themes.iter().take(4).map(|theme| &theme["id"]).collect();
    let wish = json!({
        "start_location": {"type": "Point", "coordinates": [24.9414, 60.1699]},
        "duration_minutes": 45,
        "interest_theme_ids": ids
    });
    walker.walk_until_complete(&wish, Duration::from_secs(120), |_| ()).await.unwrap()
}

/// The tile of zoom 14 in which the walk begins.
const TILE: &str = "14/9327/4742";

#[tokio::test]
async fn through_any_door() {
    let system = System::start(Options { map: true, ..Options::default() }).await.unwrap();
    let owner = system.walker().await.unwrap();
    let route = take_a_walk(&owner).await;
    let id = route["route_id"].as_str().unwrap().to_owned();
    let (origin, gateway) = (system.public_url().unwrap().to_owned(), system.gateway_url().unwrap());

    // The owner sees it, keeps it, and is told when it is known already.
    let own = owner.get(&format!("/tiles/routes/{id}/{TILE}.pbf")).await.unwrap();
    assert_eq!(
        (own.status, own.header("content-type")),
        (StatusCode::OK, "application/vnd.mapbox-vector-tile")
    );
    assert!(own.body.windows(5).any(|part| part == b"route"));
    assert_eq!(
        (own.header("cache-control"), own.header("vary")),
        ("private, max-age=86400", "Accept-Encoding, Cookie")
    );
    let request = owner
        .request(Method::GET, &format!("/tiles/routes/{id}/{TILE}"))
        .header("if-none-match", own.header("etag"));
    assert_eq!(Walker::answer(request).await.unwrap().status, StatusCode::NOT_MODIFIED);
    assert_eq!(
        owner.get(&format!("/tiles/routes/{id}/14/0/0.pbf")).await.unwrap().status,
        StatusCode::NO_CONTENT
    );
    // Upper case is the same id.
    let upper = owner.get(&format!("/tiles/routes/{}/{TILE}", id.to_uppercase())).await.unwrap();
    assert_eq!(upper.body, own.body);
    for (tile, status) in [
        ("14/16384/0", 404),
        ("17/0/0", 404),
        ("14/1/1.png", 404),
        ("14/-1/0", 404),
        ("000014/0/0", 404),
        ("14/1", 404),
    ] {
        assert_eq!(owner.get(&format!("/tiles/routes/{id}/{tile}")).await.unwrap().status, status, "{tile}");
    }
    for wrong in ["nonsense", "00000000-0000-4000-8000-000000000000", &format!("{id}0"), &id[..35]] {
        let answer = owner.get(&format!("/tiles/routes/{wrong}/{TILE}")).await.unwrap();
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{wrong}: {}", answer.text());
    }

    // Nobody else does, whichever way they ask.
    let other = system.walker().await.unwrap();
    let stranger = other.clone().with_cookie(None);
    let other_id = take_a_walk(&other).await["route_id"].as_str().unwrap().to_owned();
    let (shout, bare) = (id.to_uppercase(), id.replace('-', ""));
    let doors = [
        format!("/tiles/routes/{id}/{TILE}.pbf"),
        format!("/tiles/routes/{shout}/{TILE}.pbf"),
        format!("/tiles/routes/{bare}/{TILE}.pbf"),
        // The first route is their own.
        format!("/tiles/routes/{other_id}/{TILE}.pbf?route_id={id}"),
        format!("/tiles/routes/{other_id}/{TILE}.pbf?route_id={other_id}&route_id={id}"),
        format!("/tiles/routes/{other_id}/{TILE}%3Froute_id={id}"),
        format!("/tiles/routes/{other_id}%2F..%2F{id}/{TILE}.pbf"),
        format!("/tiles/routes/{other_id}%3Froute_id={id}%26/{TILE}.pbf"),
        // Martin's own forms of address.
        format!("/tiles/routes/{TILE}?route_id={id}"),
        format!("/tiles/routes%2F{TILE}?route_id={id}"),
        format!("/tiles/routes,pois/{TILE}?route_id={id}"),
        format!("/tiles/pois,routes/{TILE}?route_id={id}"),
        format!("/tiles/pois%2Croutes/{TILE}?route_id={id}"),
        format!("/tiles/pois/../routes/{TILE}?route_id={id}"),
        format!("/tiles/pois/%2e%2e/routes/{TILE}?route_id={id}"),
        format!("/tiles//routes/{TILE}?route_id={id}"),
        format!("/tiles/Routes/{TILE}?route_id={id}"),
        format!("/TILES/routes/{TILE}?route_id={id}"),
        format!("/tiles/pois/{TILE}?route_id={id}"),
        format!("/routes/{TILE}?route_id={id}"),
        format!("/tiles/base,routes/{TILE}?route_id={id}"),
    ];
    for door in &doors {
        for walker in [&other, &stranger] {
            for place in [&origin, &gateway] {
                let head = raw(place, door, walker.cookie()).await;
                let drawn = head.status == 200
                    && head.body
                        != raw(place, &format!("/tiles/routes/{other_id}/{TILE}.pbf"), other.cookie())
                            .await
                            .body;
                assert!(!drawn || !contains(&head.body, b"route"), "{door} at {place}: {}", head.status);
            }
        }
    }

    // Behind another request, in which nothing is wrong.
    let martin = system.martin().unwrap().url();
    let wanted = format!("/tiles/routes/{TILE}?route_id={id}");
    assert!(contains(&raw(&martin, &wanted, None).await.body, DRAWN), "Martin itself would answer");
    let second = format!("GET {wanted} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut open = Vec::new();
    for headers in [
        "",
        "Upgrade: x\r\n",
        "uPGRADE:x\r\nConnection: Upgrade\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\n",
        "Connection: keep-alive\r\n",
        "Connection : keep-alive\r\n",
        "X: x\r\n Connection: keep-alive\r\n",
        "X: x\nConnection: keep-alive\r\n",
        "X: x\n\n",
        "Content-Length: 0\r\n",
        "Content-Length: 0\r\nContent-Length: 100\r\n",
        "Content-Length: +1\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    ] {
        // Martin takes a lone line feed for the end of a line, and two for the end of the request.
        let end = if headers.ends_with("\n\n") { "" } else { "\r\n" };
        let first = format!("GET /tiles/pois/14/0/0 HTTP/1.1\r\nHost: localhost\r\n{headers}{end}");
        let body = if headers.contains("chunked") { "0\r\n\r\n" } else { "" };
        let at_once = format!("{first}{body}{second}");
        let one_by_one = [format!("{first}{body}"), second.clone()];
        for requests in [&[at_once] as &[_], &one_by_one] {
            if contains(&said_to(&origin, requests).await, DRAWN) {
                open.push((headers, requests.len()));
            }
        }
    }
    assert!(open.is_empty(), "behind {open:?}");

    let answer = other.get(&doors[0]).await.unwrap();
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "it does not even exist for them");
    assert_eq!(stranger.get(&doors[0]).await.unwrap().status, StatusCode::UNAUTHORIZED);
}

struct Raw {
    status: u16,
    body: Vec<u8>,
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

/// How the layer of a route begins.
const DRAWN: &[u8] = b"\x0a\x05route";

/// Asks for exactly this path; an ordinary client would tidy it up first.
async fn raw(origin: &str, path: &str, cookie: Option<&str>) -> Raw {
    let cookie = cookie.map_or_else(String::new, |cookie| format!("Cookie: {cookie}\r\n"));
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{cookie}\r\n");
    let answer = said_to(origin, &[request]).await;
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n").unwrap();
    let status = String::from_utf8_lossy(&answer[9..12]).parse().unwrap();
    Raw { status, body: answer[end + 4..].to_vec() }
}

/// Says all of this on one connection, one after the other, and hears what comes back until nothing more does.
async fn said_to(origin: &str, requests: &[String]) -> Vec<u8> {
    let origin = origin.trim_start_matches("http://").trim_end_matches('/');
    let mut socket = TcpStream::connect(origin).await.unwrap();
    let mut answer = Vec::new();
    for (number, request) in requests.iter().enumerate() {
        if number > 0 {
            // Time for an answer to come, and for the connection to end.
            let heard = timeout(Duration::from_millis(500), socket.read_buf(&mut answer)).await;
            assert!(heard.is_err() || !answer.is_empty(), "no answer to {:?}", requests[0]);
        }
        // A connection that was ended hears no more.
        if socket.write_all(request.as_bytes()).await.is_err() {
            break;
        }
    }
    // Who waits for the rest of a body waits for long.
    let _ = timeout(Duration::from_secs(3), socket.read_to_end(&mut answer)).await;
    answer
}

#[tokio::test]
async fn martin_answers_only_what_it_is_told_to() {
    let system = System::start(Options { map: true, ..Options::default() }).await.unwrap();
    let martin = system.martin().unwrap().url();
    let http = Client::new();
    let get = async |path: &str| {
        let answer = http.get(format!("{martin}/tiles/{path}")).send().await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap())
    };
    let (status, pois) = get("pois/14/9326/4741").await;
    assert!(status == 200 && contains(&pois, b"popularity_score") && contains(&pois, b"icon"));
    for (path, expected) in [
        // Outside of the world, of the zooms and of the city; no route, no uuid, no text.
        ("pois/14/16384/0", 204),
        ("pois/11/0/0", 404),
        ("pois/14/0/0", 204),
        ("routes/14/9326/4741", 204),
        ("routes/14/9326/4741?route_id=00000000-0000-4000-8000-000000000000", 204),
        ("routes/14/9326/4741?route_id=nonsense", 204),
        ("routes/14/9326/4741?route_id=12e5", 204),
        ("routes/14/9326/4741?route_id={}", 204),
        ("routes/14/16384/0?route_id=00000000-0000-4000-8000-000000000000", 204),
        ("users/0/0/0", 404),
        ("pois_shown/14/9326/4741", 404),
    ] {
        let (status, body) = get(path).await;
        assert_eq!(status, expected, "{path}: {}", String::from_utf8_lossy(&body));
    }
    // It understood all of its settings.
    let log = fs::read_to_string(system.martin().unwrap().process().log()).unwrap().to_lowercase();
    for word in ["unrecognized", "unknown", "ignor"] {
        assert!(!log.contains(word), "{log}");
    }
    // The role can call two functions and read no table, and the index answers what tiles ask.
    let database = system.database();
    let may = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE nspname IN ('public', 'tiles') AND relkind IN ('r', 'v') AND relname <> 'spatial_ref_sys'
          AND relname NOT IN ('geometry_columns', 'geography_columns')
          AND has_table_privilege('martin_ro', c.oid, 'SELECT, INSERT, UPDATE, DELETE')";
    assert_eq!(database.sql(may).await.unwrap(), "0");
    let functions = "SELECT string_agg(nspname || '.' || proname, ' ' ORDER BY proname) FROM pg_proc p
        JOIN pg_namespace n ON n.oid = pronamespace
        WHERE (nspname = 'tiles' OR proname = 'get_route_tile') AND proname <> 'is_tile'
          AND has_function_privilege('martin_ro', p.oid, 'EXECUTE')";
    assert_eq!(database.sql(functions).await.unwrap(), "tiles.pois tiles.routes");
    let plan = "SET enable_seqscan = off; EXPLAIN SELECT * FROM tiles.pois_shown
        WHERE geom && ST_Transform(ST_TileEnvelope(14, 9326, 4741), 4326)";
    assert!(database.sql(plan).await.unwrap().contains("pois_location_degrees"));
}
