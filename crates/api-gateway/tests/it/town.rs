//! The running product, and what tests often want of it.

use serde_json::{Value, json};
use service::{SessionKeys, config::Secret};
use std::{
    path::Path,
    time::{Duration, SystemTime},
};
use testbed::{Options, Process, Program, Scratch, System, Walker, binaries, free_port};
use tokio::net::TcpStream;
use uuid::Uuid;

/// By the Three Smiths, in the middle of the bundled city.
pub const START: [f64; 2] = [24.9410, 60.1687];
/// Longest time that a walk may take to be there on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What bad input must not change.
const ROWS: &str = "SELECT (SELECT count(*) FROM users), (SELECT sum(revision) FROM users),
    (SELECT count(*) FROM user_interest_themes), (SELECT count(*) FROM route_requests),
    (SELECT count(*) FROM routes), (SELECT count(*) FROM routes WHERE saved_at IS NOT NULL)";

pub struct Town {
    pub system: System,
    /// Ids of all themes, that with most places first.
    pub themes: Vec<String>,
    pub gateway: String,
}

impl Town {
    /// Starts it. Every answer and every message is held against the documents from now on.
    pub async fn start(options: Options) -> Self {
        testbed::enforce_contract();
        let system = System::start(options).await.unwrap();
        let gateway = system.gateway_url().unwrap();
        let stranger = Walker::stranger(&gateway, &system.notifier_url().unwrap()).unwrap();
        let themes = stranger.get("/api/v1/interest-themes").await.unwrap().success().unwrap().json();
        let mut themes = themes["interest_themes"].as_array().unwrap().clone();
        themes.sort_by_key(|theme| std::cmp::Reverse(theme["poi_count"].as_i64()));
        let themes = themes.iter().map(|theme| theme["id"].as_str().unwrap().to_owned()).collect();
        Self { system, themes, gateway }
    }

    /// A legal wish; each seed is a wish of its own.
    pub fn wish(&self, seed: u32) -> Value {
        json!({
            "start_location": {"type": "Point", "coordinates": START},
            "duration_minutes": 45,
            "interest_theme_ids": self.themes[..4],
            "seed": seed
        })
    }

    pub async fn walker(&self) -> Walker {
        self.system.walker().await.unwrap()
    }

    /// Somebody without a session.
    pub fn stranger(&self) -> Walker {
        Walker::stranger(&self.gateway, &self.system.notifier_url().unwrap()).unwrap()
    }

    /// A walk of this walker's, complete.
    pub async fn walk(&self, walker: &Walker, seed: u32) -> Value {
        walker.walk_until_complete(&self.wish(seed), PATIENCE, |_| ()).await.unwrap()
    }

    pub async fn sql(&self, sql: &str) -> String {
        self.system.database().sql(sql).await.unwrap()
    }

    /// Changes whenever something is stored.
    pub async fn rows(&self) -> String {
        self.sql(ROWS).await
    }

    /// Asks Redis something and returns the first line of its answer.
    pub async fn redis(&self, command: &str) -> String {
        self.system.redis().ask(command).await.unwrap()
    }

    /// The names of all keys in Redis.
    pub async fn redis_keys(&self) -> Vec<String> {
        let all = r#"EVAL "return redis.status_reply(table.concat(redis.call('KEYS', '*'), ' '))" 0"#;
        let names = self.redis(all).await;
        names.trim_start_matches('+').split_whitespace().map(ToOwned::to_owned).collect()
    }

    /// Panics where something in Redis stays for ever.
    pub async fn assert_everything_in_redis_expires(&self) {
        for key in self.redis_keys().await {
            assert_ne!(self.redis(&format!("TTL {key}")).await, ":-1", "{key}");
        }
    }

    /// The cookie of a session as this system, or another one of that key, would sign it.
    pub fn cookie(key: &str, user: Uuid, now: SystemTime) -> String {
        let keys = SessionKeys::new(&key.parse::<Secret>().unwrap(), None, false);
        keys.begin(user, now).split(';').next().unwrap().to_owned()
    }

    /// One more gateway on the same servers, with settings of its own.
    pub async fn another_gateway(&self, settings: &[(&str, &str)]) -> Gateway {
        let scratch = Scratch::new("gateway").unwrap();
        let program = gateway_program(&scratch);
        self.start_gateway(scratch, program, settings).await
    }

    /// One more gateway that may have so many files open, connections among them.
    pub async fn another_gateway_with_few_files(&self, files: u32) -> Gateway {
        let scratch = Scratch::new("gateway").unwrap();
        let program = binaries().unwrap().find("api-gateway").unwrap().display().to_string();
        let limited = format!("ulimit -n {files} && exec \"$0\"");
        let program = Program::new("api-gateway", "/bin/sh", scratch.path().join("gateway.log"))
            .args(["-c", &limited, &program]);
        self.start_gateway(scratch, program, &[]).await
    }

    async fn start_gateway(&self, scratch: Scratch, program: Program, settings: &[(&str, &str)]) -> Gateway {
        let url = format!("http://127.0.0.1:{}", free_port().unwrap());
        let admin = format!("127.0.0.1:{}", free_port().unwrap());
        let mut program = program
            .env("LISTEN_ADDR", url.trim_start_matches("http://"))
            .env("PUBLIC_URL", &url)
            .env("ADMIN_ADDR", &admin)
            .env("SHUTDOWN_DELAY_SECONDS", "0")
            .env("DATABASE_URL", self.system.database().url())
            .env("NATS_URL", self.system.nats().url())
            .env("REDIS_URL", self.system.redis().url())
            .env("SESSION_KEY", self.system.session_key())
            .env("ALLOWED_ORIGINS", &url);
        for (name, value) in settings {
            program = program.env(*name, *value);
        }
        let process = Process::start(program).unwrap();
        let place = url.trim_start_matches("http://").to_owned();
        let listens = async || TcpStream::connect(&place).await.is_ok();
        process.wait_until_ready(Duration::from_secs(30), listens).await.unwrap();
        // It answers from now on, and has read which sessions have ended a moment later.
        let ready = format!("http://{admin}/readyz");
        let is_ready = async || reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success());
        process.wait_until_ready(Duration::from_secs(30), is_ready).await.unwrap();
        Gateway { url, admin, process, _scratch: scratch }
    }
}

/// A gateway beside the system's own. It ends with this value.
pub struct Gateway {
    pub url: String,
    /// Host and port of its admin server.
    pub admin: String,
    process: Process,
    _scratch: Scratch,
}

impl Gateway {
    /// The file with its log.
    pub fn log(&self) -> &Path {
        self.process.log()
    }
}

/// The gateway's program, not told anything yet.
pub fn gateway_program(scratch: &Scratch) -> Program {
    let program = binaries().unwrap().find("api-gateway").unwrap();
    Program::new("api-gateway", program, scratch.path().join("gateway.log"))
}
