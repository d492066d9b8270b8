use anyhow::Context;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};
use uuid::Uuid;

use crate::seal;

/// A copy of a file that nobody else knows. What is served must not change under way, and whoever brings a new file may
/// write over the old one in place. The name goes when the value does; what has opened it by then keeps its content.
#[derive(Debug)]
pub(crate) struct PrivateCopy {
    path: PathBuf,
    sha256: [u8; 32],
}

impl PrivateCopy {
    /// Copies a file into a folder and tells its hash. Of a file that must have a seal, the seal is checked and left out.
    pub fn make(file: &Path, folder: &Path, sealed: bool) -> anyhow::Result<Self> {
        // The folder may be everybody's, and another process of another container may have our number.
        let name = format!("tile-server-{}", Uuid::new_v4());
        let from = File::open(file).with_context(|| format!("opening {}", file.display()))?;
        let length = from.metadata()?.len().saturating_sub(if sealed { seal::LENGTH } else { 0 });
        let to = folder.join(name);
        let file_to =
            File::create_new(&to).with_context(|| format!("making a private copy {}", to.display()))?;
        let mut copy = Self { path: to, sha256: [0; 32] };
        let mut to = Hashing { file: file_to, hash: Sha256::new() };
        let mut content = from.take(length);
        io::copy(&mut content, &mut to).with_context(|| format!("copying {}", file.display()))?;
        copy.sha256 = to.hash.finalize().into();
        if sealed {
            let mut end = Vec::new();
            content.into_inner().take(seal::LENGTH).read_to_end(&mut end)?;
            seal::check(&end, &copy.sha256, file)?;
        }
        Ok(copy)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }
}

/// Hashes what it writes.
struct Hashing {
    file: File,
    hash: Sha256,
}

impl Write for Hashing {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        let length = self.file.write(part)?;
        self.hash.update(&part[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for PrivateCopy {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "a private copy could not be removed");
        }
    }
}
