use anyhow::{Context, bail};
use std::{env, fs, path::PathBuf, time::Duration};
use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    process::Command,
    time::{sleep, timeout},
};

use crate::{
    apt::find_in_path,
    ports::free_port,
    process::{Process, Program},
    run::output,
    scratch::Scratch,
    workspace,
};

/// Older ones silently ignore parts of the streams' configuration.
const OLDEST: (u32, u32) = (2, 11);

/// A private nats-server with JetStream.
#[derive(Debug)]
pub struct Nats {
    process: Process,
    port: u16,
    scratch: Scratch,
}

impl Nats {
    /// Starts one with an empty store.
    pub async fn start() -> anyhow::Result<Self> {
        let binary = program().await?;
        let scratch = Scratch::new("nats")?;
        let port = free_port()?;
        let store = scratch.path().join("store");
        let program = Program::new("nats-server", binary, scratch.path().join("nats.log"))
            .args(["--addr", "127.0.0.1", "--port", &port.to_string(), "--jetstream", "--store_dir"])
            .args([store]);
        let nats = Self { process: Process::start(program)?, port, scratch };
        nats.wait_until_ready().await?;
        Ok(nats)
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The running server.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Ends it.
    pub async fn stop(&self) {
        self.process.stop().await;
    }

    /// Kills it on the spot.
    pub fn kill_9(&self) {
        self.process.kill_9();
    }

    /// Ends it where it still runs, and starts it with the store that it had.
    pub async fn restart(&self) -> anyhow::Result<()> {
        self.stop().await;
        self.process.start_again()?;
        self.wait_until_ready().await
    }

    /// Starts it anew with an empty store, as after the loss of its disk: streams and consumers are gone.
    pub async fn wipe(&self) -> anyhow::Result<()> {
        self.stop().await;
        let store = self.scratch.path().join("store");
        fs::remove_dir_all(&store).with_context(|| format!("wiping {}", store.display()))?;
        self.restart().await
    }

    async fn wait_until_ready(&self) -> anyhow::Result<()> {
        self.process.wait_until_ready(Duration::from_secs(30), async || self.has_jetstream().await).await
    }

    /// A NATS server speaks first and says what it can do.
    async fn has_jetstream(&self) -> bool {
        let greeting = async {
            let mut socket = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
            let mut bytes = [0; 4096];
            let length = socket.read(&mut bytes).await.ok()?;
            Some(String::from_utf8_lossy(&bytes[..length]).contains(r#""jetstream":true"#))
        };
        let greeted = timeout(Duration::from_secs(2), greeting).await;
        let ready = matches!(greeted, Ok(Some(true)));
        if !ready {
            sleep(Duration::from_millis(10)).await;
        }
        ready
    }
}

/// Finds a nats-server that is new enough.
pub(crate) async fn program() -> anyhow::Result<PathBuf> {
    if let Some(named) = env::var_os("NATS_SERVER_BIN") {
        let named = PathBuf::from(named);
        return check(&named)
            .await
            .map(|()| named)
            .context("NATS_SERVER_BIN does not name a nats-server that fits");
    }
    let ours = workspace::private_dir().join("nats/bin/nats-server");
    let mut why = String::from("there is none");
    for found in [ours].into_iter().filter(|file| file.exists()).chain(find_in_path("nats-server")) {
        match check(&found).await {
            Ok(()) => return Ok(found),
            Err(error) => why = format!("{error:#}"),
        }
    }
    bail!("no nats-server {}.{} or newer: {why}.\n  The mend: cargo xtask setup", OLDEST.0, OLDEST.1)
}

async fn check(binary: &PathBuf) -> anyhow::Result<()> {
    let said = output(Command::new(binary).arg("--version")).await?;
    let version = said.trim().rsplit('v').next().unwrap_or_default();
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if (major, minor) < OLDEST {
        bail!("{} is of version {version}", binary.display());
    }
    Ok(())
}
