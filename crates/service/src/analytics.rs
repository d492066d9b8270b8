//! Product analytics: what walkers do, told to PostHog (<https://posthog.com/docs/api/capture>) in batches. Nobody ever
//! waits for it, and nothing is known of a walker but the pseudonymous id. PostHog's own crate brings a second stack of
//! HTTP and TLS, so the one call that is needed is made here.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::config::AnalyticsConfig;

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
    queue: Option<SyncSender<Message>>,
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
    /// Starts the thread that sends.
    pub fn start(config: &AnalyticsConfig) -> Self {
        if config.posthog_api_key.0.is_empty() {
            return Self { queue: None, forgotten: Forgotten::default() };
        }
        let (queue, messages) = sync_channel(QUEUE);
        let forgotten = Forgotten::default();
        let sender = Sender {
            agent: ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build().into(),
            url: format!("{}/batch/", config.posthog_host.as_str().trim_end_matches('/')),
            api_key: config.posthog_api_key.0.clone(),
            forgotten: forgotten.clone(),
        };
        let started =
            thread::Builder::new().name("analytics".into()).spawn(move || sender.send_all(&messages));
        if let Err(error) = &started {
            tracing::warn!(%error, "no thread for analytics: nothing is told");
        }
        Self { queue: started.is_ok().then_some(queue), forgotten }
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
    agent: ureq::Agent,
    url: String,
    api_key: String,
    forgotten: Forgotten,
}

impl Sender {
    /// Sends until nobody is left who could tell anything.
    fn send_all(&self, messages: &Receiver<Message>) {
        while let Ok(first) = messages.recv() {
            let (mut batch, mut waiting) = (Vec::new(), None);
            let deadline = Instant::now() + GATHERING;
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    Message::Event(walker, event) => batch.push((walker, event)),
                    Message::Flush(done) => waiting = Some(done),
                }
                let is_full = batch.len() >= BATCH || waiting.is_some();
                let left = deadline.saturating_duration_since(Instant::now());
                next = if is_full { None } else { messages.recv_timeout(left).ok() };
            }
            batch.retain(|(walker, _)| !self.forgotten.contains(walker));
            if !batch.is_empty() {
                let batch: Vec<Value> = batch.into_iter().map(|(_, event)| event).collect();
                self.send(&batch);
            }
            if let Some(done) = waiting {
                // Whoever waited may have lost patience.
                let _ = done.send(());
            }
        }
    }

    fn send(&self, batch: &[Value]) {
        let body = json!({"api_key": self.api_key, "batch": batch}).to_string();
        match self.agent.post(&self.url).content_type("application/json").send(body) {
            Ok(_) => count("sent", batch.len()),
            // Counting walkers is not worth trying twice.
            Err(error) => {
                tracing::warn!(%error, events = batch.len(), "analytics were not taken");
                count("dropped", batch.len());
            }
        }
    }
}

fn count(result: &'static str, events: usize) {
    metrics::counter!("analytics_events_total", "result" => result).increment(events as u64);
}
