//! Installs the peers from Python's package index, each into a virtual environment of its own.

use anyhow::{Context, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use testbed::workspace;

use super::peer::Contender;
use crate::console::warn;

/// Peers that come in one package.
struct Package {
    folder: &'static str,
    requirements: &'static [&'static str],
    peers: &'static [&'static str],
}

const PACKAGES: [Package; 3] = [
    Package { folder: "valhalla", requirements: &["pyvalhalla==3.9.1"], peers: &["valhalla"] },
    Package { folder: "osrm", requirements: &["osrm-bindings==26.10.0"], peers: &["osrm-ch", "osrm-mld"] },
    Package { folder: "pandana", requirements: &["pandana==0.8", "osmium==4.3.2"], peers: &["pandana"] },
];

/// Names under which a Python may be found; each package has wheels for some of them only.
const PYTHONS: [&str; 5] = ["python3.13", "python3.12", "python3.14", "python3.11", "python3"];

/// All peers that can be had here. Of the others it is said why not.
pub(crate) fn peers(home: &Path, pythons: &[PathBuf]) -> Vec<Contender> {
    let pythons = if pythons.is_empty() { found() } else { pythons.to_vec() };
    let mut peers = Vec::new();
    for package in &PACKAGES {
        match package.install(&home.join(package.folder), &pythons) {
            Ok(python) => peers.extend(package.peers.iter().map(|&name| Contender {
                name,
                program: vec![python.clone(), script(), name.into()],
                dir: home.join("data").join(name),
            })),
            Err(error) => warn(&format!("Without {}: {error:#}", package.peers.join(" and "))),
        }
    }
    peers
}

fn script() -> PathBuf {
    workspace::root().join("crates/bench/peers/peer.py")
}

/// The Pythons of this machine: those in the path, and those that pyenv keeps.
fn found() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = PYTHONS.iter().map(PathBuf::from).collect();
    let kept = output(Command::new("pyenv").args(["versions", "--bare"])).unwrap_or_default();
    for version in kept.lines().rev() {
        let prefix = output(Command::new("pyenv").args(["prefix", version.trim()]));
        found.extend(prefix.map(|prefix| Path::new(prefix.trim()).join("bin/python3")));
    }
    found
}

impl Package {
    /// The Python that has it.
    fn install(&self, venv: &Path, pythons: &[PathBuf]) -> anyhow::Result<PathBuf> {
        let (python, done) = (venv.join("bin/python"), venv.join("installed"));
        let wanted = self.requirements.join("\n");
        if fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
            return Ok(python);
        }
        warn(&format!("Installing {} into {}", self.requirements.join(" "), venv.display()));
        let mut whys = Vec::new();
        for base in pythons {
            match self.install_with(base, venv, &python) {
                Ok(()) => {
                    fs::write(done, wanted)?;
                    return Ok(python);
                }
                Err(error) => whys.push(format!("with {}: {error:#}", base.display())),
            }
        }
        bail!("it could not be installed; --python names one of another version\n  {}", whys.join("\n  "))
    }

    fn install_with(&self, base: &Path, venv: &Path, python: &Path) -> anyhow::Result<()> {
        output(Command::new(base).args(["-c", "import ensurepip, venv"]))?;
        if venv.exists() {
            fs::remove_dir_all(venv).with_context(|| format!("removing {}", venv.display()))?;
        }
        output(Command::new(base).args(["-m", "venv"]).arg(venv))?;
        let mut pip = Command::new(python);
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--only-binary=:all:"]);
        output(pip.args(self.requirements)).map(drop)
    }
}

/// What a program writes; where it fails, the last line of its complaint.
fn output(command: &mut Command) -> anyhow::Result<String> {
    let Output { status, stdout, stderr } = command.output()?;
    if !status.success() {
        let text = String::from_utf8_lossy(&stderr).trim().to_owned();
        let error = text.lines().rev().find(|line| line.starts_with("ERROR")).or(text.lines().last());
        bail!("{}", error.unwrap_or("it failed and did not say why"));
    }
    Ok(String::from_utf8_lossy(&stdout).into_owned())
}
