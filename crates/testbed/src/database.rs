use anyhow::Context;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command as Blocking, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};
use tokio::process::Command;

use crate::{random::password_of, run::output, workspace};

static MADE: AtomicU32 = AtomicU32::new(0);

/// A running PostgreSQL, as one who makes databases in it sees it.
#[derive(Clone, Debug)]
pub struct Cluster {
    url: String,
    psql: PathBuf,
}

impl Cluster {
    pub(crate) fn at(url: String, psql: PathBuf) -> Self {
        Self { url, psql }
    }

    /// Where it listens, without a database, for its superuser.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of a database, for the superuser.
    pub fn url_of(&self, database: &str) -> String {
        match self.url.split_once('?') {
            Some((place, query)) => format!("{place}/{database}?{query}"),
            None => format!("{}/{database}", self.url),
        }
    }

    /// The password of a role; empty where the server asks for none.
    pub fn password_of(&self, role: &str) -> String {
        match self.superuser_password() {
            Some(password) => password_of(role, password),
            None => String::new(),
        }
    }

    fn superuser_password(&self) -> Option<&str> {
        let (user, _) = self.url.split_once("://")?.1.split_once('@')?;
        user.split_once(':').map(|(_, password)| password)
    }

    /// An empty database.
    pub async fn empty_database(&self) -> anyhow::Result<Database> {
        self.database("").await
    }

    /// A database with the product's schema, for one test alone. `migrate` gets the URL of an empty database; it runs
    /// once for all tests that share this server: `cluster.fresh_database(store::migrate)`.
    pub async fn fresh_database<E: Into<anyhow::Error>>(
        &self,
        migrate: impl AsyncFnOnce(&str) -> Result<(), E>,
    ) -> anyhow::Result<Database> {
        let key = hash_of(&workspace::files_below(&workspace::root().join("migrations")))?;
        self.clone_of(&format!("schema_{key}"), migrate).await
    }

    /// A copy of a database that `build` fills when it is not there yet. Several processes may ask at once.
    pub async fn clone_of<E: Into<anyhow::Error>>(
        &self,
        key: &str,
        build: impl AsyncFnOnce(&str) -> Result<(), E>,
    ) -> anyhow::Result<Database> {
        let template = format!("wildside_{key}");
        if !self.is_ready(&template).await? {
            let _lock = lock().await?;
            if !self.is_ready(&template).await? {
                // What is there and not ready was left half-made.
                self.sql("postgres", &format!("DROP DATABASE IF EXISTS {template} WITH (FORCE)")).await?;
                self.sql("postgres", &format!("CREATE DATABASE {template}")).await?;
                build(&self.url_of(&template))
                    .await
                    .map_err(Into::into)
                    .context("filling the template database")?;
                // From here on nobody can connect to it, which copying it demands.
                let done = format!("ALTER DATABASE {template} IS_TEMPLATE true ALLOW_CONNECTIONS false");
                self.sql("postgres", &done).await?;
                let left = format!(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{template}'"
                );
                self.sql("postgres", &left).await?;
            }
        }
        self.database(&format!("TEMPLATE {template}")).await
    }

    /// Runs SQL in a database and returns the rows, a line each, columns separated by `|`.
    pub async fn sql(&self, database: &str, sql: &str) -> anyhow::Result<String> {
        let mut psql = Command::new(&self.psql);
        psql.args(self.psql_args(database, sql)).env_clear();
        Ok(output(&mut psql).await?.trim_end().to_owned())
    }

    /// Runs a file of SQL in a database, all or nothing.
    pub async fn run_file(&self, database: &str, file: &Path) -> anyhow::Result<()> {
        let mut psql = Command::new(&self.psql);
        psql.args(["-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-d", &self.url_of(database), "-f"]);
        output(psql.arg(file).env_clear()).await.map(drop)
    }

    fn psql_args(&self, database: &str, sql: &str) -> [String; 9] {
        let url = self.url_of(database);
        ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql, &url].map(String::from)
    }

    async fn is_ready(&self, template: &str) -> anyhow::Result<bool> {
        let ready = format!("SELECT 1 FROM pg_database WHERE datname = '{template}' AND datistemplate");
        Ok(!self.sql("postgres", &ready).await?.is_empty())
    }

    async fn database(&self, like: &str) -> anyhow::Result<Database> {
        let name = format!("test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        // Copying files beats copying through the log when nothing waits for the disk.
        let strategy = if like.is_empty() { "" } else { "STRATEGY wal_log" };
        self.sql("postgres", &format!("CREATE DATABASE {name} {like} {strategy}")).await?;
        Ok(Database { cluster: self.clone(), name })
    }
}

/// A database of one's own. It is dropped with its value, whoever is still connected.
#[derive(Debug)]
pub struct Database {
    cluster: Cluster,
    name: String,
}

impl Database {
    /// What `DATABASE_URL` should be, for the superuser.
    pub fn url(&self) -> String {
        self.cluster.url_of(&self.name)
    }

    /// The same, for another role, with its password.
    pub fn url_as(&self, role: &str) -> String {
        let user = match self.cluster.superuser_password() {
            Some(password) => format!("{role}:{}", password_of(role, password)),
            None => role.to_owned(),
        };
        self.with_user(&user)
    }

    /// The same, for another role, without its password.
    pub fn url_without_password(&self, role: &str) -> String {
        self.with_user(role)
    }

    /// The server that it is in.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    fn with_user(&self, user: &str) -> String {
        let url = self.url();
        let place = url.split_once('@').map_or(url.as_str(), |(_, place)| place);
        format!("postgres://{user}@{place}")
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs SQL in it and returns the rows, a line each, columns separated by `|`.
    pub async fn sql(&self, sql: &str) -> anyhow::Result<String> {
        self.cluster.sql(&self.name, sql).await
    }

    /// The same, as another role.
    pub async fn sql_as(&self, role: &str, sql: &str) -> anyhow::Result<String> {
        let mut psql = Command::new(&self.cluster.psql);
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql, &self.url_as(role)]);
        Ok(output(psql.env_clear()).await?.trim_end().to_owned())
    }

    /// Runs a file of SQL in it, all or nothing.
    pub async fn run_file(&self, file: &Path) -> anyhow::Result<()> {
        self.cluster.run_file(&self.name, file).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let mut psql = Blocking::new(&self.cluster.psql);
        psql.args(self.cluster.psql_args("postgres", &drop)).env_clear();
        // Where the server is gone already, so is the database.
        let _ = psql.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// Twelve hex digits that change when one of the files changes.
pub(crate) fn hash_of(files: &[PathBuf]) -> anyhow::Result<String> {
    let mut hash = Sha256::new();
    for file in files {
        hash.update(file.as_os_str().as_encoded_bytes());
        hash.update(fs::read(file).with_context(|| format!("reading {}", file.display()))?);
    }
    Ok(hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect())
}

/// Holds other processes and threads off until it is dropped.
async fn lock() -> anyhow::Result<File> {
    fs::create_dir_all(workspace::private_dir())?;
    let file = File::create(workspace::private_dir().join("templates.lock"))?;
    Ok(tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await??)
}
