//! Measures the engine and the map, side by side with their peers: `cargo xtask bench walks` and so on build and start this program.
//!
//! What is measured and how is told in docs/benchmarks.md.

mod around;
mod clock;
mod console;
mod dice;
mod engine;
mod memory;
#[allow(clippy::print_stdout, reason = "telling a person the figures is what this program is for")]
mod orienteering;
mod streets;
mod tiles;
mod walks;
mod wishes;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "wildside-bench", about = "Measures the engine and the map, side by side with their peers.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure the engine beside its peers
    Engine(engine::EngineArgs),
    /// Walk through a city and measure the twelve numbers that make a walk good
    Walks(walks::WalksArgs),
    /// Solve a folder of orienteering instances within CPU budgets and compare with the best known scores
    Orienteering(orienteering::OrienteeringArgs),
    /// Measure tile-server beside Martin
    Tiles(tiles::TilesArgs),
    #[command(hide = true)]
    Serve(engine::ServeArgs),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Engine(args) => engine::run(&args),
        Command::Walks(args) => walks::run(&args),
        Command::Orienteering(args) => orienteering::run(&args),
        Command::Tiles(args) => tiles::run(&args),
        Command::Serve(_) => engine::serve(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::warn(&format!("✗ {error:#}"));
            ExitCode::FAILURE
        }
    }
}
