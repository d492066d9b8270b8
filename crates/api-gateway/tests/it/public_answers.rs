//! What a shared cache may keep says nothing about who asked for it.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use testbed::{Answer, Method, Options, Role, SharedCache, StatusCode, Walker};
use uuid::Uuid;

use crate::{operations::Operation, town::Town};

const KEY: &str = "the present key of the tests of what shared caches may keep and what not";
const PREVIOUS: &str = "the previous key of the tests of what shared caches may keep and what not";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Fields that differ between two answers to the same request by the same caller.
const VARYING: [&str; 2] = ["date", "age"];
/// Fields that depend on who asks.
const PERSONAL: [&str; 4] = ["set-cookie", "ratelimit", "ratelimit-policy", "x-request-id"];

fn options() -> Options {
    let env = vec![(Role::Gateway, "SESSION_KEY_PREVIOUS", PREVIOUS.to_owned())];
    Options { map: true, session_key: Some(KEY.into()), env, ..Options::default() }
}

/// Callers by the state of their session, all of them the same walker.
fn callers(town: &Town, walker: Uuid) -> Vec<(&'static str, Walker)> {
    let now = SystemTime::now();
    let with = |cookie: String| town.stranger().with_cookie(Some(cookie));
    vec![
        ("no session", town.stranger()),
        ("a fresh session", with(Town::cookie(KEY, walker, now))),
        ("a session older than 30 days", with(Town::cookie(KEY, walker, now - 31 * DAY))),
        ("a session of the previous key", with(Town::cookie(PREVIOUS, walker, now))),
        ("an expired session", with(Town::cookie(KEY, walker, now - 401 * DAY))),
        ("a forged session", with("wildside=wildside-session-2.x.y.z".into())),
    ]
}

fn directives(answer: &Answer) -> Vec<String> {
    let value = answer.header("cache-control").to_lowercase();
    value.split(',').map(|directive| directive.trim().to_owned()).collect()
}

fn is_public(answer: &Answer) -> bool {
    directives(answer).iter().any(|one| one == "public" || one.starts_with("s-maxage"))
}

/// Whether an answer is as a stranger would get it, or says that it is not for strangers.
fn wrongs_of(answer: &Answer) -> Vec<String> {
    let directives = directives(answer);
    let kept_private = directives.iter().any(|one| one == "private" || one == "no-store");
    let mut wrongs = Vec::new();
    if is_public(answer) == kept_private {
        wrongs.push(format!("Cache-Control is {directives:?}"));
    }
    if is_public(answer) {
        let there = PERSONAL.iter().filter(|field| answer.headers.contains_key(**field));
        wrongs.extend(there.map(|field| format!("{field} stands beside public")));
        let vary = answer.header("vary").to_lowercase();
        if !vary.contains("origin") {
            wrongs.push(format!("pages of other origins get another answer, and Vary is {vary:?}"));
        }
    }
    wrongs
}

/// All that a cache would give to the next caller.
fn kept_of(answer: &Answer) -> (StatusCode, BTreeMap<String, String>, Vec<u8>) {
    let fields = answer.headers.iter().filter(|(name, _)| !VARYING.contains(&name.as_str()));
    let fields =
        fields.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()));
    (answer.status, fields.collect(), answer.body.clone())
}

/// A request for an operation, in all the ways that lead to different kinds of answers.
struct Question {
    name: String,
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<Value>,
    /// Whoever asks this is not needed any more.
    ends_session: bool,
}

impl Question {
    async fn ask(&self, caller: &Walker) -> Answer {
        let mut request = caller.request(self.method.clone(), &self.path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &self.body {
            request = request.json(body);
        }
        Walker::answer(request).await.unwrap()
    }
}

/// Every operation of the document and what it does not tell of; each plain, of nothing that exists, by a method that it
/// does not know, and, where there is a version, conditional.
async fn questions(town: &Town, owner: &Walker, ids: &[(&str, &str)]) -> Vec<Question> {
    let document = owner.get("/api/v1/openapi.json").await.unwrap().json();
    let mut targets: Vec<(Method, String, Option<Value>)> = Operation::all(&document)
        .into_iter()
        .map(|operation| (operation.method.clone(), operation.path.clone(), operation.body(town)))
        .collect();
    for path in ["/api/v1/openapi.json", "/nothing", "/"] {
        targets.push((Method::GET, path.into(), None));
    }
    let nothing: Vec<(&str, &str)> = ids.iter().map(|(name, _)| (*name, "999999999")).collect();
    let mut questions = Vec::new();
    for (method, template, body) in targets {
        let path = Operation::filled(&template, ids);
        let ends_session = ["/api/v1/session", "/api/v1/users/me", "/api/v1/users/me/sessions"]
            .contains(&template.as_str())
            && method == Method::DELETE;
        let question =
            |what: &str, method: &Method, path: &str, headers: Vec<(&'static str, String)>| Question {
                name: format!("{method} {path} ({what})"),
                method: method.clone(),
                path: path.to_owned(),
                headers,
                body: body.clone(),
                ends_session,
            };
        questions.push(question("plain", &method, &path, vec![]));
        questions.push(question("of nothing", &method, &Operation::filled(&template, &nothing), vec![]));
        questions.push(question("unknown method", &Method::PATCH, &path, vec![]));
        questions.push(question("wrong query", &method, &format!("{path}?limit=none"), vec![]));
        if method == Method::GET {
            let etag = owner.get(&path).await.unwrap().header("etag").to_owned();
            for tag in [etag, "*".into()] {
                questions.push(question("conditional", &method, &path, vec![("if-none-match", tag)]));
            }
            questions.push(question("head", &Method::HEAD, &path, vec![]));
            questions.push(question(
                "as gpx",
                &method,
                &path,
                vec![("accept", "application/gpx+xml".into())],
            ));
        }
    }
    questions
}

#[tokio::test(flavor = "multi_thread")]
async fn public_never_stands_beside_what_depends_on_who_asks() {
    let town = Town::start(options()).await;
    let owner = town.walker().await;
    let route = town.walk(&owner, 1).await;
    let owner_id: Uuid =
        owner.get("/api/v1/users/me").await.unwrap().json()["id"].as_str().unwrap().parse().unwrap();
    let poi_id = route["stops"][0]["poi_id"].to_string();
    let ids = [
        ("route_id", route["route_id"].as_str().unwrap()),
        ("poi_id", poi_id.as_str()),
        ("z", "14"),
        ("x", "9327"),
        ("y", "4742"),
    ];
    // What is asked of one's own route deletes it in the end, so that comes last.
    let mut questions = questions(&town, &owner, &ids).await;
    questions.sort_by_key(|question| question.method == Method::DELETE);
    let (mut wrongs, mut public, mut renewed) = (Vec::new(), BTreeMap::new(), 0);
    for question in &questions {
        let mut first = None;
        for (state, caller) in callers(&town, owner_id) {
            let caller = match (question.ends_session, caller.cookie()) {
                (true, Some(_)) => {
                    callers(&town, Uuid::new_v4()).into_iter().find(|(other, _)| *other == state).unwrap().1
                }
                _ => caller,
            };
            let answer = question.ask(&caller).await;
            let name = format!("{} by one with {state}: {}", question.name, answer.status);
            wrongs.extend(wrongs_of(&answer).into_iter().map(|wrong| format!("{name}: {wrong}")));
            renewed += usize::from(answer.header("set-cookie").starts_with("wildside=wildside-session-2."));
            if is_public(&answer) {
                *public.entry(answer.status.as_u16()).or_insert(0) += 1;
                let kept = kept_of(&answer);
                let first = first.get_or_insert_with(|| kept.clone());
                if *first != kept {
                    wrongs.push(format!(
                        "{name}: another answer than the first caller's: {first:?} and {kept:?}"
                    ));
                }
            }
        }
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
    // The test has seen what it is about.
    assert!(public[&200] >= 18 && public[&304] >= 12, "{public:?}");
    assert!(renewed > 10, "{renewed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_shared_cache_nobody_gets_somebody_elses_cookie() {
    let town = Town::start(options()).await;
    let walker_id = Uuid::new_v4();
    let cache = SharedCache::start(&town.gateway).await.unwrap();
    let poi_id = town.sql("SELECT min(id) FROM pois").await;
    let document = town.stranger().get("/api/v1/openapi.json").await.unwrap().json();
    let mut paths: Vec<String> = Operation::all(&document)
        .into_iter()
        .filter(|operation| operation.method == Method::GET)
        .map(|operation| operation.path)
        .chain(["/api/v1/openapi.json".to_owned(), "/nothing".to_owned()])
        .collect();
    let nowhere = Uuid::new_v4().to_string();
    let ids =
        [("route_id", nowhere.as_str()), ("poi_id", &poi_id), ("z", "14"), ("x", "9327"), ("y", "4742")];
    for path in &mut paths {
        *path = Operation::filled(path, &ids);
    }
    let mut kept = Vec::new();
    for (state, walker) in callers(&town, walker_id) {
        let (walker, stranger) = (walker.at(&cache.url(), ""), town.stranger().at(&cache.url(), ""));
        for path in &paths {
            // A query of its own, so that each walker is the first to ask.
            let path = format!("{path}?{}", Uuid::new_v4().simple());
            let etag = town.stranger().get(&path).await.unwrap().header("etag").to_owned();
            for conditional in [false, true] {
                let mut request = walker.request(Method::GET, &path);
                if conditional {
                    request = request.header("if-none-match", &etag);
                }
                Walker::answer(request).await.unwrap();
                let answer = stranger.get(&path).await.unwrap();
                assert_eq!(answer.header("set-cookie"), "", "{path} after one with {state}");
                for field in PERSONAL {
                    let from_cache = answer.header("x-cache").starts_with("HIT");
                    assert!(!from_cache || answer.header(field).is_empty(), "{field} of {path} was kept");
                }
                if answer.header("x-cache").starts_with("HIT") {
                    kept.push(path.clone());
                }
            }
        }
        let me = stranger.get("/api/v1/users/me").await.unwrap();
        assert_eq!(me.status, StatusCode::UNAUTHORIZED, "after one with {state}: {}", me.text());
    }
    // It is a cache indeed: themes, a place and the document come from it.
    for path in ["/api/v1/interest-themes", "/api/v1/pois/", "/api/v1/openapi.json"] {
        assert!(
            kept.iter().any(|one| one.starts_with(path)),
            "{path} was never answered by the cache: {kept:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_session_is_renewed_by_the_next_private_answer() {
    let town = Town::start(Options { workers: 0, map: false, ..options() }).await;
    let (id, now) = (Uuid::new_v4(), SystemTime::now());
    for old in [Town::cookie(KEY, id, now - 31 * DAY), Town::cookie(PREVIOUS, id, now)] {
        let walker = town.stranger().with_cookie(Some(old.clone()));
        assert_eq!(walker.get("/api/v1/interest-themes").await.unwrap().header("set-cookie"), "");
        let answer = walker.get("/api/v1/users/me").await.unwrap().success().unwrap();
        let renewed = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        assert_ne!(renewed, old);
        let again = town.stranger().with_cookie(Some(renewed)).get("/api/v1/users/me").await.unwrap();
        assert_eq!((again.json()["id"].clone(), again.header("set-cookie")), (json!(id), ""));
    }
}
