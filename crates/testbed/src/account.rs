use anyhow::{Context, bail};
use std::{fs, os::unix::fs::MetadataExt, path::Path};

/// The user that a server runs as when it must not run as root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// PostgreSQL refuses root, so root lends it the account that its package made. An ordinary user runs it as
    /// oneself: `None`.
    pub fn for_postgres() -> anyhow::Result<Option<Self>> {
        Self::lent("postgres")
    }

    /// The same for Apache, with the account that every Debian has for web servers.
    pub fn for_apache() -> anyhow::Result<Option<Self>> {
        Self::lent("www-data")
    }

    fn lent(user: &str) -> anyhow::Result<Option<Self>> {
        if !is_root() {
            return Ok(None);
        }
        let passwd = fs::read_to_string("/etc/passwd").context("reading /etc/passwd")?;
        for line in passwd.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            if fields.len() > 3 && fields[0] == user {
                return Ok(Some(Self { uid: fields[2].parse()?, gid: fields[3].parse()? }));
            }
        }
        bail!("this server does not run as root and there is no user `{user}`; run as an ordinary user")
    }

    /// Whether this account can reach what lies in a folder: it needs the search bit on it and on all above it.
    pub fn can_enter(self, dir: &Path) -> bool {
        dir.ancestors().all(|dir| {
            fs::metadata(dir).is_ok_and(|about| {
                let bit = if about.uid() == self.uid {
                    0o100
                } else if about.gid() == self.gid {
                    0o010
                } else {
                    0o001
                };
                about.mode() & bit != 0
            })
        })
    }
}

/// Whether this process runs as root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
