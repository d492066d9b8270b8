use serde::Serialize;
use std::{path::Path, time::Duration};

use super::checker::Checked;

/// What came of one instance.
#[derive(Serialize)]
pub(super) struct Outcome {
    pub name: String,
    pub nodes: usize,
    pub best: Option<f64>,
    /// In the order of the budgets.
    pub runs: Vec<Run>,
}

#[derive(Serialize)]
pub(super) struct Run {
    budget_ms: u64,
    cpu_ms: f64,
    score: f64,
    length: u64,
    /// Below the best known score; negative for a better one.
    gap_percent: Option<f64>,
    proved_best: bool,
}

impl Run {
    pub fn new(budget_ms: u64, cpu: Duration, tour: &Checked, best: Option<f64>, proved_best: bool) -> Self {
        // The best score of an instance can be nought: then every tour has it.
        let gap_percent = best.map(|best| 100.0 * (best - tour.score) / best.max(1e-9));
        let cpu_ms = cpu.as_secs_f64() * 1000.0;
        Self { budget_ms, cpu_ms, score: tour.score, length: tour.length, gap_percent, proved_best }
    }
}

/// All that was measured.
#[derive(Serialize)]
pub(super) struct Report {
    instances: Vec<Outcome>,
    summary: Vec<Summary>,
    failures: Vec<Failure>,
}

#[derive(Serialize)]
struct Failure {
    file: String,
    error: String,
}

/// The gaps of all instances within one budget.
#[derive(Serialize)]
struct Summary {
    budget_ms: u64,
    /// With a best known score to compare with.
    compared: usize,
    mean_gap_percent: f64,
    median_gap_percent: f64,
    max_gap_percent: f64,
    at_best_percent: f64,
    median_cpu_ms: f64,
    max_cpu_ms: f64,
}

impl Report {
    pub fn new(budgets_ms: &[u64]) -> Self {
        let mut title = format!("{:28} {:>5} {:>10}", "instance", "nodes", "best");
        for budget in budgets_ms {
            title += &format!(" |{:>10} {:>7} {:>8}", format!("{budget} ms"), "gap %", "CPU ms");
        }
        println!("{title}");
        Self { instances: Vec::new(), summary: Vec::new(), failures: Vec::new() }
    }

    /// Prints its line.
    pub fn add(&mut self, outcome: Outcome) {
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        let best = or_dash(outcome.best.map(|best| best.to_string()));
        let mut line = format!("{:28} {:>5} {:>10}", outcome.name, outcome.nodes, best);
        for run in &outcome.runs {
            let gap = or_dash(run.gap_percent.map(|gap| format!("{gap:.2}")));
            let mark = if run.proved_best { "*" } else { " " };
            line += &format!(" |{:>9}{mark} {gap:>7} {:>8.1}", run.score, run.cpu_ms);
        }
        println!("{line}");
        self.instances.push(outcome);
    }

    pub fn add_failure(&mut self, file: &Path, error: &str) {
        println!("{error}");
        self.failures.push(Failure { file: file.display().to_string(), error: error.to_owned() });
    }

    pub fn failures(&self) -> usize {
        self.failures.len()
    }

    /// Sums up, and prints it.
    pub fn print_summary(&mut self) {
        println!("* proved best; all tours passed the checker");
        let budgets = self.instances.first().map_or(0, |first| first.runs.len());
        for budget in 0..budgets {
            let runs: Vec<&Run> = self.instances.iter().map(|outcome| &outcome.runs[budget]).collect();
            let summary = Summary::of(&runs);
            let Summary { budget_ms, compared, .. } = summary;
            if compared == 0 {
                println!("{budget_ms} ms: no best known scores to compare with");
            } else {
                println!(
                    "{budget_ms} ms: {compared} instances, gap mean {:.3} %, median {:.3} %, max {:.2} %, at the best {:.1} %, \
                     CPU median {:.1} ms, max {:.1} ms",
                    summary.mean_gap_percent,
                    summary.median_gap_percent,
                    summary.max_gap_percent,
                    summary.at_best_percent,
                    summary.median_cpu_ms,
                    summary.max_cpu_ms,
                );
            }
            self.summary.push(summary);
        }
    }
}

impl Summary {
    /// Of at least one run.
    fn of(runs: &[&Run]) -> Self {
        let gaps = sorted(runs.iter().filter_map(|run| run.gap_percent));
        let times = sorted(runs.iter().map(|run| run.cpu_ms));
        let share = |count: usize| 100.0 * count as f64 / gaps.len().max(1) as f64;
        Self {
            budget_ms: runs[0].budget_ms,
            compared: gaps.len(),
            mean_gap_percent: gaps.iter().sum::<f64>() / gaps.len().max(1) as f64,
            median_gap_percent: middle(&gaps),
            max_gap_percent: gaps.last().copied().unwrap_or(0.0),
            at_best_percent: share(gaps.iter().filter(|&&gap| gap <= 0.0).count()),
            median_cpu_ms: middle(&times),
            max_cpu_ms: times.last().copied().unwrap_or(0.0),
        }
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn middle(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}
