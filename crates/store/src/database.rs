use std::time::Duration;

use sqlx::{
    PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::StoreError;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// A transaction; rolled back where it is dropped without a commit.
pub(crate) type Transaction = sqlx::Transaction<'static, sqlx::Postgres>;

/// A pool of connections to PostgreSQL.
#[derive(Clone, Debug)]
pub struct Database {
    pub(crate) pool: PgPool,
}

impl Database {
    /// Makes the pool; connections are opened when they are needed, so that a service may start before its database.
    pub fn new(url: &str, max_connections: u32, application: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse()?;
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            // A request that waits longer than this for a connection is better answered with 503.
            .acquire_timeout(Duration::from_secs(3))
            // Half-open connections of a database that was restarted are found out before they are used.
            .test_before_acquire(true)
            .connect_lazy_with(options.application_name(application).options([
                ("statement_timeout", "30s"),
                // A process that was stopped in the middle of a transaction lets go of the rows that it had locked.
                ("idle_in_transaction_session_timeout", "15s"),
            ]));
        Ok(Self { pool })
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
                .fetch_one(&self.pool)
                .await;
        let applied = match applied {
            Ok(applied) => applied.unwrap_or(0),
            // There is no such table before the first migration.
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P01") => 0,
            Err(error) => return Err(format!("PostgreSQL: {error}")),
        };
        if applied < newest {
            return Err(format!(
                "schema is at {applied}, this build needs {newest}: run wildside-admin migrate"
            ));
        }
        Ok(())
    }

    /// Waits for connections in use and closes them all.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Brings the schema up to date. Safe when several do it at once: they queue on an advisory lock.
pub async fn migrate(database_url: &str) -> Result<(), StoreError> {
    let pool = PgPoolOptions::new().max_connections(1).connect(database_url).await?;
    let done = MIGRATIONS.run(&pool).await;
    pool.close().await;
    Ok(done?)
}
