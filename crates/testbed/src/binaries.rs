use anyhow::{Context, bail};
use std::{
    env, fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

const THE_MEND: &str = "The mend: cargo build --workspace --bins";

/// The product's programs, as cargo built them.
#[derive(Clone, Debug)]
pub struct Binaries {
    dir: PathBuf,
}

impl Binaries {
    /// Programs that lie in this folder, as new as they are.
    pub fn in_dir(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Where a program is.
    pub fn find(&self, name: &str) -> anyhow::Result<PathBuf> {
        let binary = self.dir.join(name);
        if !binary.exists() {
            bail!("there is no program {}.\n  {THE_MEND}", binary.display());
        }
        Ok(binary)
    }

    /// Refuses a program that is older than one of its sources.
    fn refuse_stale(&self, name: &str) -> anyhow::Result<()> {
        let binary = self.find(name)?;
        let built = modified(&binary)?;
        // Cargo notes beside a program which files it was made of.
        let sources = fs::read_to_string(binary.with_extension("d")).unwrap_or_default();
        let sources = sources.split_once(": ").map_or("", |(_, sources)| sources).replace("\\ ", "\0");
        for source in sources.split_whitespace().map(|source| PathBuf::from(source.replace('\0', " "))) {
            if modified(&source).is_ok_and(|changed| changed > built) {
                bail!("{} is older than {}.\n  {THE_MEND}", binary.display(), source.display());
            }
        }
        Ok(())
    }
}

/// The programs next to the one that runs now, a test in `target/debug/deps` or xtask in `target/debug`. Each must be
/// there and as new as its sources.
pub fn binaries() -> anyhow::Result<Binaries> {
    let here = env::current_exe().context("finding out where this program lies")?;
    let dir = here.parent().unwrap_or(Path::new("/"));
    let dir = if dir.ends_with("deps") { dir.parent().unwrap_or(dir) } else { dir };
    let binaries = Binaries::in_dir(dir);
    for name in ["wildside-admin", "api-gateway", "route-worker", "notifier", "enrichment-worker"] {
        binaries.refuse_stale(name)?;
    }
    Ok(binaries)
}

fn modified(file: &Path) -> std::io::Result<SystemTime> {
    file.metadata()?.modified()
}
