use anyhow::{Context, anyhow};
use std::{fs, path::PathBuf, time::Duration};
use tokio::net::TcpStream;

use crate::{
    account::Account,
    apt::find_in_path,
    ports::free_port,
    process::{Process, Program},
    scratch::Scratch,
};

/// Where Debian keeps Apache's modules.
const MODULES: &str = "/usr/lib/apache2/modules";

/// Apache with mod_cache in front of a server, as somebody would put it there: it keeps what it may by its defaults, and
/// says in the header `x-cache` whether it answered by itself.
#[derive(Debug)]
pub struct SharedCache {
    process: Process,
    port: u16,
    _scratch: Scratch,
}

impl SharedCache {
    /// Starts one in front of a server, given as `http://host:port`.
    pub async fn start(origin: &str) -> anyhow::Result<Self> {
        let account = Account::for_apache()?;
        let scratch = Scratch::owned_by(account, "apache")?;
        let port = free_port()?;
        let config = scratch.path().join("apache2.conf");
        fs::write(&config, configuration(&scratch, port, origin))
            .context("writing Apache's configuration")?;
        let log = scratch.path().join("apache2.log");
        let program = Program::new("apache2", program()?, log)
            .args(["-D", "FOREGROUND", "-f"])
            .args([config])
            .run_as(account);
        let cache = Self { process: Process::start(program)?, port, _scratch: scratch };
        let listens = async || TcpStream::connect(("127.0.0.1", port)).await.is_ok();
        cache.process.wait_until_ready(Duration::from_secs(30), listens).await?;
        Ok(cache)
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn configuration(scratch: &Scratch, port: u16, origin: &str) -> String {
    let home = scratch.path().display();
    let modules = ["mpm_event", "authz_core", "proxy", "proxy_http", "cache", "cache_disk"];
    let load = modules.map(|name| format!("LoadModule {name}_module {MODULES}/mod_{name}.so\n")).concat();
    format!(
        "{load}ServerName localhost\nServerRoot {home}\nListen 127.0.0.1:{port}\nPidFile {home}/apache2.pid\n\
         DefaultRuntimeDir {home}\nErrorLog {home}/error.log\nCacheRoot {home}\nCacheEnable disk /\nCacheHeader on\n\
         ProxyPreserveHost on\nProxyPass / {origin}/\n"
    )
}

/// Finds the server's program.
pub(crate) fn program() -> anyhow::Result<PathBuf> {
    find_in_path("apache2").ok_or_else(|| anyhow!("no apache2 on this machine.\n  Fix: cargo xtask test"))
}
