//! What an operator or an editor types: `wildside-admin migrate`, `streams`, `ingest`, `themes check`, `pois show`,
//! `users show`, `areas`, `overpass show`, `overpass resume`.
//!
//! An ingest reads an extract of OpenStreetMap (the crate `extract`). The database hears of it only at the end, in one
//! transaction.

mod areas;
mod check_themes;
mod config;
mod download;
mod ingest;
mod networks;
mod overpass;
mod report;
mod show_poi;
mod users;

use anyhow::Context;
use bus::Bus;
use domain::ThemeCatalogue;
use store::Database;

pub use config::{
    CheckArgs, Command, Config, IngestArgs, MigrateArgs, Nats, Overpass, OverpassBudget, Pois, Postgres,
    Source, Stores, Themes, Users,
};
pub use ingest::ingest;

/// Does what was asked for.
pub async fn run(config: Config) -> anyhow::Result<()> {
    match config.command {
        Command::Migrate(args) => migrate(&args).await,
        Command::Streams(nats) => streams(&nats).await,
        Command::Ingest(args) => ingest::run(args).await,
        Command::Themes(Themes::Check(args)) => check_themes::run(&args),
        Command::Pois(Pois::Show { id, postgres }) => show_poi::run(id, &postgres).await,
        Command::Users(what) => users::run(what).await,
        Command::Areas(postgres) => areas::run(&postgres).await,
        Command::Overpass(command) => overpass::run(command).await,
    }
}

/// Brings the schema up to date, then the themes.
async fn migrate(args: &MigrateArgs) -> anyhow::Result<()> {
    let url = args.postgres.url()?;
    if args.create_roles {
        store::create_roles(&url).await.context("making the roles of the services")?;
    }
    store::migrate(&url).await.context("bringing the schema up to date")?;
    let database = Database::new(&url, 1, "wildside-admin")?;
    store::sync_themes(&database, &ThemeCatalogue::bundled()).await.context("writing the themes")?;
    database.close().await;
    Ok(())
}

/// Makes the streams and consumers of the message bus, or brings them up to date.
async fn streams(nats: &Nats) -> anyhow::Result<()> {
    let bus =
        Bus::connect(&nats.nats.url(&nats.tls)?, "wildside-admin").await.context("connecting to NATS")?;
    bus.ensure_streams(nats.nats_replicas).await.context("making the streams")?;
    bus.close().await;
    Ok(())
}
