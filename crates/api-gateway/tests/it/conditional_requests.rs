//! If-Match and If-None-Match (RFC 9110, 13.1): weak tags, lists, stars, several lines.

use testbed::{Answer, Options, Walker};

use crate::{raw::Raw, town::Town, wrongs};

fn conditional(method: &str, path: &str, walker: &Walker, name: &str, lines: &[&[u8]]) -> Raw {
    let request = Raw::new(method, path).header("Cookie", walker.cookie().unwrap());
    lines.iter().fold(request, |request, line| request.header(name, line))
}

async fn put(town: &Town, walker: &Walker, lines: &[&[u8]]) -> Answer {
    let put = conditional("PUT", "/api/v1/users/me/interests", walker, "If-Match", lines);
    let put = put.header("Content-Type", "application/json").body("{\"interest_theme_ids\":[]}");
    put.send(&town.gateway).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_is_named_weakly_or_strongly_alone_or_among_others() {
    let town = Town::start(Options { workers: 0, ..Options::default() }).await;
    let walker = town.walker().await;
    let mut revision: u32 =
        walker.get("/api/v1/users/me").await.unwrap().json()["revision"].to_string().parse().unwrap();
    for form in
        ["\"#\"", "W/\"#\"", "\"0\", \"#\"", "W/\"0\",W/\"#\" , \"99\"", ", \"#\",", "*", "\"a,b\", \"#\""]
    {
        let tag = form.replace('#', &revision.to_string());
        let answer = put(&town, &walker, &[tag.as_bytes()]).await;
        assert_eq!(answer.status.as_u16(), 200, "{tag}: {}", answer.text());
        revision += 1;
        assert_eq!(answer.header("etag"), format!("\"{revision}\""), "{tag}");
    }
    let tag = format!("W/\"{revision}\"");
    assert_eq!(put(&town, &walker, &[b"\"0\"", tag.as_bytes()]).await.status.as_u16(), 200);
    revision += 1;

    let before = town.rows().await;
    let others = ["\"0\"", "W/\"0\"", "\"0\", \"99\"", "\"W/#\"", "\"0#\"", "\"+#\"", "\"#,\"", "\"\""];
    for other in others.map(|form| form.replace('#', &revision.to_string())) {
        let answer = put(&town, &walker, &[other.as_bytes()]).await;
        wrongs::assert_problem(&answer, 412);
        assert_eq!(answer.header("etag"), format!("\"{revision}\""), "{other}");
    }
    wrongs::assert_problem(&put(&town, &walker, &[b"\"\xe9\""]).await, 412);
    for malformed in ["", ",", "latest", "#", "\"#", "w/\"#\"", "\"#\" \"0\"", "\"#\", *"] {
        let malformed = malformed.replace('#', &revision.to_string());
        wrongs::assert_problem(&put(&town, &walker, &[malformed.as_bytes()]).await, 400);
    }
    wrongs::assert_problem(&put(&town, &walker, &[b"*", b"*"]).await, 400);
    assert_eq!(town.rows().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_known_is_not_sent_again() {
    let town = Town::start(Options::default()).await;
    let walker = town.walker().await;
    let route = town.walk(&walker, 1).await;
    let route = format!("/api/v1/routes/{}", route["route_id"].as_str().unwrap());
    for path in ["/api/v1/users/me", "/api/v1/interest-themes", &route] {
        let etag = walker.get(path).await.unwrap().header("etag").to_owned();
        let get = async |lines: &[&str]| {
            let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
            let get = conditional("GET", path, &walker, "If-None-Match", &lines);
            get.send(&town.gateway).await.unwrap()
        };
        let weak = format!("W/{etag}");
        for known in
            [&[etag.as_str()][..], &[&weak], &["*"], &[&format!("\"x\", {weak}")], &["\"x,y\"", &etag]]
        {
            let answer = get(known).await;
            assert_eq!((answer.status.as_u16(), answer.body.len()), (304, 0), "{path}: {known:?}");
            assert_eq!(answer.header("etag"), etag);
        }
        for unknown in [&["\"x\""][..], &["W/\"x\", \"y\""], &["\"\""]] {
            assert_eq!(get(unknown).await.status.as_u16(), 200, "{path}: {unknown:?}");
        }
        for malformed in [&[etag.trim_matches('"')][..], &[""], &["*, \"x\""], &["*", "\"x\""]] {
            wrongs::assert_problem(&get(malformed).await, 400);
        }
    }
}
