use std::time::Duration;

use sqlx::{
    Connection, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgConnection, PgPoolOptions, PgSslMode},
};
use url::Url;

use crate::StoreError;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// A transaction; rolled back where it is dropped without a commit.
pub(crate) type Transaction = sqlx::Transaction<'static, sqlx::Postgres>;

/// A pool of connections to PostgreSQL.
#[derive(Clone, Debug)]
pub struct Database {
    pub(crate) pool: PgPool,
}

/// Longest time that readiness waits for a connection of the pool, and then for one of its own that says why there was none.
const PROBE_TIMEOUT: Duration = Duration::from_millis(900);

/// Parameters of a URL that are understood. sqlx writes any other one into the log, value and all.
const PARAMETERS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// Values of `sslmode`. sqlx repeats any other one.
const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

impl Database {
    /// Makes the pool; connections are opened when they are needed, so that a service may start before its database.
    pub fn new(url: &str, max_connections: u32, application: &str) -> Result<Self, StoreError> {
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            // A request that waits longer than this for a connection is better answered with 503.
            .acquire_timeout(Duration::from_secs(3))
            // Half-open connections of a database that was restarted are found out before they are used.
            .test_before_acquire(true)
            .connect_lazy_with(options(url, application)?);
        Ok(Self { pool })
    }

    /// From here on connections are opened with this URL: a new password, a new certificate. Those that are open stay.
    pub fn set_url(&self, url: &str) -> Result<(), StoreError> {
        let application = self.pool.connect_options().get_application_name().unwrap_or_default().to_owned();
        self.pool.set_connect_options(options(url, &application)?);
        Ok(())
    }

    /// Starts a transaction.
    pub(crate) async fn begin(&self) -> Result<Transaction, StoreError> {
        Ok(self.pool.begin().await?)
    }

    /// PostgreSQL answers, and its schema is the one this build was made for (or a newer one: see migrations/README.md).
    pub async fn ready(&self) -> Result<(), String> {
        let newest = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
        let applied =
            sqlx::query_scalar::<_, Option<i64>>("SELECT max(version) FROM _sqlx_migrations WHERE success")
                .fetch_one(&self.pool);
        let applied = match tokio::time::timeout(PROBE_TIMEOUT, applied).await {
            Ok(Ok(applied)) => applied.unwrap_or(0),
            // There is no such table before the first migration.
            Ok(Err(sqlx::Error::Database(error))) if error.code().as_deref() == Some("42P01") => 0,
            Ok(Err(sqlx::Error::PoolTimedOut)) | Err(_) => return Err(self.why_no_connection().await),
            Ok(Err(error)) => return Err(format!("PostgreSQL: {error}")),
        };
        if applied < newest {
            return Err(format!(
                "schema is at {applied}, this build needs {newest}: run wildside-admin migrate"
            ));
        }
        Ok(())
    }

    /// A pool tries again and again, and then says only that time is over.
    async fn why_no_connection(&self) -> String {
        let options = self.pool.connect_options();
        match tokio::time::timeout(PROBE_TIMEOUT, PgConnection::connect_with(&options)).await {
            Ok(Ok(connection)) => {
                let _ = connection.close().await;
                "PostgreSQL: it answers, but no connection of this process was free in time".into()
            }
            Ok(Err(error)) => format!("PostgreSQL: {error}"),
            Err(_) => "PostgreSQL: no answer in time".into(),
        }
    }

    /// Waits for connections in use and closes them all.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// How a service opens connections.
fn options(url: &str, application: &str) -> Result<PgConnectOptions, StoreError> {
    Ok(read_url(url)?.application_name(application).options([
        ("statement_timeout", "30s"),
        // A process that was stopped in the middle of a transaction lets go of the rows that it had locked.
        ("idle_in_transaction_session_timeout", "15s"),
    ]))
}

/// Where a CA is named and the mode is not, the server has to prove who it is.
fn read_url(url: &str) -> Result<PgConnectOptions, StoreError> {
    let parsed = Url::parse(url).map_err(sqlx::Error::config)?;
    let is_known = |name: &str| PARAMETERS.contains(&name) || name.starts_with("options[");
    if parsed.query_pairs().any(|(name, _)| !is_known(&name)) {
        let known = PARAMETERS.join(", ");
        return Err(StoreError::Address(format!("a parameter of the URL is not known; known are {known}")));
    }
    let mut modes = parsed.query_pairs().filter(|(name, _)| matches!(&**name, "sslmode" | "ssl-mode"));
    if modes.any(|(_, mode)| !MODES.contains(&&*mode)) {
        return Err(StoreError::Address(format!("sslmode is one of {}", MODES.join(", "))));
    }
    let has = |names: &[&str]| parsed.query_pairs().any(|(name, _)| names.contains(&&*name));
    let options: PgConnectOptions = url.parse()?;
    if !has(&["sslrootcert", "ssl-root-cert", "ssl-ca"]) {
        return Ok(options);
    }
    if !has(&["sslmode", "ssl-mode"]) {
        return Ok(options.ssl_mode(PgSslMode::VerifyFull));
    }
    // As libpq does: whoever names a CA wants it asked.
    let is_require = matches!(options.get_ssl_mode(), PgSslMode::Require);
    Ok(if is_require { options.ssl_mode(PgSslMode::VerifyCa) } else { options })
}

/// What each service may do, for the roles that exist. Run again after every migration.
const GRANTS: &str = include_str!("../../../config/postgres-grants.sql");

/// Brings the schema up to date, and what each service's role may do. Safe when several do it at once: they queue on an
/// advisory lock.
pub async fn migrate(database_url: &str) -> Result<(), StoreError> {
    let options = read_url(database_url)?.application_name("wildside-admin");
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await?;
    let done = async {
        MIGRATIONS.run(&pool).await?;
        sqlx::raw_sql(GRANTS).execute(&pool).await?;
        Ok(())
    };
    let done: Result<(), StoreError> = done.await;
    pool.close().await;
    done
}

/// Makes the roles of the services that do not exist yet, without passwords: see docs/operating.md.
pub async fn create_roles(database_url: &str) -> Result<(), StoreError> {
    let mut connection = PgConnection::connect_with(&read_url(database_url)?).await?;
    sqlx::raw_sql(include_str!("../../../config/postgres-roles.sql")).execute(&mut connection).await?;
    Ok(connection.close().await?)
}
