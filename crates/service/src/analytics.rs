//! Product analytics: what walkers do, told to PostHog (<https://posthog.com/docs/api/capture>) in batches. Nobody ever
//! waits for it, and nothing is known of a walker but the pseudonymous id. PostHog's own crate brings a second stack of
//! HTTP and TLS, so the one call that is needed is made here.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};
use uuid::Uuid;

use crate::{
    config::{AnalyticsConfig, TlsConfig},
    http_client::{self, reason},
};

/// Events that may wait; further ones are dropped and counted.
const QUEUE: usize = 1_000;
/// Events in one call.
const BATCH: usize = 100;
/// How long an event waits for others.
const GATHERING: Duration = Duration::from_secs(2);
/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Erased walkers that are remembered: far more than have an event in the queue.
const MAX_FORGOTTEN: usize = 10_000;
/// How long a program that ends waits for the last call.
const FAREWELL: Duration = Duration::from_secs(3);

/// Something that a walker did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A new walker.
    UserSignup,
    /// A walker came back.
    UserLogin,
    /// A walk was generated.
    RouteComputed {
        /// How long it takes, stops included.
        route_duration_minutes: f64,
        /// How many places it stops at.
        poi_count: usize,
    },
}

/// Tells events. Without a key it tells nobody.
#[derive(Clone, Debug)]
pub struct Analytics {
    queue: Option<mpsc::Sender<Message>>,
    forgotten: Forgotten,
}

/// Walkers of whom nothing is sent any more.
#[derive(Clone, Debug, Default)]
struct Forgotten(Arc<Mutex<VecDeque<Uuid>>>);

impl Forgotten {
    fn add(&self, walker: Uuid) {
        let mut walkers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if walkers.len() == MAX_FORGOTTEN {
            walkers.pop_front();
        }
        walkers.push_back(walker);
    }

    fn contains(&self, walker: &Uuid) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(walker)
    }
}

enum Message {
    Event(Uuid, Value),
    Flush(oneshot::Sender<()>),
}

impl Analytics {
    /// Starts the task that sends.
    pub fn start(config: &AnalyticsConfig, tls: &TlsConfig) -> Result<Self, String> {
        if config.posthog_api_key.0.is_empty() {
            return Ok(Self { queue: None, forgotten: Forgotten::default() });
        }
        let (queue, messages) = mpsc::channel(QUEUE);
        // A certificate of ours is for servers of ours.
        let tls = TlsConfig { tls_ca_file: tls.tls_ca_file.clone(), ..TlsConfig::default() };
        let client = http_client::builder(&tls)?.timeout(PATIENCE).build().map_err(reason)?;
        let forgotten = Forgotten::default();
        let sender = Sender {
            client,
            url: format!("{}/batch/", config.posthog_host.as_str().trim_end_matches('/')),
            api_key: config.posthog_api_key.0.clone(),
            forgotten: forgotten.clone(),
        };
        tokio::spawn(sender.send_all(messages));
        Ok(Self { queue: Some(queue), forgotten })
    }

    /// Tells an event, sooner or later, or drops it.
    pub fn tell(&self, walker: Uuid, event: Event) {
        let Some(queue) = &self.queue else { return };
        if queue.try_send(Message::Event(walker, event.to_json(walker))).is_err() {
            count("dropped", 1);
        }
    }

    /// Sends nothing of a walker from now on, not even what is waiting: they were erased. A call that is under way is
    /// not called back.
    pub fn forget(&self, walker: Uuid) {
        if self.queue.is_some() {
            self.forgotten.add(walker);
        }
    }

    /// Waits a little until all that was told is sent: for a program that ends.
    pub async fn flush(&self) {
        let Some(queue) = &self.queue else { return };
        let (done, sent) = oneshot::channel();
        if queue.try_send(Message::Flush(done)).is_ok() {
            tokio::time::timeout(FAREWELL, sent).await.ok();
        }
    }
}

impl Event {
    fn to_json(self, walker: Uuid) -> Value {
        let (name, mut properties) = match self {
            Self::UserSignup => ("UserSignup", json!({})),
            Self::UserLogin => ("UserLogin", json!({})),
            Self::RouteComputed { route_duration_minutes, poi_count } => (
                "RouteComputed",
                json!({"route_duration_minutes": route_duration_minutes, "poi_count": poi_count}),
            ),
        };
        properties["distinct_id"] = json!(walker);
        // No profile of a person, and no place looked up from our own address.
        properties["$process_person_profile"] = json!(false);
        properties["$geoip_disable"] = json!(true);
        let timestamp = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        json!({"event": name, "timestamp": timestamp, "properties": properties})
    }
}

struct Sender {
    client: reqwest::Client,
    url: String,
    api_key: String,
    forgotten: Forgotten,
}

impl Sender {
    /// Sends until nobody is left who could tell anything.
    async fn send_all(self, mut messages: mpsc::Receiver<Message>) {
        while let Some(first) = messages.recv().await {
            let (mut batch, mut waiting) = (Vec::new(), None);
            let deadline = Instant::now() + GATHERING;
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    Message::Event(walker, event) => batch.push((walker, event)),
                    Message::Flush(done) => waiting = Some(done),
                }
                let is_full = batch.len() >= BATCH || waiting.is_some();
                next =
                    if is_full { None } else { timeout_at(deadline, messages.recv()).await.ok().flatten() };
            }
            batch.retain(|(walker, _)| !self.forgotten.contains(walker));
            if !batch.is_empty() {
                let batch: Vec<Value> = batch.into_iter().map(|(_, event)| event).collect();
                self.send(&batch).await;
            }
            if let Some(done) = waiting {
                // Whoever waited may have lost patience.
                let _ = done.send(());
            }
        }
    }

    async fn send(&self, batch: &[Value]) {
        let body = json!({"api_key": self.api_key, "batch": batch});
        let answer = self.client.post(&self.url).json(&body).send().await;
        match answer.and_then(reqwest::Response::error_for_status) {
            Ok(answer) if answer.status().is_success() => count("sent", batch.len()),
            // Counting walkers is not worth trying twice.
            Ok(answer) => self.dropped(batch, &format!("answered {}", answer.status())),
            Err(error) => self.dropped(batch, &reason(error)),
        }
    }

    fn dropped(&self, batch: &[Value], error: &str) {
        tracing::warn!(error, events = batch.len(), "analytics were not taken");
        count("dropped", batch.len());
    }
}

fn count(result: &'static str, events: usize) {
    metrics::counter!("analytics_events_total", "result" => result).increment(events as u64);
}
