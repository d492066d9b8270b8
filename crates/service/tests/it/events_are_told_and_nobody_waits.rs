use clap::Parser;
use service::{
    analytics::{Analytics, Event},
    config::{AnalyticsConfig, TlsConfig},
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use testbed::Receiver;
use tokio::net::TcpListener;
use uuid::Uuid;

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    analytics: AnalyticsConfig,
    #[command(flatten)]
    tls: TlsConfig,
}

fn analytics(host: &str, key: &str) -> Analytics {
    let settings = Settings::parse_from(["test", "--posthog-host", host, "--posthog-api-key", key]);
    Analytics::start(&settings.analytics, &settings.tls).unwrap()
}

const COMPUTED: Event = Event::RouteComputed { route_duration_minutes: 59.5, poi_count: 7 };

#[tokio::test(flavor = "multi_thread")]
async fn events_come_in_batches_and_say_no_more_than_they_should() {
    let posthog = Receiver::start().await.unwrap();
    let analytics = analytics(&posthog.url(), "key of the project");
    let walker = Uuid::from_u128(7);
    for event in [Event::UserSignup, Event::UserLogin, COMPUTED] {
        analytics.tell(walker, event);
    }
    analytics.flush().await;
    let [(path, batch)] = &posthog.received()[..] else { panic!("one batch: {:?}", posthog.received()) };
    assert_eq!((path.as_str(), &batch["api_key"]), ("/batch/", &"key of the project".into()));
    let events = batch["batch"].as_array().unwrap();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["UserSignup", "UserLogin", "RouteComputed"]);
    let properties = events[2]["properties"].as_object().unwrap();
    assert_eq!(properties["route_duration_minutes"], 59.5);
    assert_eq!(properties["poi_count"], 7);
    let keys: Vec<&String> = properties.keys().collect();
    let known =
        ["$geoip_disable", "$process_person_profile", "distinct_id", "poi_count", "route_duration_minutes"];
    assert_eq!(keys, known);
    assert!(events.iter().all(|event| event["properties"]["distinct_id"] == walker.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_of_an_erased_walker_not_even_what_was_waiting() {
    let posthog = Receiver::start().await.unwrap();
    let analytics = analytics(&posthog.url(), "key");
    let (erased, other) = (Uuid::from_u128(7), Uuid::from_u128(8));
    analytics.tell(erased, Event::UserLogin);
    analytics.tell(other, Event::UserLogin);
    analytics.forget(erased);
    analytics.tell(erased, COMPUTED);
    analytics.flush().await;
    let received = posthog.received();
    let events: Vec<_> = received.iter().flat_map(|(_, batch)| batch["batch"].as_array().unwrap()).collect();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["properties"]["distinct_id"], other.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_receiver_that_never_answers() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let calls = Arc::new(AtomicUsize::new(0));
    let holding = tokio::spawn({
        let calls = calls.clone();
        async move {
            let mut connections = Vec::new();
            while let Ok(connection) = silent.accept().await {
                calls.fetch_add(1, Ordering::SeqCst);
                connections.push(connection);
            }
        }
    });
    let analytics = analytics(&url, "key");
    // Far more than fit into the queue: whoever waited for room would wait until fifty calls have come to nothing.
    for _ in 0..5_000 {
        analytics.tell(Uuid::from_u128(7), COMPUTED);
    }
    assert!(calls.load(Ordering::SeqCst) <= 1);
    holding.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_nothing_is_told() {
    let posthog = Receiver::start().await.unwrap();
    let analytics = analytics(&posthog.url(), "");
    analytics.tell(Uuid::from_u128(7), Event::UserSignup);
    analytics.flush().await;
    assert!(posthog.received().is_empty());
}
