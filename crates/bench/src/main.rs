//! Measures the engine, side by side with its peers: `cargo xtask bench walks` and so on build and start this program.
//!
//! What is measured and how is told in docs/benchmarks.md.

mod clock;
mod console;
mod engine;
mod walks;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "wildside-bench", about = "Measures the engine, side by side with its peers.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Walk through a city and measure the twelve numbers that make a walk good
    Walks(walks::WalksArgs),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Walks(args) => walks::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::warn(&format!("✗ {error:#}"));
            ExitCode::FAILURE
        }
    }
}
