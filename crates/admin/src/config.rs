use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, builder::TypedValueParser};

/// Looks after a Wildside installation.
#[derive(Clone, Debug, Parser)]
#[command(name = "wildside-admin", version)]
pub struct Config {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What an operator can ask for.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Bring the schema of the database and the interest themes up to date.
    Migrate(Postgres),
    /// Make the streams and consumers of the message bus, or bring them up to date.
    Streams(Nats),
    /// Read an extract of OpenStreetMap into places and streets.
    Ingest(IngestArgs),
}

/// Where PostgreSQL is.
#[derive(Clone, Debug, Args)]
pub struct Postgres {
    /// postgres://user:password@host:port/database
    #[arg(long, env, hide_env_values = true)]
    pub database_url: String,
}

/// Where NATS is.
#[derive(Clone, Debug, Args)]
pub struct Nats {
    /// nats://host:port
    #[arg(long, env, hide_env_values = true)]
    pub nats_url: String,
    /// How many servers of a cluster keep each message.
    #[arg(long, env, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=5).map(usize::from))]
    pub nats_replicas: usize,
}

/// What to ingest, and as what.
#[derive(Clone, Debug, Args)]
pub struct IngestArgs {
    /// Which extract.
    #[command(flatten)]
    pub source: Source,
    /// GeoJSON file with the area to take in; without it, everything in the extract.
    #[arg(long, value_name = "GEOJSON")]
    pub polygon: Option<PathBuf>,
    /// Name of the area. A later ingest under the same name replaces what this one brings [default: the file's name]
    #[arg(long, value_name = "NAME")]
    pub dataset: Option<String>,
    /// Themes file to use instead of the one built in.
    #[arg(long, value_name = "FILE")]
    pub themes: Option<PathBuf>,
    /// Themes, by key, whose places stay out unless they belong to another theme as well: they come in by enrichment,
    /// where walkers ask for them.
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    pub leave_out: Vec<String>,
    /// Say nothing while it goes on.
    #[arg(long)]
    pub quiet: bool,
    /// Where it goes.
    #[command(flatten)]
    pub postgres: Postgres,
}

/// A file, or where to get it.
#[derive(Clone, Debug, Args)]
pub struct Source {
    /// The extract, an .osm.pbf file.
    #[arg(long, value_name = "FILE", required_unless_present = "download", conflicts_with = "download")]
    pub extract: Option<PathBuf>,
    /// Fetch the extract first. A download that broke off goes on where it stopped.
    #[arg(long, value_name = "URL")]
    pub download: Option<String>,
    /// What the fetched file must hash to, in hex.
    #[arg(long, value_name = "HEX", requires = "download")]
    pub sha256: Option<String>,
    /// Where to keep the fetched file [default: the last part of the URL, in the current folder]
    #[arg(long, value_name = "FILE", requires = "download")]
    pub to: Option<PathBuf>,
}
