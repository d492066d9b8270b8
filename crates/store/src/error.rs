use thiserror::Error;

/// What can go wrong between us and a database.
#[derive(Debug, Error)]
pub enum StoreError {
    /// PostgreSQL refused, or is away.
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] sqlx::Error),
    /// An address makes no sense.
    #[error("address: {0}")]
    Address(String),
    /// The schema is not what this build expects.
    #[error("migrations: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// Redis refused, or is away.
    #[error("Redis: {0}")]
    Redis(String),
    /// A stored value that this build cannot read.
    #[error("stored {what} cannot be read: {why}")]
    Unreadable {
        /// Which value.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

impl StoreError {
    /// The database is away or busy: the same call may go through later.
    pub fn is_passing(&self) -> bool {
        use sqlx::Error::{Io, PoolClosed, PoolTimedOut, Protocol, Tls, WorkerCrashed};
        match self {
            Self::Postgres(Io(_) | PoolTimedOut | PoolClosed | Tls(_) | WorkerCrashed | Protocol(_)) => true,
            // Class 08 connection, 40 rollback (deadlock), 53 resources, 57 operator intervention (shutdown, starting up),
            // 25006 read-only: a standby that is about to be promoted.
            Self::Postgres(sqlx::Error::Database(error)) => error.code().is_some_and(|code| {
                ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class)) || code == "25006"
            }),
            Self::Redis(_) => true,
            _ => false,
        }
    }
}
