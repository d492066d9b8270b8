//! Where things are in the clone.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The folder that holds the workspace's Cargo.lock. Cargo says at run time which clone it works in: what was built in
/// may name another one where clones share a target folder.
pub fn root() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let above = Path::new(&here).ancestors().find(|dir| dir.join("Cargo.lock").exists());
    above.unwrap_or(Path::new("/")).to_path_buf()
}

/// The one folder of the clone, besides `target`, that commands write to. Safe to delete when nothing runs.
pub fn private_dir() -> PathBuf {
    root().join(".wildside")
}

/// The small city in the box.
pub fn bundled_city() -> PathBuf {
    root().join("data/helsinki-centre.osm.pbf")
}

/// All regular files below a folder, sorted. A folder that does not exist holds none.
pub fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}
