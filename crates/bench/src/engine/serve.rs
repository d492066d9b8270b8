//! Our engine as a peer among peers: a process of its own that reads commands as JSON lines, as peers/peer.py does.

use anyhow::{Context, bail};
use clap::Args;
use domain::Coordinate;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    io::{Write, stdin, stdout},
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};
use wildside_engine::Network;

use super::{
    job::Job,
    ours::{self, Ground},
};
use crate::{clock::timed, memory, wishes::parse};

/// Does what it reads from its standard input; the bench starts it itself.
#[derive(Args)]
pub(crate) struct ServeArgs {}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Command {
    Build { extract: PathBuf, dir: PathBuf },
    Load { dir: PathBuf, pair: [Coordinate; 2] },
    Routes { pairs: Vec<[Coordinate; 2]> },
    Matrix { points: Vec<Coordinate> },
    Weights {},
    Walk { job: PathBuf },
}

pub(crate) fn run() -> anyhow::Result<()> {
    let bare_mb = memory::resident_mb();
    let mut served = Served::default();
    for line in stdin().lines() {
        let command: Command = serde_json::from_str(&line?).context("reading a command")?;
        let answer = served.answer(command, bare_mb);
        let answer = answer.unwrap_or_else(|error| json!({"error": format!("{error:#}")}));
        writeln!(stdout(), "{answer}")?;
    }
    Ok(())
}

/// What the process keeps.
#[derive(Default)]
struct Served {
    city: Option<Network>,
    /// Those of a worker, by their files.
    networks: BTreeMap<PathBuf, Rc<Network>>,
}

impl Served {
    fn answer(&mut self, command: Command, bare_mb: f64) -> anyhow::Result<Value> {
        let answer = match (command, &self.city) {
            (Command::Build { extract, dir }, _) => {
                std::fs::create_dir_all(&dir)?;
                let (built, cpu) = timed(|| ours::build(&extract, &dir.join("city.network")));
                built?;
                json!({"cpu_s": cpu.as_secs_f64(), "peak_mb": memory::peak_mb()})
            }
            (Command::Load { dir, pair: [from, to] }, _) => {
                let (network, load) = timed(|| ours::open(&dir.join("city.network")));
                let network = self.city.insert(network?);
                let (_, route) = timed(|| ours::route_m(&mut ours::travel(network), from, to));
                json!({"load_ms": milliseconds(load), "to_first_route_ms": milliseconds(load + route),
                    "resident_mb": memory::resident_mb() - bare_mb})
            }
            (Command::Routes { pairs }, Some(network)) => {
                let mut travel = ours::travel(network);
                let route = |[from, to]: &[Coordinate; 2]| timed(|| ours::route_m(&mut travel, *from, *to));
                let (metres, cpu): (Vec<_>, Vec<_>) = pairs.iter().map(route).unzip();
                let cpu_ms: Vec<f64> = cpu.into_iter().map(milliseconds).collect();
                json!({"cpu_ms": cpu_ms, "metres": metres})
            }
            (Command::Matrix { points }, Some(network)) => {
                let travel = ours::travel(network);
                let (seconds, cpu) = timed(|| ours::matrix_s(&travel, &points));
                let known: Vec<f64> = seconds.into_iter().flatten().collect();
                let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
                json!({"cpu_ms": milliseconds(cpu), "known": known.len(), "mean": mean})
            }
            (Command::Weights {}, Some(network)) => {
                let ((), cpu) = timed(|| ours::customize(network));
                json!({"cpu_ms": milliseconds(cpu)})
            }
            (Command::Walk { job }, _) => self.walk(&job)?,
            (_, None) => bail!("no city is loaded yet"),
        };
        Ok(answer)
    }

    fn walk(&mut self, job: &Path) -> anyhow::Result<Value> {
        let job = Job::read(job)?;
        let network = match self.networks.entry(job.network.clone()) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => new.insert(Rc::new(ours::open(&job.network)?)).clone(),
        };
        let request = parse(&job.request)?;
        let ground = Ground { network, pois: job.pois() };
        let (walk, cpu) = timed(|| ground.walk(&request, 1));
        let stops = walk.map_or(0, |walk| walk.stops.len());
        Ok(json!({"cpu_ms": milliseconds(cpu), "stops": stops,
            "resident_mb": memory::resident_mb(), "own_mb": memory::own_mb()}))
    }
}

fn milliseconds(cpu: Duration) -> f64 {
    cpu.as_secs_f64() * 1000.0
}
