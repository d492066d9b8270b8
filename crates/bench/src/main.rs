//! `wildside-bench <command>`: run by `cargo xtask bench`.

#![allow(clippy::print_stdout, reason = "telling a person the figures is what this program is for")]

mod orienteering;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "wildside-bench", about = "Measures the engine.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Solve a folder of orienteering instances within CPU budgets and compare with the best known scores
    Orienteering(orienteering::OrienteeringArgs),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Orienteering(args) => orienteering::run(args),
    }
}
