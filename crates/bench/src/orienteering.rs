//! How good the tours are that the search finds within a CPU budget, on instances with a known best.

mod best_known;
mod checker;
mod distance;
mod instance;
mod report;

use anyhow::{Context, bail, ensure};
use clap::Args;
use rustix::time::{ClockId, clock_gettime};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use wildside_engine::{
    Effort,
    orienteering::{self, Solution},
};

use best_known::BestKnown;
use instance::Instance;
use report::{Outcome, Report, Run};

/// What to solve, and for how long.
#[derive(Args)]
pub struct OrienteeringArgs {
    /// A folder of OPLib files (`*.oplib`), or one file
    dir: PathBuf,
    /// CPU milliseconds for each instance; may be given several times
    #[arg(long, value_name = "MS", default_values_t = [50, 1000])]
    budget_ms: Vec<u64>,
    /// Best known scores: a CSV file with the columns `name` and `best_known_score`
    #[arg(long, value_name = "FILE")]
    best: Option<PathBuf>,
    /// Leave out instances with more nodes
    #[arg(long, value_name = "N")]
    max_n: Option<usize>,
    /// Seed of the search
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Also write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Solves each instance and prints gap and time, then the summary. Instances that cannot be read are told of, and the
/// others still run; the end is an error then, and when a tour does not pass the checker.
pub fn run(args: &OrienteeringArgs) -> anyhow::Result<()> {
    let files = instance_files(&args.dir)?;
    let best = match args.best.clone().or_else(|| best_known::beside(&args.dir)) {
        Some(file) => BestKnown::read(&file)?,
        None => BestKnown::default(),
    };
    let mut report = Report::new(&args.budget_ms);
    for file in files {
        match solve(&file, args, &best) {
            Ok(Some(outcome)) => report.add(outcome),
            Ok(None) => {}
            Err(error) => report.add_failure(&file, &format!("{error:#}")),
        }
    }
    report.print_summary();
    if let Some(file) = &args.json {
        let text = format!("{}\n", serde_json::to_string_pretty(&report)?);
        fs::write(file, text).with_context(|| format!("writing {}", file.display()))?;
    }
    if report.failures() > 0 {
        bail!("{} of the instances failed, see above", report.failures());
    }
    Ok(())
}

fn instance_files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).with_context(|| format!("reading the folder {}", path.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "oplib") {
            files.push(file);
        }
    }
    files.sort();
    ensure!(!files.is_empty(), "{} has no file that ends with .oplib", path.display());
    Ok(files)
}

/// `None` for an instance with too many nodes.
fn solve(file: &Path, args: &OrienteeringArgs, best: &BestKnown) -> anyhow::Result<Option<Outcome>> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let instance = Instance::parse(&text).with_context(|| format!("{}", file.display()))?;
    if args.max_n.is_some_and(|most| instance.nodes() > most) {
        return Ok(None);
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let best = best.score(&stem).or_else(|| best.score(&instance.name));
    let mut runs = Vec::new();
    for &budget_ms in &args.budget_ms {
        let (solution, cpu) = timed(&instance, budget_ms, args.seed)?;
        let tour: Vec<usize> = solution.order.iter().map(|&stop| instance.node_of(stop)).collect();
        let checked = checker::check(&instance, &tour).context("the checker refuses the tour")?;
        runs.push(Run::new(budget_ms, cpu, &checked, best, solution.proved_best));
    }
    Ok(Some(Outcome { name: stem, nodes: instance.nodes(), best, runs }))
}

/// The solution, and the CPU time of this thread that it took, all preparations but reading the file included.
fn timed(instance: &Instance, budget_ms: u64, seed: u64) -> anyhow::Result<(Solution, Duration)> {
    let started = cpu_time();
    let budget = Duration::from_millis(budget_ms);
    let should_stop = || cpu_time().saturating_sub(started) >= budget;
    let effort = Effort { iterations: u32::MAX, should_stop: &should_stop, on_progress: &|_| () };
    let solution = orienteering::solve(&instance.problem()?, &effort, seed);
    Ok((solution.context("not even staying at the depot fits")?, cpu_time().saturating_sub(started)))
}

/// CPU time that this thread has taken: on a busy machine it says more than the clock on the wall.
fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
}
