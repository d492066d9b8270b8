use anyhow::Context;
use rustix::thread::{CpuSet, Pid, sched_getaffinity, sched_setaffinity};
use std::fs;

/// The machine's cores, divided: clients that share them with the server they load slow down the faster server more.
pub(crate) struct Cores {
    all: CpuSet,
    server: CpuSet,
    clients: CpuSet,
}

impl Cores {
    /// One for a server and the others for its clients. Of a single core everybody has all.
    pub fn divide() -> anyhow::Result<Self> {
        let all = sched_getaffinity(None)?;
        let (mut server, mut clients) = (CpuSet::new(), all);
        let first = (0..CpuSet::MAX_CPU).find(|core| all.is_set(*core)).context("there is no core")?;
        server.set(first);
        if all.count() > 1 {
            clients.unset(first);
        }
        Ok(Self { all, server, clients })
    }

    /// Gives a running server its core.
    pub fn confine(&self, process: u32) -> anyhow::Result<()> {
        for thread in
            fs::read_dir(format!("/proc/{process}/task")).context("looking at a server's threads")?
        {
            let id = thread?.file_name().to_str().and_then(|id| id.parse().ok()).and_then(Pid::from_raw);
            sched_setaffinity(id, &self.server)?;
        }
        Ok(())
    }

    /// Does something as a client: on this thread, and on those that it starts.
    pub fn as_client<T>(&self, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        sched_setaffinity(None, &self.clients)?;
        let done = work();
        sched_setaffinity(None, &self.all)?;
        done
    }
}
