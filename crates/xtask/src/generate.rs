use anyhow::{Context, bail};
use std::{collections::BTreeSet, fs, path::PathBuf};
use testbed::{Binaries, Progress, output, workspace};
use tokio::process::Command;

use crate::{cargo::build_programs, console, crate_graph, crate_map, queries, setup};

/// Writes all generated files anew: first the descriptions of the queries, which the programs need to be built.
pub(crate) async fn run() -> anyhow::Result<()> {
    setup::run().await?;
    console::say("\nGenerating");
    let progress = console::progress();
    progress.step("crates/store/.sqlx: what the database says about each query", write_queries()).await?;
    let programs = console::aloud("building the programs", build_programs(false)).await?;
    for document in DOCUMENTS {
        progress.step(document.file, document.write(&programs)).await?;
    }
    let map = async {
        let file = workspace::root().join("ARCHITECTURE.md");
        let text = crate_map::put_into(&crate_map::architecture()?, &crate_graph::packages().await?)?;
        fs::write(file, text).context("writing ARCHITECTURE.md")
    };
    progress.step("ARCHITECTURE.md: the crate map", map).await
}

/// Whether each generated file is what would be generated now. The programs must be built.
pub(crate) async fn check(progress: &Progress, programs: &Binaries) -> Vec<anyhow::Error> {
    let mut wrongs = Vec::new();
    for document in DOCUMENTS {
        let same = async {
            let kept = fs::read_to_string(document.path()).unwrap_or_default();
            if kept == document.generate(programs).await? { Ok(()) } else { bail!(stale(document.file)) }
        };
        wrongs.extend(progress.step(document.file, same).await.err());
    }
    let map = async {
        let text = crate_map::architecture()?;
        let packages = crate_graph::packages().await?;
        if crate_map::put_into(&text, &packages)? == text { Ok(()) } else { bail!(stale("ARCHITECTURE.md")) }
    };
    wrongs.extend(progress.step("ARCHITECTURE.md: the crate map", map).await.err());
    wrongs.extend(progress.step("crates/store/.sqlx", check_queries()).await.err());
    wrongs
}

fn stale(file: &str) -> String {
    format!("{file} is not what would be generated now.\n  The mend: cargo xtask generate")
}

/// A document that a program prints about itself.
struct Document {
    file: &'static str,
    program: &'static str,
    argument: &'static str,
}

const DOCUMENTS: [Document; 2] = [
    Document { file: "docs/openapi.json", program: "api-gateway", argument: "--print-openapi" },
    Document { file: "docs/asyncapi.json", program: "notifier", argument: "--print-asyncapi" },
];

impl Document {
    fn path(&self) -> PathBuf {
        workspace::root().join(self.file)
    }

    async fn generate(&self, programs: &Binaries) -> anyhow::Result<String> {
        output(Command::new(programs.find(self.program)?).arg(self.argument)).await
    }

    async fn write(&self, programs: &Binaries) -> anyhow::Result<()> {
        let text = self.generate(programs).await?;
        fs::write(self.path(), text).with_context(|| format!("writing {}", self.file))
    }
}

async fn write_queries() -> anyhow::Result<()> {
    let (described, kept, dir) = (queries::describe().await?, queries::kept()?, queries::kept_in());
    fs::create_dir_all(&dir)?;
    for (name, text) in described.iter().filter(|(name, text)| kept.get(*name) != Some(*text)) {
        fs::write(dir.join(name), text).with_context(|| format!("writing {}", name.display()))?;
    }
    for name in kept.keys().filter(|name| !described.contains_key(*name)) {
        fs::remove_file(dir.join(name)).with_context(|| format!("removing {}", name.display()))?;
    }
    Ok(())
}

async fn check_queries() -> anyhow::Result<()> {
    let (described, kept) = (queries::describe().await?, queries::kept()?);
    let names: BTreeSet<_> = described.keys().chain(kept.keys()).collect();
    let differing: Vec<String> = names
        .into_iter()
        .filter(|name| described.get(*name) != kept.get(*name))
        .map(|name| name.display().to_string())
        .collect();
    if !differing.is_empty() {
        bail!("{} Among its files: {}", stale("crates/store/.sqlx"), differing.join(", "));
    }
    Ok(())
}
