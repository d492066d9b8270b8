//! A running tile server with a base map, and what tests often want of it.

use reqwest::{Client, Response, StatusCode, header::HeaderMap};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
    time::Duration,
};
use testbed::{Process, Program, Scratch, free_port, map_assets, spatial_extension, workspace};

/// In the middle of the bundled city, where every layer has something.
pub const CENTRE: &str = "base/14/9326/4741.pbf";

/// The base map of the bundled city, built once for all tests.
static BASE: LazyLock<(Scratch, Vec<u8>)> = LazyLock::new(|| {
    let scratch = Scratch::new("base-map").unwrap();
    let out = scratch.path().join("base.duckdb");
    let built = build(&workspace::bundled_city(), &out);
    assert!(built.status.success(), "{}", text(&built));
    let content = fs::read(&out).unwrap();
    (scratch, content)
});

/// The base map, as bytes.
pub fn base() -> &'static [u8] {
    &BASE.1
}

pub fn build(extract: &Path, out: &Path) -> Output {
    run("build", &[("--extract", extract), ("--out", out), ("--spatial-extension", &spatial_extension())])
}

/// Runs the program to its end.
pub fn run(command: &str, args: &[(&str, &Path)]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_tile-server"));
    program.arg(command).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    for (name, value) in args {
        program.arg(name);
        if !value.as_os_str().is_empty() {
            program.arg(value);
        }
    }
    program.output().unwrap()
}

/// All that a program wrote.
pub fn text(output: &Output) -> String {
    [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat()
}

/// Our own definitions, one of which a test may spoil.
pub fn definitions() -> String {
    fs::read_to_string(workspace::root().join("config/tile-sources.yaml")).unwrap()
}

/// What a server is started with, all in one folder that a test may spoil first.
pub struct Place {
    pub dir: Scratch,
    pub spatial: PathBuf,
    pub env: Vec<(&'static str, String)>,
}

impl Place {
    /// A place with the base map of the bundled city.
    pub fn new() -> Self {
        let dir = Scratch::new("tiles").unwrap();
        fs::write(dir.path().join("base.duckdb"), base()).unwrap();
        fs::write(dir.path().join("sources.yaml"), definitions()).unwrap();
        Self { dir, spatial: spatial_extension(), env: Vec::new() }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The environment, also for exports, which take a part of it.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let dir = self.dir.path().display().to_string();
        let mut settings = vec![
            ("SOURCES", self.file("sources.yaml").display().to_string()),
            ("DATA_DIR", dir.clone()),
            ("SCRATCH_DIR", dir),
            ("SPATIAL_EXTENSION", self.spatial.display().to_string()),
            ("ASSETS_DIR", map_assets().display().to_string()),
            ("RELOAD_MS", "50".into()),
            // A test asks more often than any browser.
            ("RATE_LIMIT_ADDRESS_PER_MINUTE", "1000000".into()),
            ("SHUTDOWN_DELAY_SECONDS", "0".into()),
        ];
        settings.extend(self.env.iter().cloned());
        settings
    }

    pub async fn start(self) -> Server {
        let (port, admin) = (free_port().unwrap(), free_port().unwrap());
        let mut program =
            Program::new("tile-server", env!("CARGO_BIN_EXE_tile-server"), self.file("log")).args(["serve"]);
        program = program
            .env("LISTEN_ADDR", format!("127.0.0.1:{port}"))
            .env("ADMIN_ADDR", format!("127.0.0.1:{admin}"))
            .env("PUBLIC_URL", format!("http://127.0.0.1:{port}"));
        for (name, value) in self.settings() {
            program = program.env(name, value);
        }
        let process = Process::start(program).unwrap();
        let http = Client::builder().timeout(Duration::from_secs(30)).no_proxy().build().unwrap();
        let ready = async || {
            let answer = http.get(format!("http://127.0.0.1:{admin}/readyz")).send().await;
            answer.is_ok_and(|answer| answer.status().is_success())
        };
        process.wait_until_ready(Duration::from_secs(60), ready).await.unwrap();
        Server { place: self, process, http: http.clone(), url: format!("http://127.0.0.1:{port}"), admin }
    }

    /// Starts a server that will not start, and tells its status and its last words.
    pub fn refused(&self) -> (Option<i32>, String) {
        let mut program = Command::new(env!("CARGO_BIN_EXE_tile-server"));
        program.arg("serve").env_clear().envs(self.settings());
        let ended = program
            .env("LISTEN_ADDR", format!("127.0.0.1:{}", free_port().unwrap()))
            .env("ADMIN_ADDR", format!("127.0.0.1:{}", free_port().unwrap()))
            .output()
            .unwrap();
        (ended.status.code(), text(&ended))
    }
}

/// It runs.
pub struct Server {
    pub place: Place,
    pub process: Process,
    http: Client,
    url: String,
    admin: u16,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Server {
    /// Reads something below /tiles/, with headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.http.get(format!("{}/tiles/{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send().await.unwrap()).await
    }

    /// Reads something below /tiles/, gzipped.
    pub async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[("accept-encoding", "gzip")]).await
    }

    pub async fn health(&self) -> Answer {
        read(self.http.get(format!("{}/health", self.url)).send().await.unwrap()).await
    }

    pub async fn metrics(&self) -> String {
        let url = format!("http://127.0.0.1:{}/metrics", self.admin);
        read(self.http.get(url).send().await.unwrap()).await.text()
    }

    /// The status of its readiness; nothing where nobody answers.
    pub async fn readiness(&self) -> Option<u16> {
        let answer = self.http.get(format!("http://127.0.0.1:{}/readyz", self.admin)).send().await;
        answer.ok().map(|answer| answer.status().as_u16())
    }

    /// How many reloads ended so.
    pub async fn reloads(&self, outcome: &str) -> u64 {
        let name = format!("reloads_total{{outcome=\"{outcome}\"}} ");
        let metrics = self.metrics().await;
        let value = metrics.lines().find_map(|line| Some(line.split_once(&name)?.1.trim()));
        value.map_or(0, |value| value.parse().unwrap())
    }

    /// Waits until more reloads than this many have ended so, and a few more looks have found nothing new.
    pub async fn reloaded(&self, outcome: &str, before: u64) {
        let (mut last, mut quiet) = (before, 0);
        for _ in 0..600 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let now = self.reloads(outcome).await;
            quiet = if now > before && now == last { quiet + 1 } else { 0 };
            last = now;
            if quiet == 4 {
                return;
            }
        }
        panic!("no reload was {outcome}\n{}", self.process.log_tail());
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until the log has a line with these words.
    pub async fn logged(&self, words: &str) {
        for _ in 0..600 {
            if fs::read_to_string(self.process.log()).unwrap().contains(words) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("nothing was said of {words:?}\n{}", self.process.log_tail());
    }
}

async fn read(answer: Response) -> Answer {
    let (status, headers) = (answer.status(), answer.headers().clone());
    Answer { status, headers, body: answer.bytes().await.unwrap().to_vec() }
}
