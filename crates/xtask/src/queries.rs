use anyhow::{Context, ensure};
use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};
use testbed::{Durability, Postgres, Scratch, output, workspace};

use crate::cargo::cargo;

/// Where the description of each SQL query is kept, so that a build needs no database.
pub(crate) fn kept_in() -> PathBuf {
    workspace::root().join("crates/store/.sqlx")
}

/// Has each query of `store` checked by a real database and returns the files that describe them, by name.
///
/// The migrations are run as plain SQL, since the program that runs them otherwise cannot be built while a query has
/// no description.
pub(crate) async fn describe() -> anyhow::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let postgres = Postgres::start_open(Durability::Fast).await?;
    let database = postgres.cluster().empty_database().await?;
    let migrations = workspace::files_below(&workspace::root().join("migrations"));
    for migration in migrations.iter().filter(|file| file.extension().is_some_and(|kind| kind == "sql")) {
        database.run_file(migration).await?;
    }
    let described = Scratch::new("queries")?;
    // A cfg that is new each time makes cargo compile `store` anew, and nothing else.
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let mut check = cargo(["rustc", "--package", "store", "--lib", "--profile", "check"]);
    check.args(["--", "--cfg", &format!("queries_checked=\"{now}\"")]);
    check.env("DATABASE_URL", database.url()).env("SQLX_OFFLINE", "false");
    output(check.env("SQLX_OFFLINE_DIR", described.path()))
        .await
        .context("checking the queries of `store`")?;
    let files = read(&described.path().to_owned())?;
    ensure!(!files.is_empty(), "compiling `store` described no query at all");
    Ok(files)
}

/// The descriptions that the repository has.
pub(crate) fn kept() -> anyhow::Result<BTreeMap<PathBuf, Vec<u8>>> {
    read(&kept_in())
}

fn read(dir: &PathBuf) -> anyhow::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for file in workspace::files_below(dir) {
        let name = file.strip_prefix(dir)?.to_owned();
        files.insert(name, fs::read(&file).with_context(|| format!("reading {}", file.display()))?);
    }
    Ok(files)
}
