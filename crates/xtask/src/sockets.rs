use anyhow::{Context, ensure};
use clap::Args;
use std::{
    fs,
    path::PathBuf,
    time::{Duration, SystemTime},
};
use testbed::{Options, Role, Service, Socket, System, raise_open_files};

use crate::{
    cargo::build_programs,
    console::{self, say},
    setup,
};

/// WebSockets of one walker.
const EACH: usize = 16;
/// After so long what an opening has needed is given back.
const SETTLED: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(60);

/// What an idle WebSocket costs the notifier.
#[derive(Args)]
pub(crate) struct Sockets {
    /// WebSockets that are opened and left alone
    #[arg(long, default_value_t = 5000)]
    count: usize,
    /// The folder with the programs, instead of building them for release
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

impl Sockets {
    pub async fn run(self) -> anyhow::Result<()> {
        // Both ends of each are on this machine, ours with a client of its own.
        let allowed = raise_open_files()?;
        ensure!(allowed > self.count as u64 + 200, "only {allowed} files may be open (ulimit -Hn)");
        setup::run().await?;
        let programs = match self.programs {
            Some(folder) => testbed::Binaries::in_dir(folder),
            None => console::aloud("building the programs for release", build_programs(true)).await?,
        };
        let options = Options {
            workers: 0,
            binaries: Some(programs),
            progress: console::progress(),
            env: vec![(Role::Notifier, "PING_SECONDS", "300".into())],
            ..Options::default()
        };
        let system = System::start(options).await?;
        let notifier = system.notifier(0)?;
        // The first ones make room that later ones use.
        drop(open(&system, EACH).await?);
        tokio::time::sleep(SETTLED).await;
        let (began, before) = (SystemTime::now(), own_bytes(notifier)?);
        let sockets = open(&system, self.count).await?;
        let opening = began.elapsed().unwrap_or_default();
        tokio::time::sleep(SETTLED).await;
        let after = own_bytes(notifier)?;
        let each = (after - before) / sockets.len() as f64 / 1024.0;
        say(&format!(
            "  {} idle WebSockets, opened in {:.1} s: {each:.1} KB each ({:.1} MB before, {:.1} MB after)",
            sockets.len(),
            opening.as_secs_f64(),
            before / 1048576.0,
            after / 1048576.0
        ));
        Ok(())
    }
}

async fn open(system: &System, count: usize) -> anyhow::Result<Vec<Socket>> {
    let mut sockets = Vec::with_capacity(count);
    while sockets.len() < count {
        let walker = system.walker().await?;
        for _ in 0..EACH.min(count - sockets.len()) {
            sockets.push(walker.websocket().await?.settled(TIMEOUT).await?);
        }
    }
    Ok(sockets)
}

/// What a program has in memory that is no part of a mapped file: proc(5).
fn own_bytes(service: &Service) -> anyhow::Result<f64> {
    let id = service.process().id().context("the notifier has ended")?;
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    kilobytes.map(|kilobytes| kilobytes * 1024.0).context("Linux does not say what is in memory")
}
