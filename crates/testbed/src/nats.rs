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
    authority,
    ports::free_port,
    process::{Process, Program},
    random::{password_of, random_hex},
    run::output,
    scratch::Scratch,
    workspace,
};

/// Older ones silently ignore parts of the streams' configuration.
const OLDEST: (u32, u32) = (2, 11);

/// The user that may do everything.
const SUPERUSER: &str = "testbed";
/// The users of config/nats-users.conf.
const USERS: [&str; 5] = ["api-gateway", "route-worker", "enrichment-worker", "notifier", "wildside-admin"];

/// A private nats-server with JetStream.
#[derive(Debug)]
pub struct Nats {
    process: Process,
    port: u16,
    /// Of its superuser; none where it is open to everybody.
    password: Option<String>,
    scratch: Scratch,
}

impl Nats {
    /// Starts one with an empty store. It takes nobody without TLS and a password, and knows a user for each service.
    pub async fn start() -> anyhow::Result<Self> {
        let password = random_hex(16)?;
        let users = workspace::root().join("config/nats-users.conf");
        let users = fs::read_to_string(&users).with_context(|| format!("reading {}", users.display()))?;
        let all = format!("users: [\n    {{ user: {SUPERUSER}, password: \"{password}\" }}");
        let mut config = users.replacen("users: [", &all, 1);
        let ours = authority::ours()?;
        config += &format!(
            "\ntls {{ cert_file: \"{}\", key_file: \"{}\" }}\n",
            ours.server.certificate.display(),
            ours.server.key.display()
        );
        Self::launch(&config, Some(password)).await
    }

    /// Starts one that is open to everybody, in plain text.
    pub async fn start_open() -> anyhow::Result<Self> {
        Self::launch("", None).await
    }

    /// Starts one with a configuration of the caller's own. [`Nats::url`] names nobody then.
    pub async fn start_with(config: &str) -> anyhow::Result<Self> {
        Self::launch(config, None).await
    }

    async fn launch(config: &str, password: Option<String>) -> anyhow::Result<Self> {
        let binary = program().await?;
        let scratch = Scratch::new("nats")?;
        let port = free_port()?;
        let (store, file) = (scratch.path().join("store"), scratch.path().join("nats.conf"));
        fs::write(&file, config).context("writing the configuration of NATS")?;
        let mut program = Program::new("nats-server", binary, scratch.path().join("nats.log"))
            .args(["--addr", "127.0.0.1", "--port", &port.to_string(), "--jetstream", "--store_dir"])
            .args([store])
            .args(["--config".into(), file]);
        for user in USERS {
            let variable = format!("NATS_{}_PASSWORD", user.replace('-', "_").to_uppercase());
            let of_user = password_of(user, password.as_deref().unwrap_or_default());
            program = program.env(variable, of_user);
        }
        let nats = Self { process: Process::start(program)?, port, password, scratch };
        nats.wait_until_ready().await?;
        Ok(nats)
    }

    /// Where it listens, for its superuser.
    pub fn url(&self) -> String {
        match &self.password {
            Some(password) => self.with_user(&format!("{SUPERUSER}:{password}")),
            None => format!("nats://{}", self.address()),
        }
    }

    /// The same for a user of config/nats-users.conf, with its password.
    pub fn url_as(&self, user: &str) -> String {
        self.with_user(&format!("{user}:{}", self.password_of(user)))
    }

    fn with_user(&self, user: &str) -> String {
        let ca = authority::ours().map(|ours| ours.authority.ca_file()).unwrap_or_default();
        format!("tls://{user}@{}?sslrootcert={}", self.address(), ca.display())
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The superuser and its password; none where it is open to everybody.
    pub fn superuser(&self) -> Option<(&'static str, &str)> {
        self.password.as_deref().map(|password| (SUPERUSER, password))
    }

    /// The password of a user of config/nats-users.conf; empty where it is open to everybody.
    pub fn password_of(&self, user: &str) -> String {
        self.password.as_deref().map(|password| password_of(user, password)).unwrap_or_default()
    }

    /// The file that holds its configuration, which it reads anew on SIGHUP.
    pub fn config(&self) -> PathBuf {
        self.scratch.path().join("nats.conf")
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
