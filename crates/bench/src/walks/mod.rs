//! The twelve numbers that make a walk good, over many requests in any city.

mod lines;
mod report;
#[cfg(test)]
mod tests;
mod trial;
mod twelve;

use anyhow::{Context, ensure};
use clap::Args;
use extract::Progress;
use serde_json::json;
use std::{ops::RangeInclusive, path::PathBuf};
use testbed::{walk_checker::WalkChecker, workspace};

use crate::{
    around::Around,
    console::{say, write_json},
    engine::ours::City,
    streets::Streets,
    wishes::Wishes,
};
use trial::Trial;

#[derive(Args)]
pub(crate) struct WalksArgs {
    /// The city, as an .osm.pbf file [default: the bundled city]
    #[arg(long, value_name = "FILE")]
    extract: Option<PathBuf>,
    /// How many requests
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    n: u32,
    /// Another seed, other requests
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The time that the walks may take, in minutes: from the shortest to the longest
    #[arg(long, value_name = "FROM-TO", default_value = "20-180", value_parser = minutes)]
    minutes: RangeInclusive<u16>,
    /// Starts and ends only here: longitude and latitude in degrees, and a radius in metres
    #[arg(long, value_name = "LON,LAT,METRES", allow_hyphen_values = true)]
    around: Option<Around>,
    /// How many of the worst requests to show for each number that misses its target
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    worst: usize,
    /// Also write all figures, with every request and its walk, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn minutes(text: &str) -> Result<RangeInclusive<u16>, String> {
    let legal = domain::RouteRequest::DURATION_MINUTES;
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let range = from.trim().parse().ok().zip(to.trim().parse().ok()).map(|(from, to)| from..=to);
    range
        .filter(|range| !range.is_empty() && legal.contains(range.start()) && legal.contains(range.end()))
        .ok_or_else(|| {
            format!("two numbers from {} to {}, such as 20-180, are wanted", legal.start(), legal.end())
        })
}

pub(crate) fn run(args: &WalksArgs) -> anyhow::Result<()> {
    let file = args.extract.clone().unwrap_or_else(workspace::bundled_city);
    let city = City::read(&file)?;
    let checker = WalkChecker::read(&file)?;
    let streets = Streets::new(&checker, args.around);
    let streets = streets.with_context(|| format!("finding a place to start from in {}", file.display()))?;
    let wishes = Wishes::new(&streets, &city.pois, args.minutes.clone());
    let step = Progress::Told.open_ended("Walking");
    let trials: anyhow::Result<Vec<Trial>> =
        (0..args.n).map(|number| Trial::of(&wishes, args.seed, number, &city, &checker)).collect();
    drop(step);
    let trials = trials?;
    ensure!(trials.iter().any(|trial| trial.served()), "not one of {} requests was served", args.n);
    let lines = twelve::lines(&trials);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    say(&format!("{name}: {} requests, seed {}\n", args.n, args.seed));
    report::table(&lines);
    report::times(&trials);
    report::broken_promises(&trials);
    report::worst(&lines, &trials, args.worst);
    if let Some(json) = &args.json {
        let of = json!({"extract": name, "n": args.n, "seed": args.seed, "minutes": [args.minutes.start(), args.minutes.end()],
            "around": args.around.map(|around| around.to_string())});
        write_json(json, &report::json(&of, &lines, &trials))?;
    }
    Ok(())
}
