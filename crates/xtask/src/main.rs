//! What a developer types: `cargo xtask <command>`.

#![allow(clippy::print_stdout, reason = "telling a person what happens is what this program is for")]

mod bench;
mod cargo;
mod check;
mod console;
mod crate_graph;
mod crate_map;
mod db;
mod figures;
mod fuzz;
mod generate;
mod interrupt;
mod itinerary;
mod load;
mod queries;
mod queue_bench;
mod running;
mod setup;
mod sockets;
mod test;
mod up;
mod walk;
mod wish;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Everything one does with Wildside on one's own machine.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what Wildside runs on, where it is missing
    Setup,
    /// Set up, start everything with a small city and take a walk; Ctrl-C ends it
    Up(up::Up),
    /// Ask the running system for a walk
    Walk(walk::Walk),
    /// Print how to look into the running system's database
    Db,
    /// Set up and run every test
    Test(test::Test),
    /// Everything but the tests: format, lints, the crate graph, generated files, licences
    Check,
    /// Write the generated files anew
    Generate,
    /// Search for input that breaks what reads it
    Fuzz(fuzz::Fuzz),
    /// Measure the whole system on this machine, or the engine by itself
    Bench(bench::Bench),
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Arguments::parse().command;
    let work = async {
        match command {
            Command::Setup => setup::run().await,
            Command::Up(up) => up.run().await,
            Command::Walk(walk) => walk.run().await,
            Command::Db => db::run(),
            Command::Test(test) => test.run().await,
            Command::Check => check::run().await,
            Command::Generate => generate::run().await,
            Command::Fuzz(fuzz) => fuzz.run().await,
            Command::Bench(bench) => bench.run().await,
        }
    };
    let interrupted = async {
        interrupt::asked().await;
        console::say("\nEnding what was started.");
    };
    // The work that does not win is dropped, and with it ends all that it started.
    let result = tokio::select! {
        biased;
        () = interrupted => {
            console::say("  ✓ everything has ended");
            return ExitCode::from(130);
        }
        result = work => result,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::say(&format!("\n✗ {error:#}"));
            ExitCode::FAILURE
        }
    }
}
