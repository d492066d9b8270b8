use anyhow::Context;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use testbed::{Scratch, walk_checker::Spread, write_copies};

use super::{contest::our_process, job::Job, ours::City, peer::Process};
use crate::{
    console::{say, warn},
    streets::Streets,
    wishes::{Wishes, parse},
};

/// What walks may cost more in the larger data set.
const MOST: [(&str, f64); 2] = [("CPU time", 1.10), ("memory", 1.20)];
const REQUESTS: u32 = 50;
/// How often each walk is taken; the first time is told apart.
const ROUNDS: usize = 4;

/// The same walks in a city and in many copies of it, each in a worker of its own.
pub(crate) struct Sizes {
    copies: u32,
    alone: Figures,
    among: Figures,
}

/// What was measured in one of the two.
struct Figures {
    /// Of all prepared networks that the walks use.
    networks_mb: f64,
    /// Of the first round, in which networks are loaded and weights worked out.
    first_ms: Vec<f64>,
    /// Of the others.
    cpu_ms: Vec<f64>,
    resident_mb: f64,
    /// Of it, what is no part of a mapped file.
    own_mb: f64,
}

struct Worker {
    process: Process,
    jobs: Vec<PathBuf>,
    figures: Figures,
}

impl Sizes {
    pub fn measure(extract: &Path, streets: &Streets, copies: u32, seed: u64) -> anyhow::Result<Self> {
        let scratch = Scratch::new("copies")?;
        let many = scratch.path().join("copies.osm.pbf");
        let city = City::read(extract)?;
        let wishes = Wishes::new(streets, &city.pois, 20..=180);
        let requests: Vec<Value> = (0..REQUESTS).map(|number| wishes.wish(seed, number)).collect();
        let mut alone = Worker::of(&city, &requests, &scratch.path().join("alone"))?;
        drop(city);
        warn(&format!("Laying {copies} copies side by side"));
        write_copies(extract, copies, &many)?;
        warn("Reading them");
        let mut among = Worker::of(&City::read(&many)?, &requests, &scratch.path().join("among"))?;
        for round in 0..ROUNDS {
            warn(&format!("Round {} of {ROUNDS}", round + 1));
            for job in 0..requests.len() {
                alone.walk(job, round)?;
                among.walk(job, round)?;
            }
        }
        Ok(Self { copies, alone: alone.figures, among: among.figures })
    }

    fn ratios(&self) -> [f64; 2] {
        let cpu = |figures: &Figures| Spread::of(figures.cpu_ms.iter().copied()).median;
        [cpu(&self.among) / cpu(&self.alone), self.among.resident_mb / self.alone.resident_mb]
    }

    pub fn table(&self) {
        say(&format!("{:<34}{:>10}{:>14}", "", "alone", format!("{} copies", self.copies)));
        let row = |what: &str, value: &dyn Fn(&Figures) -> f64| {
            say(&format!("{what:<34}{:>10.2}{:>14.2}", value(&self.alone), value(&self.among)));
        };
        row("a walk, CPU ms, p50", &|figures| Spread::of(figures.cpu_ms.iter().copied()).median);
        row("a walk, CPU ms, p95", &|figures| Spread::of(figures.cpu_ms.iter().copied()).p95);
        row("the first time, p95", &|figures| Spread::of(figures.first_ms.iter().copied()).p95);
        row("a worker's memory, MB", &|figures| figures.resident_mb);
        row("of it not in mapped files, MB", &|figures| figures.own_mb);
        row("networks that it uses, MB", &|figures| figures.networks_mb);
        for ((what, most), ratio) in MOST.into_iter().zip(self.ratios()) {
            let verdict = if ratio <= most { "met" } else { "MISSED" };
            say(&format!("{what:<34}{ratio:>10.2} times, <= {most}  {verdict}"));
        }
    }

    pub fn json(&self) -> Value {
        let figures = |figures: &Figures| {
            let Spread { median, p95, count, .. } = Spread::of(figures.cpu_ms.iter().copied());
            json!({"cpu_ms": {"p50": median, "p95": p95, "count": count},
                "first_ms": {"p95": Spread::of(figures.first_ms.iter().copied()).p95}, "resident_mb": figures.resident_mb,
                "own_mb": figures.own_mb, "networks_mb": figures.networks_mb})
        };
        let ratios = MOST.into_iter().zip(self.ratios()).map(|((what, most), ratio)| {
            json!({"what": what, "times": ratio, "at_most": most, "met": ratio <= most})
        });
        json!({"copies": self.copies, "alone": figures(&self.alone), "among": figures(&self.among),
            "ratios": ratios.collect::<Vec<_>>()})
    }
}

impl Worker {
    /// Prepares for each request what a worker gets, and starts one.
    fn of(city: &City, requests: &[Value], dir: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        let mut networks: BTreeMap<PathBuf, u64> = BTreeMap::new();
        let mut jobs = Vec::new();
        for (number, request) in requests.iter().enumerate() {
            let parsed = parse(request)?;
            let network = dir.join(city.network_name(&parsed));
            if !networks.contains_key(&network) {
                let bytes = city.network_for(&parsed)?;
                fs::write(&network, &bytes).with_context(|| format!("writing {}", network.display()))?;
                networks.insert(network.clone(), bytes.len() as u64);
            }
            let job = dir.join(format!("{number}.json"));
            Job::new(request.clone(), network, &city.pois_within_reach(&parsed)).write(&job)?;
            jobs.push(job);
        }
        let networks_mb = networks.values().sum::<u64>() as f64 / (1024.0 * 1024.0);
        let figures =
            Figures { networks_mb, first_ms: Vec::new(), cpu_ms: Vec::new(), resident_mb: 0.0, own_mb: 0.0 };
        Ok(Self { process: our_process(dir)?, jobs, figures })
    }

    fn walk(&mut self, job: usize, round: usize) -> anyhow::Result<()> {
        let answer = self.process.ask(&json!({"do": "walk", "job": self.jobs[job]}))?;
        let number = |name: &str| answer[name].as_f64().with_context(|| format!("no {name} in {answer}"));
        let times = if round == 0 { &mut self.figures.first_ms } else { &mut self.figures.cpu_ms };
        times.push(number("cpu_ms")?);
        (self.figures.resident_mb, self.figures.own_mb) = (number("resident_mb")?, number("own_mb")?);
        Ok(())
    }
}
