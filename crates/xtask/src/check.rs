use anyhow::bail;
use testbed::output;

use crate::{
    cargo::{build_programs, cargo},
    console, crate_graph, generate, setup,
};

/// Everything but the tests. All of it runs, so that one look shows everything that is wrong.
async fn wrongs() -> anyhow::Result<Vec<anyhow::Error>> {
    setup::run().await?;
    console::say("\nChecking");
    let progress = console::progress();
    let mut wrongs = Vec::new();
    let format = tool("fmt", "rustfmt", &["--all", "--check"]);
    wrongs.extend(console::aloud("the format", format).await.err());
    let graph = async {
        let wrongs = crate_graph::wrongs(&crate_graph::packages().await?);
        if wrongs.is_empty() { Ok(()) } else { bail!("the crate graph:\n    {}", wrongs.join("\n    ")) }
    };
    wrongs.extend(progress.step("the crate graph", graph).await.err());
    let clippy = ["--workspace", "--all-targets", "--", "-D", "warnings"];
    wrongs.extend(console::aloud("the lints", tool("clippy", "clippy", &clippy)).await.err());
    match console::aloud("building the programs", build_programs(false)).await {
        Ok(programs) => wrongs.extend(generate::check(&progress, &programs).await),
        Err(error) => wrongs.push(error),
    }
    if output(&mut cargo(["deny", "--version"])).await.is_ok() {
        let deny = async { testbed::run(&mut cargo(["deny", "--all-features", "check"])).await };
        wrongs.extend(console::aloud("licences, sources and advisories", deny).await.err());
    } else {
        progress.note("licences were not looked at: cargo-deny is not installed (cargo install cargo-deny)");
    }
    Ok(wrongs)
}

/// Runs the checks and tells all that is wrong.
pub(crate) async fn run() -> anyhow::Result<()> {
    let wrongs = wrongs().await?;
    if wrongs.is_empty() {
        console::say("\nNothing is wrong.");
        return Ok(());
    }
    let told: Vec<String> = wrongs.iter().map(|error| format!("- {error:#}")).collect();
    bail!("{} of the checks failed:\n{}", wrongs.len(), told.join("\n"))
}

/// Runs a cargo command that is a part of Rust which an installation may lack.
async fn tool(command: &str, component: &str, args: &[&str]) -> anyhow::Result<()> {
    if output(&mut cargo([command, "--version"])).await.is_err() {
        bail!("cargo {command} is not installed.\n  The mend: rustup component add {component}");
    }
    testbed::run(cargo([command]).args(args)).await
}
