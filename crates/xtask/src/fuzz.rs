use anyhow::{Context, bail, ensure};
use clap::Args;
use std::{fs, path::PathBuf, process::Output};
use testbed::{run, workspace};
use tokio::process::Command;

use crate::{cargo::cargo, console, setup};

const CARGO_FUZZ: &str = "cargo-fuzz@0.13.2";
/// An input that takes longer than this hangs its reader. It is meant for a busy machine: the usual time is a millisecond.
const TIMEOUT_S: u32 = 20;
/// What a reader may take of memory, the fuzzer's own tables included.
const MAX_MIB: u32 = 2_048;
/// The largest input that is tried.
const MAX_BYTES: u32 = 16_384;

#[derive(Args)]
pub(crate) struct Fuzz {
    /// Which targets; all of them where none is named
    targets: Vec<String>,
    /// How long each is fuzzed
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
}

impl Fuzz {
    /// Builds all targets and runs them one after the other. A crash does not hide those that come later.
    pub async fn run(self) -> anyhow::Result<()> {
        let known = targets()?;
        if let Some(unknown) = self.targets.iter().find(|target| !known.contains(target)) {
            bail!("there is no target {unknown}; there are: {}", known.join(", "));
        }
        let chosen = if self.targets.is_empty() { known } else { self.targets };
        setup::run().await?;
        console::aloud("cargo-fuzz", install()).await?;
        // The versions that are fuzzed are those that are shipped.
        let lock = workspace::root().join("Cargo.lock");
        fs::copy(lock, fuzz_dir().join("Cargo.lock")).context("copying Cargo.lock")?;
        console::aloud("building the targets", build()).await?;
        console::say(&format!("\nFuzzing, {} s each", self.seconds));
        let mut crashed = Vec::new();
        for target in chosen {
            match fuzz(&target, self.seconds).await {
                Ok(figures) => console::say(&format!("  ✓ {target:16} {figures}")),
                Err(error) => {
                    console::say(&format!("  ✗ {target:16} {error:#}"));
                    crashed.push(target);
                }
            }
        }
        ensure!(crashed.is_empty(), "an input was found that breaks: {}", crashed.join(", "));
        Ok(())
    }
}

fn fuzz_dir() -> PathBuf {
    workspace::root().join("fuzz")
}

fn targets() -> anyhow::Result<Vec<String>> {
    let programs = fs::read_dir(fuzz_dir().join("fuzz_targets")).context("reading fuzz/fuzz_targets")?;
    let names =
        programs.map(|program| Ok(program?.path().file_stem().map(|name| name.to_string_lossy().into())));
    let names: std::io::Result<Vec<Option<String>>> = names.collect();
    let mut names: Vec<String> = names?.into_iter().flatten().collect();
    names.sort();
    Ok(names)
}

fn private_dir() -> PathBuf {
    workspace::private_dir().join("cargo-fuzz")
}

/// Installs cargo-fuzz where nobody else sees it.
async fn install() -> anyhow::Result<()> {
    if private_dir().join("bin/cargo-fuzz").exists() {
        return Ok(());
    }
    run(cargo(["install", "--locked", CARGO_FUZZ, "--root"]).arg(private_dir())).await
}

/// Coverage needs no nightly compiler, sanitizers would; the code under test is safe Rust.
fn cargo_fuzz(command: &str) -> Command {
    let mut fuzz = Command::new(private_dir().join("bin/cargo-fuzz"));
    fuzz.args([command, "--sanitizer", "none", "--fuzz-dir"]).arg(fuzz_dir()).current_dir(fuzz_dir());
    fuzz.env_remove("DATABASE_URL").kill_on_drop(true);
    fuzz
}

async fn build() -> anyhow::Result<()> {
    run(&mut cargo_fuzz("build")).await
}

/// Runs a target. What it finds to be of interest stays on this machine; the committed corpus is what it begins with.
async fn fuzz(target: &str, seconds: u32) -> anyhow::Result<String> {
    let (found, artifacts) =
        (private_dir().join("corpus").join(target), fuzz_dir().join("artifacts").join(target));
    for dir in [&found, &artifacts] {
        fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
    }
    let mut command = cargo_fuzz("run");
    command.arg(target).arg(&found).arg(fuzz_dir().join("corpus").join(target)).arg("--");
    command.args([
        format!("-max_total_time={seconds}"),
        format!("-timeout={TIMEOUT_S}"),
        format!("-rss_limit_mb={MAX_MIB}"),
        format!("-max_len={MAX_BYTES}"),
        "-print_final_stats=1".into(),
    ]);
    figures(&command.output().await.with_context(|| format!("starting {target}"))?)
}

/// What a run of libFuzzer says at its end.
fn figures(ended: &Output) -> anyhow::Result<String> {
    let said = String::from_utf8_lossy(&ended.stderr);
    let last =
        |start: &str| said.lines().rev().find_map(|line| line.trim().strip_prefix(start)).map(str::trim);
    if !ended.status.success() {
        let input = last("artifact_prefix=").and_then(|line| line.rsplit("written to ").next());
        let summary = last("SUMMARY: ").unwrap_or("it did not run");
        let tail: Vec<&str> = said.lines().rev().take(20).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        bail!("{summary}; the input is kept as {}\n{}", input.unwrap_or("nothing"), tail.join("\n"));
    }
    let runs = last("stat::number_of_executed_units:").context("it has not said how much it ran")?;
    let covered = said.lines().rev().find_map(|line| line.split_once(" cov: ")?.1.split_whitespace().next());
    let peak = last("stat::peak_rss_mb:").unwrap_or("?");
    Ok(format!("{runs:>9} runs, {:>6} edges covered, at most {peak} MiB, no crash", covered.unwrap_or("no")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn ended(status: i32, said: &str) -> Output {
        let status = std::process::ExitStatus::from_raw(status << 8);
        Output { status, stdout: Vec::new(), stderr: said.into() }
    }

    #[test]
    fn a_run_says_how_much_it_ran() {
        let said = "#2 INITED cov: 7 ft: 8\n#99\tDONE   cov: 123 ft: 456 corp: 7/8b\n\
                    stat::number_of_executed_units: 99\nstat::peak_rss_mb:              51\n";
        let told = figures(&ended(0, said)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(told, "       99 runs,    123 edges covered, at most 51 MiB, no crash");
    }

    #[test]
    fn a_crash_says_where_its_input_is() {
        let said = "thread panicked\nSUMMARY: libFuzzer: deadly signal\n\
                    artifact_prefix='x/'; Test unit written to x/crash-1\n";
        let error = figures(&ended(77, said)).map_err(|error| error.to_string()).unwrap_err();
        assert!(error.starts_with("libFuzzer: deadly signal; the input is kept as x/crash-1\n"), "{error}");
        assert!(figures(&ended(1, "no such thing")).is_err());
    }
}
