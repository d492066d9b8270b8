use anyhow::anyhow;
use std::{
    fs,
    path::{Path, PathBuf},
};
use tokio::process::Command;

use crate::{
    apt::{self, find_in_path},
    progress::Progress,
    run::output,
};

/// A Python that can make a virtual environment with pip in it: Debian splits that off into a package.
async fn with_venv(progress: &Progress) -> anyhow::Result<PathBuf> {
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

/// Makes a virtual environment with these packages, in place of what is there.
pub(crate) async fn make_venv(home: &Path, packages: &[&str], progress: &Progress) -> anyhow::Result<()> {
    let python = with_venv(progress).await?;
    if home.exists() {
        fs::remove_dir_all(home)?;
    }
    if let Some(above) = home.parent() {
        fs::create_dir_all(above)?;
    }
    output(Command::new(python).args(["-m", "venv"]).arg(home)).await?;
    if packages.is_empty() {
        return Ok(());
    }
    let what = packages.join(" and ");
    let install = async { output(pip_install(home).args(packages)).await };
    progress.step(&format!("fetching {what} with pip"), install).await.map(drop).map_err(|error| {
        anyhow!(
            "{error:#}\npip could not install {what}.\n  The mend: see that the package index can be reached; pip's own \
             settings, such as PIP_INDEX_URL, are honoured"
        )
    })
}

/// The pip of a virtual environment, about to install something.
pub(crate) fn pip_install(venv: &Path) -> Command {
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-cache-dir",
        "--only-binary=:all:",
    ]);
    pip
}
