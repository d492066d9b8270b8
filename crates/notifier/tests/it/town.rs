//! The running product, and what tests often want of it.

use serde_json::{Value, json};
use service::{SessionKeys, config::Secret};
use std::time::{Duration, SystemTime};
use testbed::{Options, System, Walker};
use uuid::Uuid;

/// By the Three Smiths, in the middle of the bundled city.
pub const START: [f64; 2] = [24.9410, 60.1687];
/// Longest time that a walk may take to be there on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Town {
    pub system: System,
    themes: Vec<Value>,
    pub notifier: String,
    /// The origin that may open sockets.
    pub origin: String,
}

impl Town {
    /// Starts it. Every answer and every message is held against the documents from now on.
    pub async fn start(options: Options) -> Self {
        testbed::enforce_contract();
        let system = System::start(options).await.unwrap();
        let (origin, notifier) = (system.gateway_url().unwrap(), system.notifier_url().unwrap());
        let themes =
            Walker::stranger(&origin, &notifier).unwrap().get("/api/v1/interest-themes").await.unwrap();
        let mut themes = themes.json()["interest_themes"].as_array().unwrap().clone();
        themes.sort_by_key(|theme| std::cmp::Reverse(theme["poi_count"].as_i64()));
        let themes = themes.iter().take(4).map(|theme| theme["id"].clone()).collect();
        Self { system, themes, notifier, origin }
    }

    /// A legal wish; each seed is a wish of its own.
    pub fn wish(&self, seed: u32) -> Value {
        json!({
            "start_location": {"type": "Point", "coordinates": START},
            "duration_minutes": 45,
            "interest_theme_ids": self.themes,
            "seed": seed
        })
    }

    /// A wish that is legal and cannot be served: the end is too far for five minutes.
    pub fn hopeless_wish(&self) -> Value {
        let mut wish = self.wish(0);
        wish["duration_minutes"] = json!(5);
        wish["start_location"]["coordinates"] = json!([24.9370, 60.1655]);
        wish["end_location"] = json!({"type": "Point", "coordinates": [24.9515, 60.1775]});
        wish
    }

    pub async fn walker(&self) -> Walker {
        self.system.walker().await.unwrap()
    }

    /// A walk of this walker's, complete.
    pub async fn walk(&self, walker: &Walker, seed: u32) -> Value {
        walker.walk_until_complete(&self.wish(seed), PATIENCE, |_| ()).await.unwrap()
    }

    /// Changes whenever something is stored.
    pub async fn rows(&self) -> String {
        let rows = "SELECT (SELECT count(*) FROM users), (SELECT sum(revision) FROM users),
            (SELECT count(*) FROM route_requests), (SELECT sum(rev) FROM route_requests),
            (SELECT count(*) FROM routes), (SELECT count(*) FROM route_pois)";
        self.system.database().sql(rows).await.unwrap()
    }

    /// The cookie of a session that was signed with this key.
    pub fn cookie(key: &str, now: SystemTime) -> String {
        let keys = SessionKeys::new(&key.parse::<Secret>().unwrap(), None, false);
        keys.begin(Uuid::new_v4(), now).split(';').next().unwrap().to_owned()
    }

    /// How many sockets the notifier counts as open.
    pub async fn open_sockets(&self) -> f64 {
        let metrics = self.system.notifier(0).unwrap().metrics().await.unwrap();
        let line = metrics.lines().find(|line| line.starts_with("websocket_connections_active"));
        line.and_then(|line| line.rsplit(' ').next()).map_or(0.0, |number| number.parse().unwrap())
    }

    /// Waits until so many sockets are open.
    pub async fn until_open(&self, sockets: f64) {
        for _ in 0..500 {
            if self.open_sockets().await == sockets {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} sockets are open, not {sockets}", self.open_sockets().await);
    }
}
