//! tile-server and Martin, with PostGIS behind it, on the same rows and in one run, turn by turn.

mod connection;
mod contender;
mod contest;
mod cores;
mod definitions;
mod features;
mod figures;
mod other_processes;
mod postgis;
mod program;
mod targets;

use anyhow::Context;
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};
use testbed::{Scratch, workspace, write_copies};

use crate::console::{say, warn, write_json};
use contender::{Contender, Server};
use contest::Contest;
use cores::Cores;
use definitions::Definitions;
use postgis::Postgis;
use program::TileServer;
use targets::Targets;

#[derive(Args)]
pub(crate) struct TilesArgs {
    /// The city, as an .osm.pbf file [default: the bundled city]
    #[arg(long, value_name = "FILE")]
    extract: Option<PathBuf>,
    /// Lay so many copies of the city side by side first: a large map of a small extract
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(2..))]
    copies: Option<u32>,
    /// How many tiles of a zoom are asked for at most
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=1000))]
    tiles: u32,
    /// Another seed, other tiles, where there are more than that
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often each server has its turn
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// tile-server alone
    #[arg(long)]
    no_martin: bool,
    /// The folder with the programs tile-server and base_map_as_csv
    #[arg(long, value_name = "FOLDER")]
    programs: PathBuf,
    /// Also write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub(crate) fn run(args: &TilesArgs) -> anyhow::Result<()> {
    // Servers are waited for; the load comes from plain threads, which cost less.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(args))
}

async fn measure(args: &TilesArgs) -> anyhow::Result<()> {
    let scratch = Scratch::new("bench-tiles")?;
    let given = args.extract.clone().unwrap_or_else(workspace::bundled_city);
    let extract = extract(args, &given, scratch.path())?;
    let definitions = Definitions::read()?;
    let ours = TileServer::new(&args.programs, scratch.path());
    warn("Building the base map");
    let megabytes = ours.build(&extract).await?;
    let cached = Server::tile_server(ours.start(Some(definitions::CACHE_MIB)).await?)?;
    let cold = Server::tile_server(ours.start(None).await?)?;
    let mut contenders = vec![Contender { name: figures::OURS, cached, cold }];
    let mut postgis = None;
    if !args.no_martin {
        warn("Loading the same rows into PostGIS");
        let loaded = Postgis::load(&ours, &definitions, scratch.path()).await?;
        contenders.push(loaded.martin(&definitions, scratch.path()).await?);
        postgis = Some(loaded);
    }
    let cores = Cores::divide()?;
    for contender in &contenders {
        cores.confine(contender.cached.process)?;
    }
    let contest = Contest::new(&contenders, args.tiles as usize, args.seed)?;
    let figures = cores.as_client(|| contest.run(args.rounds))?;
    let ready = contenders[0].cold.running().map(|running| (running.ready_after, running.cpu_until_ready));
    // In this order: Martin before its database.
    drop(contenders);
    drop(postgis);
    warn("Exporting");
    let export = ours.cores_of_an_export().await?;
    let targets = Targets::of(&figures, ready, export);
    let name = given.file_name().unwrap_or_default().to_string_lossy();
    let copies = args.copies.map_or(String::new(), |copies| format!(", {copies} copies"));
    say(&format!(
        "{name}{copies}: a base map of {megabytes:.1} MB, seed {}, {} rounds",
        args.seed, args.rounds
    ));
    figures.table();
    targets.table();
    let of = json!({"extract": name, "copies": args.copies, "seed": args.seed, "rounds": args.rounds,
        "base_map_mb": megabytes});
    match &args.json {
        Some(file) => {
            write_json(file, &json!({"of": of, "measured": figures.json(), "targets": targets.json()}))
        }
        None => Ok(()),
    }
}

/// The extract itself, or copies of it.
fn extract(args: &TilesArgs, given: &Path, dir: &Path) -> anyhow::Result<PathBuf> {
    let Some(copies) = args.copies else { return Ok(given.to_path_buf()) };
    warn(&format!("Laying {copies} copies side by side"));
    let many = dir.join("copies.osm.pbf");
    write_copies(given, copies, &many).context("laying copies side by side")?;
    Ok(many)
}
