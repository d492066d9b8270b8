use anyhow::anyhow;
use std::{path::PathBuf, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    apt::find_in_path,
    ports::free_port,
    process::{Process, Program},
    scratch::Scratch,
};

/// A private Redis that keeps nothing on disk: after a restart it is empty.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    port: u16,
    _scratch: Scratch,
}

impl Redis {
    /// Starts an empty one.
    pub async fn start() -> anyhow::Result<Self> {
        let scratch = Scratch::new("redis")?;
        let port = free_port()?;
        let program = Program::new("redis-server", program()?, scratch.path().join("redis.log"))
            .args([
                "--bind",
                "127.0.0.1",
                "--port",
                &port.to_string(),
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
            ])
            .args([scratch.path()]);
        let redis = Self { process: Process::start(program)?, port, _scratch: scratch };
        redis.wait_until_ready().await?;
        Ok(redis)
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
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

    /// Stops it in mid-air: connections stay open and nothing is answered.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets it go on after a pause.
    pub fn resume(&self) {
        self.process.resume();
    }

    /// Starts it again, empty, after it was ended.
    pub async fn start_again(&self) -> anyhow::Result<()> {
        self.process.start_again()?;
        self.wait_until_ready().await
    }

    async fn wait_until_ready(&self) -> anyhow::Result<()> {
        self.process.wait_until_ready(Duration::from_secs(30), async || self.answers().await).await
    }

    async fn answers(&self) -> bool {
        let ping = async {
            let mut socket = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
            socket.write_all(b"PING\r\n").await.ok()?;
            let mut pong = [0; 7];
            socket.read_exact(&mut pong).await.ok()?;
            Some(&pong == b"+PONG\r\n")
        };
        matches!(timeout(Duration::from_secs(2), ping).await, Ok(Some(true)))
    }
}

/// Finds the server's program.
pub(crate) fn program() -> anyhow::Result<PathBuf> {
    find_in_path("redis-server")
        .ok_or_else(|| anyhow!("no redis-server on this machine.\n  The mend: cargo xtask setup"))
}
