//! The end of a base map: a mark and the hash of all that is before it. DuckDB reads some damaged files without a word
//! and crashes on others, so nothing reaches it that is not, to the bit, what `tile-server build` wrote.

use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
};

const MARK: &[u8; 8] = b"WILDSEAL";

/// How many bytes it takes at the end of a file.
pub(crate) const LENGTH: u64 = 8 + 32;

/// Puts it on a file that is finished.
pub(crate) fn put(file: &Path) -> anyhow::Result<()> {
    let mut hash = Sha256::new();
    let mut part = vec![0; 1 << 20];
    let mut file = File::options().read(true).append(true).open(file)?;
    loop {
        match file.read(&mut part)? {
            0 => break,
            length => hash.update(&part[..length]),
        }
    }
    file.write_all(MARK)?;
    file.write_all(&hash.finalize())?;
    file.sync_all().context("writing the map to disk")
}

/// Checks it against the hash of what was before it.
pub(crate) fn check(seal: &[u8], found: &[u8; 32], file: &Path) -> anyhow::Result<()> {
    let name = file.display();
    ensure!(
        seal.starts_with(MARK),
        "{name} is no base map, or is cut off: it does not end as `tile-server build` ends one"
    );
    ensure!(seal[MARK.len()..] == found[..], "{name} is damaged: it is not what `tile-server build` wrote");
    Ok(())
}
