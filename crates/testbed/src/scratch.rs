use anyhow::Context;
use std::{
    env, fs,
    io::Write,
    os::unix::{fs::DirBuilderExt, fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{account::Account, spawner, workspace};

static MADE: AtomicU32 = AtomicU32::new(0);

/// Removes the folder after this process has died without removing it: its standard input ends then. The servers
/// in the folder get their death signal at the same moment and may still write for a little while, hence the
/// repetition.
const CLEAN_UP: &str = r#"
read -r all_is_well && exit
for _ in 1 2 3 4; do sleep 0.5; rm -rf -- "$1" 2>/dev/null; done
"#;

/// A private folder that goes away with its value, or with its process, even one that was killed.
#[derive(Debug)]
pub struct Scratch {
    dir: PathBuf,
    cleaner: Child,
}

impl Scratch {
    /// A folder under `.wildside/tmp`.
    pub fn new(name: &str) -> anyhow::Result<Self> {
        Self::make(&workspace::private_dir().join("tmp"), name)
    }

    /// A folder that belongs to an account. It lies in the machine's temporary folder where the account cannot
    /// enter the clone.
    pub(crate) fn owned_by(account: Option<Account>, name: &str) -> anyhow::Result<Self> {
        let Some(account) = account else { return Self::new(name) };
        let inside = workspace::private_dir().join("tmp");
        fs::create_dir_all(&inside).with_context(|| format!("making {}", inside.display()))?;
        let parent = if account.can_enter(&inside) { inside } else { env::temp_dir() };
        let scratch = Self::make(&parent, name)?;
        chown(&scratch.dir, Some(account.uid), Some(account.gid))
            .with_context(|| format!("giving away {}", scratch.dir.display()))?;
        Ok(scratch)
    }

    fn make(parent: &Path, name: &str) -> anyhow::Result<Self> {
        fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
        let dir = loop {
            let made = MADE.fetch_add(1, Ordering::Relaxed);
            let dir = parent.join(format!("wildside-{name}-{}-{made}", std::process::id()));
            match fs::DirBuilder::new().mode(0o700).create(&dir) {
                Ok(()) => break dir,
                // Left by a process of the same number whose machine went down.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("making {}", dir.display())),
            }
        };
        let mut clean_up = Command::new("sh");
        clean_up.args(["-c", CLEAN_UP, "clean-up"]).arg(&dir).current_dir("/").process_group(0);
        clean_up.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self { cleaner: spawner::spawn(clean_up)?, dir })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let removed = fs::remove_dir_all(&self.dir);
        if let Some(mut stdin) = self.cleaner.stdin.take()
            && removed.is_ok()
        {
            let _ = stdin.write_all(b"all is well\n");
        }
        // Without the good word the cleaner tries on its own, for as long as it takes.
        if removed.is_ok() {
            let _ = self.cleaner.wait();
        }
    }
}
