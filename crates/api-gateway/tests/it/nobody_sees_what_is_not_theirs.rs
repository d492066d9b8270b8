use serde_json::json;
use testbed::{Answer, Method, Options, StatusCode, Walker};
use uuid::Uuid;

use crate::{operations::Operation, town::Town, wrongs};

/// An answer without what differs between any two answers.
fn comparable(answer: &Answer) -> (StatusCode, Vec<(String, String)>, String) {
    let id = answer.header("x-request-id");
    let mut headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["x-request-id", "date", "ratelimit"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    headers.sort();
    (answer.status, headers, answer.text().replace(id, "(id)"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_serves_its_owner_hides_from_others_and_turns_strangers_away() {
    let town = Town::start(Options { map: true, ..Options::default() }).await;
    let (owner, other, stranger) = (town.walker().await, town.walker().await, town.stranger());
    let route = town.walk(&owner, 1).await;
    let route_id = route["route_id"].as_str().unwrap();
    let poi_id = route["stops"][0]["poi_id"].to_string();
    // The tile in which the middle of the city is.
    let tile = [("z", "14"), ("x", "9327"), ("y", "4742")];
    let of_owner = [("route_id", route_id), ("poi_id", poi_id.as_str()), tile[0], tile[1], tile[2]];
    let document = stranger.get("/api/v1/openapi.json").await.unwrap().json();
    let operations = Operation::all(&document);
    let (mut with_id, mut with_session) = (0, 0);

    for operation in &operations {
        let name = operation.name();
        let body = operation.body(&town);
        // A session is ended at the end; this walker is needed until then.
        if name == "DELETE /api/v1/session" {
            assert!(!operation.session, "{name}: who has no session may end it");
            continue;
        }
        // What takes the walker or the route away is left for the end, too; others must not be able to do it.
        if !operation.is_last() {
            let answer = operation.ask(&owner, of_owner, body.as_ref()).await;
            assert!(answer.status.is_success(), "{name}: the owner got {}: {}", answer.status, answer.text());
        }

        if operation.session {
            with_session += 1;
            let answer = operation.ask(&stranger, of_owner, body.as_ref()).await;
            wrongs::assert_problem(&answer, 401);
        } else {
            let answer = operation.ask(&stranger, of_owner, body.as_ref()).await;
            assert!(answer.status.is_success(), "{name}: a stranger got {}", answer.status);
        }
        if operation.session && operation.path.contains('{') {
            with_id += 1;
            let nowhere = Uuid::new_v4().to_string();
            let of_nobody = [("route_id", nowhere.as_str()), ("poi_id", "4"), tile[0], tile[1], tile[2]];
            for accept in [None, Some("application/geo+json"), Some("application/gpx+xml")] {
                let ask = async |ids: [(&str, &str); 5]| {
                    let path = Operation::filled(&operation.path, &ids);
                    let request = other.request(operation.method.clone(), &path);
                    let request = match accept {
                        Some(form) => request.header("accept", form),
                        None => request,
                    };
                    Walker::answer(request).await.unwrap()
                };
                let (theirs, nobodys) = (ask(of_owner).await, ask(of_nobody).await);
                wrongs::assert_problem(&theirs, 404);
                assert_eq!(comparable(&theirs), comparable(&nobodys), "{name} tells that the route exists");
            }
        }
        // Without an id in the path one gets one's own, and nothing of anybody else's.
        if operation.session && !operation.path.contains('{') && operation.method == Method::GET {
            let answer = operation.ask(&other, of_owner, None).await;
            assert!(answer.status.is_success(), "{name}: {}", answer.text());
            let owners = [route_id, route["request_id"].as_str().unwrap()];
            assert!(owners.iter().all(|id| !answer.text().contains(id)), "{name}: {}", answer.text());
        }
    }
    assert_eq!(
        (with_id, with_session),
        (5, 12),
        "operations come and go: look whether the matrix still sees all"
    );

    // What others tried has changed nothing for the owner.
    let after = owner.get(&format!("/api/v1/routes/{route_id}")).await.unwrap().json();
    assert_eq!((&after["path"], &after["stops"]), (&route["path"], &route["stops"]));
    let (me, others) =
        (owner.get("/api/v1/users/me").await.unwrap(), other.get("/api/v1/users/me").await.unwrap());
    assert_ne!(me.json()["id"], others.json()["id"]);
    assert_eq!(others.json()["interest_theme_ids"], json!([]));

    // In the end the owner does it all, and nobody else is touched. The walker goes last.
    let mut last: Vec<&Operation> = operations.iter().filter(|operation| operation.is_last()).collect();
    last.sort_by_key(|operation| (operation.path.len(), operation.name()));
    let names: Vec<String> = last.iter().rev().map(|operation| operation.name()).collect();
    assert_eq!(
        names,
        ["DELETE /api/v1/users/me/sessions", "DELETE /api/v1/routes/{route_id}", "DELETE /api/v1/users/me"]
    );
    let mut owner = owner;
    for operation in last.into_iter().rev() {
        let answer = operation.ask(&owner, of_owner, None).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}: {}", operation.name(), answer.text());
        if let Some(cookie) =
            answer.header("set-cookie").split(';').next().filter(|cookie| !cookie.is_empty())
        {
            owner = owner.with_cookie(Some(cookie.to_owned()));
        }
    }
    assert_eq!(other.get("/api/v1/users/me").await.unwrap().json(), others.json());
    assert_eq!(town.sql(&format!("SELECT count(*) FROM routes WHERE id = '{route_id}'")).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_is_still_pending_is_hidden_as_well() {
    let town = Town::start(Options { workers: 0, ..Options::default() }).await;
    let (owner, other) = (town.walker().await, town.walker().await);
    let (status, accepted) = owner.post_route(&town.wish(1)).await.unwrap();
    assert_eq!(status, StatusCode::ACCEPTED);
    let path = format!("/api/v1/routes/{}", accepted["route_id"].as_str().unwrap());
    let nowhere = format!("/api/v1/routes/{}", Uuid::new_v4());
    assert_eq!(owner.get(&path).await.unwrap().json()["status"], "pending");
    for (method, end) in [(Method::GET, ""), (Method::PUT, "/saved"), (Method::DELETE, "/saved")] {
        let theirs = other.send(method.clone(), &format!("{path}{end}"), None).await.unwrap();
        let nobodys = other.send(method, &format!("{nowhere}{end}"), None).await.unwrap();
        wrongs::assert_problem(&theirs, 404);
        assert_eq!(comparable(&theirs), comparable(&nobodys));
    }
}
