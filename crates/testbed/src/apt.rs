use anyhow::{Context, bail};
use std::{
    env,
    io::{IsTerminal, stdin},
    path::{Path, PathBuf},
};
use tokio::process::Command;

use crate::{account::is_root, run::understand};

/// Installs packages ($@) as root. Debian starts the servers of the packages it installs; a `policy-rc.d` that says no
/// (101) for this while keeps them from it. Where the machine has such a policy already, it stays in charge.
const INSTALL: &str = r#"
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update && apt-get install --yes --no-install-recommends "$@"
"#;

/// Installs Debian packages and nothing they only recommend.
pub(crate) async fn install(packages: &[&str]) -> anyhow::Result<()> {
    let by_hand = format!("apt-get install --no-install-recommends {}", packages.join(" "));
    if find_in_path("apt-get").is_none() {
        bail!(
            "{} missing, and this machine has no apt-get to install it with.\n  \
             The mend: install PostgreSQL 15 or newer with PostGIS 3, redis-server and Python 3 with venv by the \
             means of this system, then try again.",
            packages.join(" and ")
        );
    }
    let mut command = match (is_root(), find_in_path("sudo")) {
        (true, _) => Command::new("sh"),
        (false, Some(sudo)) => {
            let mut sudo = Command::new(sudo);
            if !stdin().is_terminal() {
                sudo.arg("--non-interactive");
            }
            sudo.arg("sh");
            sudo
        }
        (false, None) => bail!(
            "{} missing, and installing needs root, but this is an ordinary user without sudo.\n  \
             The mend: let someone run as root: {by_hand}",
            packages.join(" and ")
        ),
    };
    command.args(["-c", INSTALL, "install"]).args(packages);
    // sudo asks for a password on the terminal itself. The installation is not cut short when we are: dpkg is not
    // to be left in the middle, and the policy is to be removed.
    let finished = command.output().await.context("running apt-get");
    let installed = finished.and_then(|finished| understand("apt-get", finished));
    installed.map(drop).map_err(|error| {
        error.context(format!(
            "apt could not install {}.\n  The mend: see that the package mirrors can be reached, then try again, or \
             run as root: apt-get update && {by_hand}",
            packages.join(" and ")
        ))
    })
}

/// Where the shell would find a program.
pub(crate) fn find_in_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Servers live in sbin, which an ordinary user's PATH leaves out.
    let folders = env::split_paths(&path).chain(["/usr/sbin", "/usr/bin", "/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|file| is_file(file))
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|about| about.is_file())
}
