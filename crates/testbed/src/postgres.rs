use anyhow::{Context, anyhow};
use rustix::process::Signal;
use std::{
    env, fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{process::Command, sync::OnceCell};

use crate::{
    account::Account,
    authority::{self, CertificateFiles, write_private},
    database::Cluster,
    ports::free_port,
    process::{Process, Program},
    random::random_hex,
    run::output,
    scratch::Scratch,
    workspace,
};

/// Set by `cargo xtask test`, so that all test programs share one server.
const SHARED: &str = "WILDSIDE_TEST_POSTGRES";

/// The roles of the product that the server knows.
const ROLES: [&str; 5] = [
    "wildside_api_gateway",
    "wildside_route_worker",
    "wildside_enrichment_worker",
    "wildside_notifier",
    "martin_ro",
];

/// What a commit means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// On disk before it is acknowledged.
    Kept,
    /// In memory first: fast, and lost with the machine, though not with the process. For tests.
    Fast,
}

/// Whom a server lets in.
struct Lock<'a> {
    /// Of the superuser.
    password: String,
    certificate: &'a CertificateFiles,
    /// As in pg_hba.conf.
    method: &'a str,
}

/// A private PostgreSQL with PostGIS.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    cluster: Cluster,
    _scratch: Scratch,
}

impl Postgres {
    /// Makes an empty one and starts it. It takes nobody without TLS and a password, and knows the role of each service.
    pub async fn start(durability: Durability) -> anyhow::Result<Self> {
        Self::start_with(durability, &authority::ours()?.server, "scram-sha-256").await
    }

    /// The same, with a certificate and a method of authentication (as in pg_hba.conf) of the caller's own.
    pub async fn start_with(
        durability: Durability,
        certificate: &CertificateFiles,
        method: &str,
    ) -> anyhow::Result<Self> {
        let lock = Lock { password: random_hex(16)?, certificate, method };
        Self::launch(durability, Some(&lock)).await
    }

    /// The same, without TLS and passwords: where their cost must not be measured.
    pub async fn start_open(durability: Durability) -> anyhow::Result<Self> {
        Self::launch(durability, None).await
    }

    async fn launch(durability: Durability, lock: Option<&Lock<'_>>) -> anyhow::Result<Self> {
        let programs = programs()?;
        let account = Account::for_postgres()?;
        let scratch = Scratch::owned_by(account, "postgres")?;
        let data = scratch.path().join("data");
        make_data(&programs, account, &data, lock).await?;
        let port = free_port()?;
        let mut settings = vec![
            format!("port={port}"),
            "listen_addresses=127.0.0.1".into(),
            // The path of a socket may be 107 bytes long, which a clone's place can pass.
            "unix_socket_directories=".into(),
            "max_connections=400".into(),
            "shared_buffers=128MB".into(),
            "timezone=UTC".into(),
        ];
        if durability == Durability::Fast {
            settings.extend(["fsync=off", "full_page_writes=off"].map(String::from));
        }
        let mut url = format!("postgres://wildside@127.0.0.1:{port}");
        if let Some(Lock { password, .. }) = lock {
            let ssl = ["ssl=on", "ssl_cert_file=server.pem", "ssl_key_file=server.key", "ssl_ca_file=ca.pem"];
            settings.extend(ssl.map(String::from));
            let ca = authority::ours()?.authority.ca_file();
            url = format!(
                "postgres://wildside:{password}@127.0.0.1:{port}?sslmode=verify-full&sslrootcert={}",
                ca.display()
            );
        }
        let mut program =
            Program::new("postgres", programs.join("postgres"), scratch.path().join("postgres.log"))
                .args([Path::new("-D"), &data])
                .run_as(account)
                // INT is its fast shutdown: it says good-bye to its clients and does not wait for them.
                .stopped_by(Signal::INT);
        for setting in settings {
            program = program.args(["-c".into(), setting]);
        }
        let cluster = Cluster::at(url, programs.join("psql"));
        let postgres = Self { process: Process::start(program)?, cluster, _scratch: scratch };
        match lock {
            // Whether it lets anybody in is what is to be seen.
            Some(lock) if lock.method != "scram-sha-256" => return Ok(postgres),
            _ => postgres.wait_until_ready().await?,
        }
        if lock.is_some() {
            postgres.make_roles().await?;
        }
        Ok(postgres)
    }

    /// The roles of the product, each with a password.
    async fn make_roles(&self) -> anyhow::Result<()> {
        let roles = workspace::root().join("config/postgres-roles.sql");
        let roles = fs::read_to_string(&roles).with_context(|| format!("reading {}", roles.display()))?;
        let mut sql = format!("{roles}\nCREATE ROLE martin_ro LOGIN;\n");
        for role in ROLES {
            sql += &format!("ALTER ROLE {role} PASSWORD '{}';\n", self.cluster.password_of(role));
        }
        self.cluster.sql("postgres", &sql).await.map(drop)
    }

    /// The server that all tests of this process, or of a whole `cargo xtask test`, share.
    pub async fn shared() -> anyhow::Result<Cluster> {
        static STARTED: OnceCell<Postgres> = OnceCell::const_new();
        if let Ok(url) = env::var(SHARED) {
            return Ok(Cluster::at(url, programs()?.join("psql")));
        }
        // A static is not dropped; the death signal and the folder's cleaner end it with the process.
        Ok(STARTED.get_or_try_init(|| Self::start(Durability::Fast)).await?.cluster.clone())
    }

    /// The environment variable that makes other processes share this server, and its value.
    pub fn share(&self) -> (&'static str, String) {
        (SHARED, self.cluster.url().to_owned())
    }

    /// Its databases.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The running server.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Ends it; open connections are closed.
    pub async fn stop(&self) {
        self.process.stop().await;
    }

    /// Kills it on the spot.
    pub fn kill_9(&self) {
        self.process.kill_9();
    }

    /// Ends it where it still runs, and starts it with the data and on the port that it had.
    pub async fn restart(&self) -> anyhow::Result<()> {
        self.stop().await;
        // After a kill, the orphaned backends take a moment to notice, and until then the data is not free.
        let mut tries_left = 50;
        loop {
            self.process.start_again()?;
            match self.wait_until_ready().await {
                Err(_) if tries_left > 0 && !self.process.is_running() => tries_left -= 1,
                result => return result,
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let ready = async || self.cluster.sql("postgres", "SELECT 1").await.is_ok();
        self.process.wait_until_ready(Duration::from_secs(60), ready).await
    }
}

async fn make_data(
    programs: &Path,
    account: Option<Account>,
    data: &Path,
    lock: Option<&Lock<'_>>,
) -> anyhow::Result<()> {
    let mut initdb = Command::new(programs.join("initdb"));
    initdb.arg("--pgdata").arg(data).current_dir("/").env("LANG", "C.UTF-8").env_remove("LC_ALL");
    initdb.args(["--username=wildside", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
    let given = data.with_extension("password");
    match lock {
        Some(Lock { password, .. }) => {
            private_to(account, &given, password)?;
            initdb.arg("--auth=scram-sha-256").arg("--pwfile").arg(&given);
        }
        None => _ = initdb.arg("--auth=trust"),
    }
    if let Some(account) = account {
        initdb.uid(account.uid).gid(account.gid);
    }
    output(&mut initdb).await.context("making an empty PostgreSQL")?;
    if let Some(Lock { certificate, method, .. }) = lock {
        fs::remove_file(&given)?;
        let hba = format!("hostssl all all 127.0.0.1/32 {method}\n");
        private_to(account, &data.join("pg_hba.conf"), &hba)?;
        let ca = authority::ours()?.authority.ca_file();
        for (name, file) in
            [("server.pem", &certificate.certificate), ("server.key", &certificate.key), ("ca.pem", &ca)]
        {
            private_to(account, &data.join(name), &fs::read_to_string(file)?)?;
        }
    }
    Ok(())
}

/// Writes a file that only the server's account may read.
fn private_to(account: Option<Account>, file: &Path, content: &str) -> anyhow::Result<()> {
    write_private(file, content)?;
    if let Some(account) = account {
        chown(file, Some(account.uid), Some(account.gid))
            .with_context(|| format!("giving away {}", file.display()))?;
    }
    Ok(())
}

/// The folder of the newest PostgreSQL, from 15, that has PostGIS.
pub(crate) fn programs() -> anyhow::Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|version| *version >= 15)
        .filter(|version| {
            Path::new(&format!("/usr/share/postgresql/{version}/extension/postgis.control")).exists()
        })
        .filter(|version| Path::new(&format!("/usr/lib/postgresql/{version}/bin/initdb")).exists())
        .max();
    newest.map(|version| format!("/usr/lib/postgresql/{version}/bin").into()).ok_or_else(|| {
        anyhow!("no PostgreSQL 15 or newer with PostGIS on this machine.\n  The mend: cargo xtask setup")
    })
}
