use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, builder::TypedValueParser};
use domain::{OsmKind, PoiId, UserId};
use service::config::{DatabaseConfig, NatsConfig, RedisConfig, TlsConfig};

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
    Migrate(MigrateArgs),
    /// Make the streams and consumers of the message bus, or bring them up to date.
    Streams(Nats),
    /// Read an extract of OpenStreetMap into places and streets.
    Ingest(IngestArgs),
    /// Look after the rules that say which places belong to a theme.
    #[command(subcommand)]
    Themes(Themes),
    /// Look at places.
    #[command(subcommand)]
    Pois(Pois),
    /// Look after a walker: what is held about them, and letting it go.
    #[command(subcommand)]
    Users(Users),
    /// Show where walkers found too little: what was asked about it, when, and with what result.
    Areas(Postgres),
    /// Look after the manners towards the Overpass API.
    #[command(subcommand)]
    Overpass(Overpass),
}

/// What can be done about the Overpass API.
#[derive(Clone, Debug, Subcommand)]
pub enum Overpass {
    /// Show what was used of the day's budget, how long nobody asks, failures, and queries under way.
    Show {
        /// What there is to use.
        #[command(flatten)]
        budget: OverpassBudget,
        /// Where it is noted.
        #[command(flatten)]
        postgres: Postgres,
    },
    /// End the pause, whoever asked for it: the next question is asked at once.
    Resume(Postgres),
}

/// What the enrichment workers may use in a day (UTC): the same settings as theirs.
#[derive(Clone, Copy, Debug, Args)]
pub struct OverpassBudget {
    /// Queries a day.
    #[arg(long, env = "OVERPASS_REQUESTS_PER_DAY", default_value_t = 1_000)]
    pub overpass_requests_per_day: i64,
    /// Mebibytes of answers a day.
    #[arg(long, env = "OVERPASS_MIB_PER_DAY", default_value_t = 512)]
    pub overpass_mib_per_day: i64,
}

/// What can be done with themes.
#[derive(Clone, Debug, Subcommand)]
pub enum Themes {
    /// Try the rules on an extract, without a database: how many places each theme gets, and which rules never match.
    Check(CheckArgs),
}

/// What to try the rules on.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// The extract, an .osm.pbf file.
    #[arg(long, value_name = "FILE")]
    pub extract: PathBuf,
    /// Themes file to try instead of the one built in.
    #[arg(long, value_name = "FILE")]
    pub themes: Option<PathBuf>,
    /// Show so many places of each theme, evenly from the whole list, each with its narrative.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub samples: usize,
}

/// What can be done with places.
#[derive(Clone, Debug, Subcommand)]
pub enum Pois {
    /// Show everything that is known about a place.
    Show {
        /// Its id, as in the API, or its OSM element, such as `way/1234`.
        #[arg(value_name = "ID", value_parser = poi_id)]
        id: PoiId,
        /// Where it is kept.
        #[command(flatten)]
        postgres: Postgres,
    },
}

/// What can be done with a walker.
#[derive(Clone, Debug, Subcommand)]
pub enum Users {
    /// Show what is held about a walker, in short.
    Show {
        /// Their id, as in their profile.
        #[arg(value_name = "USER_ID")]
        id: UserId,
        /// Where it is kept.
        #[command(flatten)]
        postgres: Postgres,
    },
    /// Print everything that is held about a walker, as JSON.
    Export {
        /// Their id, as in their profile.
        #[arg(value_name = "USER_ID")]
        id: UserId,
        /// Where it is kept.
        #[command(flatten)]
        postgres: Postgres,
    },
    /// Erase a walker with everything that is theirs, at once and for good.
    Erase {
        /// Their id, as in their profile.
        #[arg(value_name = "USER_ID")]
        id: UserId,
        /// Where it is kept.
        #[command(flatten)]
        stores: Stores,
    },
    /// End all sessions of a walker. Nobody has a password: they cannot begin another one, and their data stays.
    RevokeSessions {
        /// Their id, as in their profile.
        #[arg(value_name = "USER_ID")]
        id: UserId,
        /// Where it is kept.
        #[command(flatten)]
        stores: Stores,
    },
}

/// Where a walker has left traces. PostgreSQL is the truth; the others only make it quicker.
#[derive(Clone, Debug, Args)]
pub struct Stores {
    /// Where PostgreSQL is.
    #[command(flatten)]
    pub postgres: Postgres,
    /// Without it cached copies stay until they expire, after at most 31 days.
    #[command(flatten)]
    pub redis: Option<RedisConfig>,
    /// Without it services learn of it from PostgreSQL a second later.
    #[command(flatten)]
    pub nats: Option<NatsConfig>,
}

fn poi_id(text: &str) -> Result<PoiId, String> {
    let id = match text.split_once('/') {
        None => text.parse().map(PoiId).ok(),
        Some((kind, number)) => {
            let kind =
                [OsmKind::Node, OsmKind::Way, OsmKind::Relation].into_iter().find(|one| one.as_str() == kind);
            kind.zip(number.parse().ok()).and_then(|(kind, number)| PoiId::of_element(kind, number))
        }
    };
    id.ok_or_else(|| "is neither a number nor an element such as way/1234".into())
}

/// Where PostgreSQL is.
#[derive(Clone, Debug, Args)]
pub struct Postgres {
    /// The database.
    #[command(flatten)]
    pub database: DatabaseConfig,
    /// Whom it trusts.
    #[command(flatten)]
    pub tls: TlsConfig,
}

impl Postgres {
    /// The URL of the database with all that is said of it.
    pub fn url(&self) -> anyhow::Result<String> {
        Ok(self.database.url(&self.tls)?)
    }
}

/// What to migrate.
#[derive(Clone, Debug, Args)]
pub struct MigrateArgs {
    /// Make the roles of the services that do not exist yet (config/postgres-roles.sql); needs CREATEROLE.
    #[arg(long)]
    pub create_roles: bool,
    /// The database.
    #[command(flatten)]
    pub postgres: Postgres,
}

/// Where NATS is.
#[derive(Clone, Debug, Args)]
pub struct Nats {
    /// The broker.
    #[command(flatten)]
    pub nats: NatsConfig,
    /// Whom it trusts.
    #[command(flatten)]
    pub tls: TlsConfig,
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
