use anyhow::Context;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process have as many files open as the system allows, and says how many.
pub fn raise_open_files() -> anyhow::Result<u64> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
        .context("raising the limit of open files")?;
    Ok(maximum.unwrap_or(u64::MAX))
}
