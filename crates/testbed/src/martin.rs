use anyhow::{Context, anyhow, bail};
use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::process::Command;

use crate::{
    apt::find_in_path,
    ports::free_port,
    process::{Process, Program},
    progress::Progress,
    run::output,
    scratch::Scratch,
    workspace,
};

const VERSION: &str = "1.14.0";
/// Without `webui`, which runs npm, and `pmtiles`, which brings a cloud's whole toolkit.
const FEATURES: &str = "postgres,metrics,mlt";

/// A private Martin on a database, set up by the product's own config/martin.yaml.
#[derive(Debug)]
pub struct Martin {
    process: Process,
    port: u16,
    _scratch: Option<Scratch>,
}

impl Martin {
    /// Starts one for a database; `url` is that of the role `martin_ro`. Its log goes to a folder of its own.
    pub async fn start(url: &str) -> anyhow::Result<Self> {
        let scratch = Scratch::new("martin")?;
        let log = scratch.path().join("martin.log");
        Self::start_with_log(url, log, Some(scratch)).await
    }

    /// Starts one that is set up by another file, and tells its log of nothing but trouble. For benches.
    pub async fn start_as(url: &str, config: &Path) -> anyhow::Result<Self> {
        let scratch = Scratch::new("martin")?;
        let log = scratch.path().join("martin.log");
        Self::launch(url, config, "warn", log, Some(scratch)).await
    }

    pub(crate) async fn start_with_log(
        url: &str,
        log: PathBuf,
        scratch: Option<Scratch>,
    ) -> anyhow::Result<Self> {
        Self::launch(url, &workspace::root().join("config/martin.yaml"), "info", log, scratch).await
    }

    async fn launch(
        url: &str,
        config: &Path,
        level: &str,
        log: PathBuf,
        scratch: Option<Scratch>,
    ) -> anyhow::Result<Self> {
        let port = free_port()?;
        // Its URLs take no file: it trusts what the system trusts, which is this here.
        let (url, ca) = url.split_once("&sslrootcert=").unwrap_or((url, ""));
        let program = Program::new("martin", program().await?, log)
            .args([Path::new("--config"), config])
            .env("DATABASE_URL", url)
            .env("LISTEN_ADDRESS", format!("127.0.0.1:{port}"))
            .env("RUST_LOG", level)
            .env("SSL_CERT_FILE", ca);
        let martin = Self { process: Process::start(program)?, port, _scratch: scratch };
        let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
        let url = format!("{}/health", martin.url());
        let ready = async || http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success());
        martin.process.wait_until_ready(Duration::from_secs(30), ready).await?;
        Ok(martin)
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The running server.
    pub fn process(&self) -> &Process {
        &self.process
    }
}

/// Finds a Martin of our version.
pub(crate) async fn program() -> anyhow::Result<PathBuf> {
    if let Some(named) = env::var_os("MARTIN_BIN") {
        let named = PathBuf::from(named);
        return check(&named).await.map(|()| named).context("MARTIN_BIN does not name a Martin that fits");
    }
    let mut why = String::from("there is none");
    let ours = home().join("bin/martin");
    for found in [ours].into_iter().filter(|file| file.exists()).chain(find_in_path("martin")) {
        match check(&found).await {
            Ok(()) => return Ok(found),
            Err(error) => why = format!("{error:#}"),
        }
    }
    bail!("no martin {VERSION}: {why}.\n  The mend: cargo xtask setup")
}

fn home() -> PathBuf {
    workspace::private_dir().join("martin")
}

async fn check(binary: &PathBuf) -> anyhow::Result<()> {
    let said = output(Command::new(binary).arg("--version")).await?;
    let version = said.trim().rsplit(' ').next().unwrap_or_default();
    let minor = |version: &str| version.rsplit_once('.').map(|(minor, _)| minor.to_owned());
    if minor(version) != minor(VERSION) {
        bail!("{} is of version {version}", binary.display());
    }
    Ok(())
}

/// Builds Martin where there is none: nobody offers it ready-made in a package registry.
pub(crate) async fn set_up(progress: &Progress) -> anyhow::Result<()> {
    if let Ok(found) = program().await {
        progress.note(&format!("Martin is {}", found.display()));
        return Ok(());
    }
    progress.note("building Martin takes about nine minutes of one core, once; MARTIN_BIN spares it");
    let build = home().join("build");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["install", "martin", "--version", VERSION, "--locked", "--no-default-features"]);
    cargo.args(["--features", FEATURES, "--root"]).arg(home()).arg("--target-dir").arg(&build);
    let built =
        progress.step(&format!("building Martin {VERSION} into .wildside/martin"), output(&mut cargo)).await;
    let _ = fs::remove_dir_all(&build);
    built.map(drop).map_err(|error| {
        anyhow!("{error:#}\n  The mend: see that crates can be fetched, or put a martin {VERSION} into PATH or its place into MARTIN_BIN")
    })
}
