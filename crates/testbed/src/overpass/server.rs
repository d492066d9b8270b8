use anyhow::Context;
use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{elements::Elements, ql::Query};
use crate::workspace;

/// How it answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Behaviour {
    /// With what is in the extract.
    #[default]
    Truth,
    /// With a recorded body, one of `recordings/overpass/errors`.
    Recorded {
        /// The name of its file.
        file: String,
        /// The status that it comes with.
        status: u16,
        /// Seconds that we are to wait.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// Not at all, for so many seconds.
    Silence(f32),
    /// With the truth, half of it.
    CutOff,
    /// With another address.
    Elsewhere(String),
}

/// A running stand-in. It ends when the value is dropped.
#[derive(Debug)]
pub struct Overpass {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    elements: Elements,
    recordings: PathBuf,
    log: Mutex<Log>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Log {
    behaviour: Behaviour,
    queries: Vec<String>,
    at_once: usize,
    most_at_once: usize,
}

impl Overpass {
    /// Starts one on a free port of this machine.
    pub async fn start(extract: &Path) -> anyhow::Result<Self> {
        Self::listen(extract, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts one at an address.
    pub async fn listen(extract: &Path, address: SocketAddr) -> anyhow::Result<Self> {
        let file = extract.to_owned();
        let elements = tokio::task::spawn_blocking(move || Elements::read(&file)).await??;
        let recordings = workspace::root().join("crates/testbed/recordings/overpass/errors");
        let shared = Arc::new(Shared { elements, recordings, log: Mutex::default() });
        let listener = TcpListener::bind(address).await.with_context(|| format!("listening at {address}"))?;
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/api/interpreter", post(interpret))
            .route("/behaviour", get(behaviour).put(behave))
            .with_state(shared.clone());
        let serving = tokio::spawn(async move {
            // Ends with the value.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, shared, serving })
    }

    /// What `OVERPASS_URL` should be.
    pub fn url(&self) -> String {
        format!("http://{}/api/interpreter", self.address)
    }

    /// From now on it answers like this.
    pub fn behave(&self, behaviour: Behaviour) {
        self.shared.log().behaviour = behaviour;
    }

    /// All queries that have come.
    pub fn queries(&self) -> Vec<String> {
        self.shared.log().queries.clone()
    }

    /// How many queries there were at the same time, at most.
    pub fn most_at_once(&self) -> usize {
        self.shared.log().most_at_once
    }

    /// Serves until the process ends.
    pub async fn serve(mut self) {
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Overpass {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a query, and whether the API would have understood it.
    fn truth(&self, query: &str) -> (StatusCode, String) {
        match Query::parse(query) {
            Ok(query) => {
                let osm3s = json!({
                    "timestamp_osm_base": "2026-01-01T00:00:00Z",
                    "copyright": "The data included in this document is from www.openstreetmap.org. \
                                  The data is made available under ODbL."
                });
                let answer = json!({"version": 0.6, "generator": "Wildside's stand-in for Overpass API", "osm3s": osm3s,
                                    "elements": self.elements.answer(&query)});
                (StatusCode::OK, answer.to_string())
            }
            Err(error) => {
                let page = format!(
                    "<p><strong style=\"color:#FF0000\">Error</strong>: line 1: parse error: {error} </p>"
                );
                (StatusCode::BAD_REQUEST, page)
            }
        }
    }
}

/// Counts a query as long as it is under way, also where the asker goes away.
struct UnderWay(Arc<Shared>);

impl UnderWay {
    fn begin(shared: Arc<Shared>, query: &str) -> (Self, Behaviour) {
        let mut log = shared.log();
        log.queries.push(query.to_owned());
        log.at_once += 1;
        log.most_at_once = log.most_at_once.max(log.at_once);
        let behaviour = log.behaviour.clone();
        drop(log);
        (Self(shared), behaviour)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.log().at_once -= 1;
    }
}

#[derive(Deserialize)]
struct Asked {
    data: String,
}

async fn interpret(State(shared): State<Arc<Shared>>, Form(Asked { data }): Form<Asked>) -> Response {
    let (_under_way, behaviour) = UnderWay::begin(shared.clone(), &data);
    let json = [(header::CONTENT_TYPE, "application/json")];
    match behaviour {
        Behaviour::Truth => {
            let (status, body) = shared.truth(&data);
            (status, json, body).into_response()
        }
        Behaviour::Recorded { file, status, retry_after } => {
            let Ok(body) = fs::read(shared.recordings.join(&file)) else {
                return (StatusCode::NOT_IMPLEMENTED, format!("there is no recording {file}"))
                    .into_response();
            };
            let mut headers = HeaderMap::new();
            headers.extend(retry_after.map(|seconds| (header::RETRY_AFTER, seconds.into())));
            (StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), headers, body)
                .into_response()
        }
        Behaviour::Silence(seconds) => {
            tokio::time::sleep(Duration::from_secs_f32(seconds)).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        Behaviour::CutOff => {
            let (status, body) = shared.truth(&data);
            (status, json, body.chars().take(body.len() / 2).collect::<String>()).into_response()
        }
        Behaviour::Elsewhere(place) => (StatusCode::FOUND, [(header::LOCATION, place)]).into_response(),
    }
}

async fn behaviour(State(shared): State<Arc<Shared>>) -> Response {
    let log = shared.log();
    Json(json!({"behaviour": log.behaviour, "queries": log.queries, "most_at_once": log.most_at_once}))
        .into_response()
}

async fn behave(State(shared): State<Arc<Shared>>, Json(behaviour): Json<Behaviour>) -> StatusCode {
    shared.log().behaviour = behaviour;
    StatusCode::NO_CONTENT
}
