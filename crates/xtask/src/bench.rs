use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::{ffi::OsString, fs, path::PathBuf, time::Duration};
use testbed::{Durability, Method, Options, System};
use tokio::process::Command;

use crate::{
    cargo::{build_programs, build_release, build_tile_bench},
    console::{self, say},
    figures::{Times, histogram},
    load::{Question, Wishes, as_often_as_possible, snapshots, walks},
    queue_bench::QueueBench,
    setup, sockets,
    wish::themes,
};

const CLIENTS: usize = 16;
const DURING: Duration = Duration::from_secs(3);

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Bench {
    /// Also write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What `wildside-bench` measures. It reads its arguments itself, so that xtask builds also where the engine does not.
#[derive(Subcommand)]
#[command(disable_help_subcommand = true)]
enum Part {
    /// Measure the engine beside its peers
    #[command(disable_help_flag = true)]
    Engine(Rest),
    /// Measure the search on instances of the orienteering problem
    #[command(disable_help_flag = true)]
    Orienteering(Rest),
    /// Walk through a city and measure the twelve numbers that make a walk good
    #[command(disable_help_flag = true)]
    Walks(Rest),
    /// Measure how long walkers wait for each other: in a soak, in a flood, and when too much is asked for
    Queue(QueueBench),
    /// Measure the memory of idle WebSockets
    Sockets(sockets::Sockets),
    /// Measure tile-server beside Martin, with PostGIS behind it
    #[command(disable_help_flag = true)]
    Tiles(Rest),
}

#[derive(Args)]
struct Rest {
    /// Handed on to wildside-bench; --help shows them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
}

impl Part {
    async fn run(self) -> anyhow::Result<()> {
        let (name, rest) = match self {
            Self::Engine(rest) => ("engine", rest),
            Self::Orienteering(rest) => ("orienteering", rest),
            Self::Walks(rest) => ("walks", rest),
            Self::Queue(bench) => return bench.run().await,
            Self::Sockets(sockets) => return sockets.run().await,
            Self::Tiles(rest) => return tiles(rest).await,
        };
        let program =
            console::aloud("building the bench for release", build_release("bench", "wildside-bench"))
                .await?;
        testbed::run(Command::new(program).arg(name).args(rest.args)).await
    }
}

/// The one part that needs servers, and programs besides the bench.
async fn tiles(rest: Rest) -> anyhow::Result<()> {
    setup::run().await?;
    let build = build_tile_bench();
    let folder = console::aloud("building tile-server and the bench for release", build).await?;
    let mut bench = Command::new(folder.join("wildside-bench"));
    testbed::run(bench.args(["tiles", "--programs"]).arg(&folder).args(rest.args)).await
}

impl Bench {
    /// Measures a part, or the whole system in a release build, over the loopback, with the bundled city.
    pub async fn run(self) -> anyhow::Result<()> {
        if let Some(part) = self.part {
            return part.run().await;
        }
        setup::run().await?;
        let programs = console::aloud("building the programs for release", build_programs(true)).await?;
        let options = Options {
            own_postgres: Some(Durability::Kept),
            open_servers: true,
            binaries: Some(programs),
            progress: console::progress(),
            ..Options::default()
        };
        let system = System::start(options).await?;
        let figures = measure(&system).await?;
        if let Some(file) = &self.json {
            let text = format!("{}\n", serde_json::to_string_pretty(&figures)?);
            fs::write(file, text).with_context(|| format!("writing {}", file.display()))?;
        }
        Ok(())
    }
}

async fn measure(system: &System) -> anyhow::Result<Value> {
    let guest = system.walker().await?;
    let wishes = Wishes::new(themes(&guest).await?);
    // The first walks of a process load the streets; a worker that has been there for a while has them.
    walks(system, &wishes, 1, 5).await?;
    say("\nFrom the POST to `complete` over the WebSocket, no two wishes alike");
    let before = system.worker(0)?.metrics().await?;
    let alone = shown("one client", &walks(system, &wishes, 1, 100).await?);
    let together = shown("sixteen clients", &walks(system, &wishes, CLIENTS, 20).await?);
    let after = system.worker(0)?.metrics().await?;
    let generation = mean_ms(&before, &after);
    say(&format!("  {:<28} mean {generation:>6.1} ms", "of it generation"));

    say("\nOthers");
    let snapshot = shown("WebSocket to snapshot", &snapshots(system, &wishes, 100).await?);
    let wish = wishes.next()?;
    guest.walk_until_complete(&wish, Duration::from_secs(120), |_| ()).await?;
    let known = Question { method: Method::POST, path: "/api/v1/routes", body: Some(wish) };
    let (hit, _) = as_often_as_possible(system, &known, 1, DURING).await?;
    let hit = shown("POST of a known walk", &hit);
    let (hits, hits_a_second) = as_often_as_possible(system, &known, CLIENTS, DURING).await?;
    let hits = shown("the same, sixteen clients", &hits);
    say(&format!("  {:<28} {hits_a_second:>8.0} a second", ""));
    let list = Question { method: Method::GET, path: "/api/v1/interest-themes", body: None };
    let (lists, lists_a_second) = as_often_as_possible(system, &list, CLIENTS, DURING).await?;
    let lists = shown("GET of themes, sixteen", &lists);
    say(&format!("  {:<28} {lists_a_second:>8.0} a second", ""));
    Ok(json!({
        "post_to_complete": {"one_client": alone, "sixteen_clients": together},
        "generation_mean_ms": generation,
        "websocket_to_snapshot": snapshot,
        "cache_hit": {"one_client": hit, "sixteen_clients": hits, "a_second": hits_a_second},
        "interest_themes": {"sixteen_clients": lists, "a_second": lists_a_second},
    }))
}

fn shown(what: &str, times: &Times) -> Value {
    say(&format!("  {what:<28} {}", times.line()));
    times.json()
}

/// How long the engine and its reading took on average between two looks at the worker's metrics.
fn mean_ms(before: &str, after: &str) -> f64 {
    const NAME: &str = "route_generation_duration_seconds";
    let ((sum_before, count_before), (sum, count)) = (histogram(before, NAME), histogram(after, NAME));
    let walks = count - count_before;
    if walks > 0.0 { (sum - sum_before) / walks * 1000.0 } else { 0.0 }
}
