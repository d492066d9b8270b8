use clap::Args;
use testbed::{Durability, Postgres, run};

use crate::{
    cargo::{build_programs, cargo},
    console, setup,
};

#[derive(Args)]
pub(crate) struct Test {
    /// What to hand to `cargo test` instead of `--workspace`, such as `-p store`
    #[arg(last = true)]
    cargo_test: Vec<String>,
}

impl Test {
    /// Sets up and runs every test.
    pub async fn run(self) -> anyhow::Result<()> {
        setup::run().await?;
        testbed::set_up_tests(&console::progress()).await?;
        console::aloud("building the programs", build_programs(false)).await?;
        let starting = Postgres::start(Durability::Fast);
        let postgres = console::progress().step("starting a PostgreSQL for all tests", starting).await?;
        let (variable, url) = postgres.share();
        let what = if self.cargo_test.is_empty() { vec!["--workspace".into()] } else { self.cargo_test };
        // One red test does not hide the others.
        let mut test = cargo(["test", "--no-fail-fast"]);
        console::aloud("running the tests", run(test.args(what).env(variable, url))).await
    }
}
