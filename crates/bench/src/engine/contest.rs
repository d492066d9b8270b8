use anyhow::Context;
use domain::Coordinate;
use serde_json::json;
use std::{
    env,
    path::{Path, PathBuf},
};

use super::{
    figures::{Figure, Figures, OURS},
    install,
    peer::{Contender, Process},
};
use crate::console::warn;

/// Points of the matrices.
const SIZES: [(usize, Figure); 2] = [(30, Figure::SmallMatrix), (100, Figure::LargeMatrix)];
/// How often in each turn.
const MATRICES: usize = 3;
/// What takes longer than this, in milliseconds, is measured once.
const LONG_MS: f64 = 1000.0;

/// Engines that do the same, one after the other, again and again: what the machine does besides hits all of them.
pub(crate) struct Contest {
    extract: PathBuf,
    home: PathBuf,
    points: Vec<Coordinate>,
    entered: Vec<(Contender, Process)>,
    figures: Figures,
}

impl Contest {
    /// With our engine alone. What is wrong with the extract is seen here.
    pub fn new(extract: &Path, points: Vec<Coordinate>, home: &Path) -> anyhow::Result<Self> {
        let (extract, home) = (extract.to_path_buf(), home.to_path_buf());
        let mut contest = Self { extract, home, points, entered: Vec::new(), figures: Figures::default() };
        contest.enter(ours(contest.home.join("data/ours"))?)?;
        Ok(contest)
    }

    /// All peers that can be had here. It is said which cannot, and why; we go on without them.
    pub fn invite(&mut self, pythons: &[PathBuf]) {
        for peer in install::peers(&self.home, pythons) {
            let name = peer.name;
            warn(&format!("Building {name}"));
            if let Err(error) = self.enter(peer) {
                warn(&format!("Without {name}: {error:#}"));
            }
        }
    }

    fn enter(&mut self, contender: Contender) -> anyhow::Result<()> {
        let dir = &contender.dir;
        // Each in a process of its own, so that its memory is its own.
        let built = contender.start()?.ask(&json!({"do": "build", "extract": self.extract, "dir": dir}))?;
        let load = json!({"do": "load", "dir": dir, "pair": [self.points[0], self.points[1]]});
        // Once to have the files in the system's cache, as every later start finds them.
        contender.start()?.ask(&load)?;
        let mut process = contender.start()?;
        let loaded = process.ask(&load)?;
        for (figure, value) in [
            (Figure::Build, &built["cpu_s"]),
            (Figure::BuildPeak, &built["peak_mb"]),
            (Figure::Load, &loaded["load_ms"]),
            (Figure::FirstRoute, &loaded["to_first_route_ms"]),
            (Figure::Resident, &loaded["resident_mb"]),
        ] {
            self.figures.take(figure, contender.name, value);
        }
        self.entered.push((contender, process));
        Ok(())
    }

    /// So many turns for everybody.
    pub fn run(mut self, rounds: u32) -> Figures {
        for round in 0..rounds as usize {
            warn(&format!("Round {} of {rounds}", round + 1));
            let (points, figures) = (&self.points, &mut self.figures);
            self.entered.retain_mut(|(contender, process)| {
                let turn = turn(contender, process, points, round, figures);
                if let Err(error) = &turn {
                    warn(&format!("On without {}: {error:#}", contender.name));
                }
                turn.is_ok()
            });
        }
        self.figures
    }
}

/// Our own engine, in a process like the others.
fn ours(dir: PathBuf) -> anyhow::Result<Contender> {
    let program = env::current_exe().context("finding this program")?;
    Ok(Contender { name: OURS, program: vec![program, "serve".into()], dir })
}

/// Such a process, which keeps its files in this folder.
pub(crate) fn our_process(dir: &Path) -> anyhow::Result<Process> {
    ours(dir.to_path_buf())?.start()
}

fn turn(
    contender: &Contender,
    process: &mut Process,
    points: &[Coordinate],
    round: usize,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let name = contender.name;
    // From each point to another one, which is another one in each round.
    let other = |from: usize| points[(from + 7 * round + 1) % points.len()];
    let pairs: Vec<_> = points.iter().enumerate().map(|(from, point)| [*point, other(from)]).collect();
    let routes = process.ask(&json!({"do": "routes", "pairs": pairs}))?;
    if routes["metres"].as_array().is_some_and(|metres| metres.iter().any(|metres| metres.is_number())) {
        figures.take(Figure::Route, name, &routes["cpu_ms"]);
        figures.take(Figure::RouteLength, name, &routes["metres"]);
    }
    for (size, figure) in SIZES {
        for _ in 0..MATRICES {
            let matrix = process.ask(&json!({"do": "matrix", "points": points[..size]}))?;
            figures.take(figure, name, &matrix["cpu_ms"]);
            if figure == Figure::LargeMatrix {
                figures.take(Figure::MatrixMean, name, &matrix["mean"]);
            }
        }
    }
    if figures.median(Figure::Weights, name).is_none_or(|known| known < LONG_MS) {
        let weights = process.ask(&json!({"do": "weights", "dir": contender.dir}))?;
        figures.take(Figure::Weights, name, &weights["cpu_ms"]);
    }
    Ok(())
}
