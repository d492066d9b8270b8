use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    path::PathBuf,
};
use testbed::{System, workspace};

/// What `up` tells the other commands about the system that it keeps running.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Running {
    /// The process of `up` itself.
    pub pid: u32,
    /// The one origin of everything.
    pub public: String,
    pub gateway: String,
    pub notifier: String,
    pub database_url: String,
    pub nats_url: String,
    pub redis_url: String,
    pub overpass_url: String,
    pub services: BTreeMap<String, ServicePlace>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ServicePlace {
    pub pid: Option<u32>,
    pub admin_url: String,
    pub log: PathBuf,
}

impl Running {
    pub fn of(system: &System) -> anyhow::Result<Self> {
        let services = system.services().iter().map(|service| {
            let (pid, admin_url, log) = (service.process().id(), service.admin_url(), service.log().into());
            (service.name().to_owned(), ServicePlace { pid, admin_url, log })
        });
        Ok(Self {
            pid: std::process::id(),
            public: system.public_url()?.to_owned(),
            gateway: system.gateway_url()?,
            notifier: system.notifier_url()?,
            database_url: system.database().url(),
            nats_url: system.nats().url(),
            redis_url: system.redis().url(),
            overpass_url: system.overpass()?.url(),
            services: services.collect(),
        })
    }

    /// The system that `up` keeps running.
    pub fn find() -> anyhow::Result<Self> {
        if let Ok(Some(_)) = Hold::take() {
            bail!("nothing is running here.\n  The mend: cargo xtask up (in another terminal)");
        }
        let text = fs::read_to_string(dir().join("system.json"));
        let text = text.context("`cargo xtask up` is running, but not ready yet; try again in a moment")?;
        serde_json::from_str(&text).context("reading what `cargo xtask up` wrote about itself")
    }
}

/// Held by the one `up` of a clone. The operating system takes it back from a process that dies.
pub(crate) struct Hold {
    _lock: File,
}

impl Hold {
    /// `None` where another `up` has it.
    pub fn take() -> anyhow::Result<Option<Self>> {
        fs::create_dir_all(dir()).with_context(|| format!("making {}", dir().display()))?;
        let lock = File::create(dir().join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).context("locking .wildside/run"),
        }
    }

    /// Tells the other commands.
    pub fn publish(&self, running: &Running) -> anyhow::Result<()> {
        let file = dir().join("system.json");
        let fresh = dir().join("system.json.new");
        fs::write(&fresh, serde_json::to_vec_pretty(running)?)
            .context("writing .wildside/run/system.json")?;
        fs::rename(fresh, file).context("writing .wildside/run/system.json")
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let _ = fs::remove_file(dir().join("system.json"));
    }
}

/// Where `up` keeps its notes and logs.
pub(crate) fn dir() -> PathBuf {
    workspace::private_dir().join("run")
}
