use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use testbed::{Options, Socket, Walker};
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use crate::town::{PATIENCE, START, Town};

const SOON: Duration = Duration::from_secs(10);

fn here(route: &str) -> Value {
    let location = json!({"type": "Point", "coordinates": START});
    json!({"type": "update_location", "payload": {"route_id": route, "location": location}})
}

/// A socket that has heard its snapshot, so that what comes next is an answer.
async fn quiet_socket(walker: &Walker, snapshot: usize) -> Socket {
    let mut socket = walker.websocket().await.unwrap();
    for _ in 0..snapshot {
        let message = socket.next(PATIENCE).await.unwrap().unwrap();
        assert_eq!(message["type"], "route_generation_status");
    }
    socket
}

/// Sends something and returns the answer's type and payload.
async fn answer(socket: &mut Socket, message: Message) -> (String, Value) {
    socket.stream().send(message).await.unwrap();
    let mut answer = socket.next(SOON).await.unwrap().expect("the server closed");
    (answer["type"].as_str().unwrap().to_owned(), answer["payload"].take())
}

async fn still_lives(socket: &mut Socket) -> bool {
    socket.stream().send(Message::Ping("still there?".into())).await.unwrap();
    let heard = tokio::time::timeout(SOON, socket.stream().next()).await;
    matches!(heard, Ok(Some(Ok(Message::Pong(text)))) if text == "still there?")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_message_is_answered_with_what_is_wrong_and_stores_nothing() {
    let town = Town::start(Options::default()).await;
    let (walker, other) = (town.walker().await, town.walker().await);
    let own = town.walk(&walker, 1).await["route_id"].as_str().unwrap().to_owned();
    let foreign = town.walk(&other, 2).await["route_id"].as_str().unwrap().to_owned();
    town.system.worker(0).unwrap().stop().await;
    let (_, pending) = walker.post_route(&town.wish(3)).await.unwrap();
    let pending = pending["route_id"].as_str().unwrap();

    let with = |pointer: &str, text: &str| {
        let mut message = here(&own);
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        message.pointer_mut(parent).unwrap()[name] = json!("@");
        Message::text(message.to_string().replace("\"@\"", text))
    };
    let without = |pointer: &str| {
        let mut message = here(&own);
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        message.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        Message::text(message.to_string())
    };
    let text = |text: &str| Message::text(text.to_owned());
    let at = |coordinates: &str| with("/payload/location/coordinates", coordinates);
    let nowhere = here(&Uuid::new_v4().to_string()).to_string();
    let cases: Vec<(&str, Message, &[&str])> = vec![
        ("nothing", text(""), &[""]),
        ("a word", text("hello"), &[""]),
        ("half a message", text(&here(&own).to_string()[..40]), &[""]),
        ("two messages", text(&format!("{0}{0}", here(&own))), &[""]),
        ("a list", text("[]"), &[""]),
        ("null", text("null"), &[""]),
        ("a thousand lists in each other", text(&["[".repeat(1000), "]".repeat(1000)].concat()), &[""]),
        ("a NUL", text("\0"), &[""]),
        ("an empty object", text("{}"), &["/type", "/payload"]),
        ("no type", without("/type"), &["/type"]),
        ("a type that is null", with("/type", "null"), &["/type"]),
        ("a type of the server's", with("/type", "\"walk_progress\""), &["/type"]),
        ("a type in capitals", with("/type", "\"UPDATE_LOCATION\""), &["/type"]),
        ("an unknown field", with("/token", "1"), &["/token"]),
        ("no payload", without("/payload"), &["/payload"]),
        ("a payload that is null", with("/payload", "null"), &["/payload"]),
        ("a payload that is a text", with("/payload", "\"here\""), &["/payload"]),
        ("an empty payload", with("/payload", "{}"), &["/payload/route_id", "/payload/location"]),
        ("an unknown field of the payload", with("/payload/speed", "3"), &["/payload/speed"]),
        ("a route that is null", with("/payload/route_id", "null"), &["/payload/route_id"]),
        ("a route that is a number", with("/payload/route_id", "1"), &["/payload/route_id"]),
        ("a route that is no id", with("/payload/route_id", "\"the long one\""), &["/payload/route_id"]),
        ("a route that tries SQL", with("/payload/route_id", "\"' OR true --\""), &["/payload/route_id"]),
        ("a place that is null", with("/payload/location", "null"), &["/payload/location"]),
        ("a place that is a pair", with("/payload/location", "[24.94,60.17]"), &["/payload/location"]),
        (
            "a place with an accuracy",
            with("/payload/location/accuracy", "5"),
            &["/payload/location/accuracy"],
        ),
        ("a line", with("/payload/location/type", "\"LineString\""), &["/payload/location/type"]),
        ("NaN", at("[NaN,60.17]"), &[""]),
        ("Infinity", at("[24.94,Infinity]"), &[""]),
        ("a number beyond all doubles", at("[1e999,60.17]"), &[""]),
        ("no coordinates", at("[]"), &["/payload/location/coordinates"]),
        ("three coordinates", at("[24.94,60.17,4]"), &["/payload/location/coordinates"]),
        ("coordinates as texts", at(r#"["24.94","60.17"]"#), &["/payload/location/coordinates"]),
        ("a longitude of 181", at("[181,60.17]"), &["/payload/location/coordinates/0"]),
        ("a latitude of 95", at("[24.94,95]"), &["/payload/location/coordinates/1"]),
        ("a good message as bytes", Message::binary(here(&own).to_string()), &[]),
        ("bytes", Message::binary(vec![0xff; 100]), &[]),
        ("a route that never was", text(&nowhere), &[]),
        ("somebody else's route", text(&here(&foreign).to_string()), &[]),
        ("a route that is pending", text(&here(pending).to_string()), &[]),
    ];
    assert!(cases.len() >= 30);
    let before = town.rows().await;
    let (mut wrongs, mut details) = (Vec::new(), Vec::new());
    for (name, message, pointers) in cases {
        let mut socket = quiet_socket(&walker, 2).await;
        let (kind, payload) = answer(&mut socket, message).await;
        let errors = payload["errors"].as_array().cloned().unwrap_or_default();
        let found: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        let detail = payload["detail"].as_str().unwrap_or_default().to_owned();
        let told = errors.iter().all(|error| !error["detail"].as_str().unwrap().is_empty());
        if kind != "error"
            || found != pointers
            || detail.is_empty()
            || !told
            || !still_lives(&mut socket).await
        {
            wrongs.push(format!("{name}: {kind} {payload}"));
        }
        if town.rows().await != before {
            wrongs.push(format!("{name}: something was stored"));
        }
        details.push((name, detail));
        socket.close().await;
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
    let detail = |case: &str| &details.iter().find(|(name, _)| *name == case).unwrap().1;
    assert_eq!(detail("somebody else's route"), detail("a route that never was"));
    assert_eq!(detail("a route that is pending"), "This route is not complete.");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_messages_in_a_row_end_the_socket_and_a_good_one_begins_anew() {
    let town = Town::start(Options::default()).await;
    let walker = town.walker().await;
    let route = town.walk(&walker, 1).await["route_id"].as_str().unwrap().to_owned();
    let mut socket = quiet_socket(&walker, 1).await;
    for _ in 0..2 {
        for _ in 0..4 {
            assert_eq!(answer(&mut socket, Message::text("?")).await.0, "error");
        }
        assert_eq!(answer(&mut socket, Message::text(here(&route).to_string())).await.0, "walk_progress");
        tokio::time::sleep(Duration::from_millis(1000)).await;
    }
    for _ in 0..5 {
        assert_eq!(answer(&mut socket, Message::text("?")).await.0, "error");
    }
    assert_eq!(socket.closed(SOON).await.unwrap(), Some(1008));
    // Who comes back starts with a clean slate.
    let mut socket = quiet_socket(&walker, 1).await;
    assert_eq!(answer(&mut socket, Message::text("?")).await.0, "error");
    assert!(still_lives(&mut socket).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_location_is_taken_once_a_second() {
    let town = Town::start(Options::default()).await;
    let walker = town.walker().await;
    let route = town.walk(&walker, 1).await["route_id"].as_str().unwrap().to_owned();
    let mut socket = quiet_socket(&walker, 1).await;
    let good = Message::text(here(&route).to_string());
    for _ in 0..3 {
        assert_eq!(answer(&mut socket, good.clone()).await.0, "walk_progress");
        let (kind, payload) = answer(&mut socket, good.clone()).await;
        assert_eq!(
            (kind.as_str(), &payload["detail"]),
            ("error", &json!("A location may be sent once a second."))
        );
        tokio::time::sleep(Duration::from_millis(1000)).await;
    }
    // Whoever does not listen is shown out.
    assert_eq!(answer(&mut socket, good.clone()).await.0, "walk_progress");
    for _ in 0..5 {
        assert_eq!(answer(&mut socket, good.clone()).await.0, "error");
    }
    assert_eq!(socket.closed(SOON).await.unwrap(), Some(1008));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_long_ends_the_socket() {
    let town = Town::start(Options { workers: 0, ..Options::default() }).await;
    let walker = town.walker().await;
    // Just short enough to be read, and wrong only as a message.
    let mut socket = walker.websocket().await.unwrap();
    assert_eq!(answer(&mut socket, Message::text(" ".repeat(4000))).await.0, "error");
    for length in [5_000, 100_000] {
        for message in [Message::text("x".repeat(length)), Message::binary(vec![0; length])] {
            let mut socket = walker.websocket().await.unwrap();
            // The server may close before it has taken all of it.
            let _ = socket.stream().send(message).await;
            assert_eq!(socket.closed(SOON).await.unwrap(), Some(1009), "{length}");
        }
    }
    // The first one is still there, and only that.
    town.until_open(1.0).await;
}
