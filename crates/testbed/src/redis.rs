use anyhow::{Context, anyhow};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream},
    net::TcpStream,
    time::timeout,
};

use crate::{
    apt::find_in_path,
    authority::{self, CertificateFiles},
    ports::free_port,
    process::{Process, Program},
    random::{password_of, random_hex, sha256},
    scratch::Scratch,
    tls, workspace,
};

/// The user that may do everything.
const SUPERUSER: &str = "testbed";
/// The users of config/redis-users.acl.
const USERS: [&str; 2] = ["api-gateway", "route-worker"];

/// A private Redis that keeps nothing on disk: after a restart it is empty.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    port: u16,
    /// Of its superuser; none where it is open to everybody.
    password: Option<String>,
    _scratch: Scratch,
}

impl Redis {
    /// Starts an empty one. It takes nobody without TLS and a password, and knows a user for each service that needs it.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with_certificate(&authority::ours()?.server).await
    }

    /// The same, with a certificate of the caller's own.
    pub async fn start_with_certificate(server: &CertificateFiles) -> anyhow::Result<Self> {
        let is_ours = server.certificate == authority::ours()?.server.certificate;
        let (password, port) = (random_hex(16)?, free_port()?);
        let users = workspace::root().join("config/redis-users.acl");
        let mut users = fs::read_to_string(&users).with_context(|| format!("reading {}", users.display()))?;
        for user in USERS {
            let hash = format!("SHA256_OF_{}_PASSWORD", user.replace('-', "_").to_uppercase());
            users = users.replace(&hash, &sha256(&password_of(user, &password)));
        }
        users += &format!("user {SUPERUSER} on >{password} ~* &* +@all\n");
        let scratch = Scratch::new("redis")?;
        let acl = scratch.path().join("users.acl");
        fs::write(&acl, users).context("writing the users of Redis")?;
        let file = |file: &Path| file.display().to_string();
        let tls = [
            ("--port", "0".into()),
            ("--tls-port", port.to_string()),
            ("--tls-cert-file", file(&server.certificate)),
            ("--tls-key-file", file(&server.key)),
            ("--tls-ca-cert-file", file(&authority::ours()?.authority.ca_file())),
            // Certificates of clients are looked at where they have one.
            ("--tls-auth-clients", "optional".into()),
            ("--aclfile", file(&acl)),
        ];
        let tls = tls.into_iter().flat_map(|(name, value)| [name.to_owned(), value]);
        let redis = Self::launch(scratch, port, Some(password), tls.collect())?;
        if is_ours {
            redis.wait_until_ready().await?;
        } else {
            // Nobody here trusts it: that it listens is all that can be seen.
            let listens = async || TcpStream::connect(redis.address()).await.is_ok();
            redis.process.wait_until_ready(Duration::from_secs(30), listens).await?;
        }
        Ok(redis)
    }

    /// Starts one that is open to everybody, in plain text.
    pub async fn start_open() -> anyhow::Result<Self> {
        let port = free_port()?;
        let redis =
            Self::launch(Scratch::new("redis")?, port, None, vec!["--port".into(), port.to_string()])?;
        redis.wait_until_ready().await?;
        Ok(redis)
    }

    fn launch(
        scratch: Scratch,
        port: u16,
        password: Option<String>,
        door: Vec<String>,
    ) -> anyhow::Result<Self> {
        let program = Program::new("redis-server", program()?, scratch.path().join("redis.log"))
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(door)
            .args(["--dir".into(), scratch.path().as_os_str().to_owned()]);
        Ok(Self { process: Process::start(program)?, port, password, _scratch: scratch })
    }

    /// Where it listens, for its superuser.
    pub fn url(&self) -> String {
        match &self.password {
            Some(password) => self.with_user(&format!("{SUPERUSER}:{password}")),
            None => format!("redis://{}", self.address()),
        }
    }

    /// The same for a user of config/redis-users.acl, with its password.
    pub fn url_as(&self, user: &str) -> String {
        self.with_user(&format!("{user}:{}", self.password_of(user)))
    }

    fn with_user(&self, user: &str) -> String {
        let ca = authority::ours().map(|ours| ours.authority.ca_file()).unwrap_or_default();
        format!("rediss://{user}@{}?sslrootcert={}", self.address(), ca.display())
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The password of a user of config/redis-users.acl; empty where it is open to everybody.
    pub fn password_of(&self, user: &str) -> String {
        self.password.as_deref().map(|password| password_of(user, password)).unwrap_or_default()
    }

    /// Says a line to it, as its superuser, and returns the first line of its answer.
    pub async fn ask(&self, line: &str) -> anyhow::Result<String> {
        self.say(SUPERUSER, self.password.as_deref().unwrap_or_default(), line).await
    }

    /// The same, as a user of config/redis-users.acl.
    pub async fn ask_as(&self, user: &str, line: &str) -> anyhow::Result<String> {
        self.say(user, &self.password_of(user), line).await
    }

    async fn say(&self, user: &str, password: &str, line: &str) -> anyhow::Result<String> {
        let socket = TcpStream::connect(self.address()).await?;
        if self.password.is_none() {
            return exchange(socket, &[line]).await;
        }
        let socket = tls::client(&authority::ours()?.authority.ca_file(), socket).await?;
        exchange(socket, &[&format!("AUTH {user} {password}"), line]).await
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
        let ping = timeout(Duration::from_secs(2), self.ask("PING")).await;
        matches!(ping, Ok(Ok(pong)) if pong == "+PONG")
    }
}

/// Says lines and returns the answer to the last one: its first line.
async fn exchange(socket: impl AsyncRead + AsyncWrite + Unpin, lines: &[&str]) -> anyhow::Result<String> {
    let mut socket = BufStream::new(socket);
    let mut answer = String::new();
    for line in lines {
        socket.write_all(format!("{line}\r\n").as_bytes()).await?;
        socket.flush().await?;
        answer.clear();
        socket.read_line(&mut answer).await?;
    }
    Ok(answer.trim_end().to_owned())
}

/// Finds the server's program.
pub(crate) fn program() -> anyhow::Result<PathBuf> {
    find_in_path("redis-server")
        .ok_or_else(|| anyhow!("no redis-server on this machine.\n  The mend: cargo xtask setup"))
}
