//! Our engine and its peers on the same points, in one run, round by round.

mod contest;
mod copies;
mod figures;
mod install;
mod job;
pub(crate) mod ours;
mod peer;
mod requests;
mod serve;

use anyhow::Context;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use testbed::{walk_checker::WalkChecker, workspace};

use crate::{
    around::Around,
    console::{say, write_json},
    streets::Streets,
};
use contest::Contest;
use copies::Sizes;
use requests::Requests;

pub(crate) use serve::{ServeArgs, run as serve};

#[derive(Args)]
pub(crate) struct EngineArgs {
    /// The city, as an .osm.pbf file [default: the bundled city]
    #[arg(long, value_name = "FILE")]
    extract: Option<PathBuf>,
    /// How many points to find ways between
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(100..=1000))]
    points: u32,
    /// Another seed, other points
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often each contender has its turn
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Points only here: longitude and latitude in degrees, and a radius in metres
    #[arg(long, value_name = "LON,LAT,METRES", allow_hyphen_values = true)]
    around: Option<Around>,
    /// Our engine alone
    #[arg(long)]
    no_peers: bool,
    /// A Python to install peers with; may be given several times [default: those that are found]
    #[arg(long = "python", value_name = "PROGRAM")]
    pythons: Vec<PathBuf>,
    /// Instead: the same walks in the city alone and in so many copies of it, laid side by side
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(2..))]
    copies: Option<u32>,
    /// Also write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub(crate) fn run(args: &EngineArgs) -> anyhow::Result<()> {
    let file = args.extract.clone().unwrap_or_else(workspace::bundled_city);
    let checker = WalkChecker::read(&file)?;
    let streets = Streets::new(&checker, args.around)
        .with_context(|| format!("finding points in {}", file.display()))?;
    let home = workspace::private_dir().join("bench");
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let of = json!({"extract": name, "points": args.points, "seed": args.seed, "rounds": args.rounds,
        "around": args.around.map(|around| around.to_string())});
    let figures = if let Some(copies) = args.copies {
        let figures = Sizes::measure(&file, &streets, copies, args.seed)?;
        say(&format!("{name}, alone and among {copies} copies, seed {}\n", args.seed));
        figures.table();
        figures.json()
    } else {
        let mut contest = Contest::new(&file, streets.spots(args.seed, args.points), &home)?;
        if !args.no_peers {
            contest.invite(&args.pythons);
        }
        let figures = contest.run(args.rounds);
        let requests = Requests::measure(&file, &streets, args.seed)?;
        say(&format!("{name}: {} points, seed {}, {} rounds\n", args.points, args.seed, args.rounds));
        figures.table();
        requests.table();
        json!({"figures": figures.json(), "requests": requests.json()})
    };
    match &args.json {
        Some(file) => write_json(file, &json!({"of": of, "measured": figures})),
        None => Ok(()),
    }
}
