use anyhow::Context;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// A copy of a file that nobody else knows. What is served must not change under way, and whoever brings a new file may
/// write over the old one in place. The name goes when the value does; what has opened it by then keeps its content.
#[derive(Debug)]
pub(crate) struct PrivateCopy {
    path: PathBuf,
    sha256: [u8; 32],
}

impl PrivateCopy {
    /// Copies a file into a folder and tells its hash.
    pub fn make(file: &Path, folder: &Path) -> anyhow::Result<Self> {
        static COPIES: AtomicU32 = AtomicU32::new(0);
        let number = COPIES.fetch_add(1, Ordering::Relaxed);
        let name = format!("tile-server-{}-{number}", std::process::id());
        let mut copy = Self { path: folder.join(name), sha256: [0; 32] };
        let mut from = File::open(file).with_context(|| format!("opening {}", file.display()))?;
        let to = File::create(&copy.path);
        let mut to = to.with_context(|| format!("making a private copy {}", copy.path.display()))?;
        let mut hash = Sha256::new();
        let mut part = vec![0; 1 << 20];
        loop {
            let length = from.read(&mut part).with_context(|| format!("reading {}", file.display()))?;
            if length == 0 {
                break;
            }
            hash.update(&part[..length]);
            to.write_all(&part[..length]).context("writing a private copy")?;
        }
        copy.sha256 = hash.finalize().into();
        Ok(copy)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }
}

impl Drop for PrivateCopy {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "a private copy could not be removed");
        }
    }
}
