//! The ingest, from the file to the database.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod city;
mod damage;
mod download;
mod kill;
mod overlap;
mod overpass;
mod pbf;
mod small_world;
mod streams;

use std::path::{Path, PathBuf};

use admin::{Command, Config, IngestArgs, Postgres, Source};
use clap::Parser;
use store::IngestSummary;
use tempfile::TempDir;
use testbed::Database;

/// A database with the schema, and a folder for files.
pub struct World {
    pub database: Database,
    pub folder: TempDir,
}

/// As on the command line.
pub fn postgres(url: &str) -> Postgres {
    let config = Config::parse_from(["wildside-admin", "areas", "--database-url", url]);
    let Command::Areas(postgres) = config.command else { panic!("another command") };
    postgres
}

impl World {
    pub async fn new() -> Self {
        let cluster = testbed::Postgres::shared().await.unwrap();
        let database = cluster.fresh_database(async |url| store::migrate(url).await).await.unwrap();
        Self { database, folder: TempDir::new().unwrap() }
    }

    /// Writes a file into the folder.
    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn args(&self, extract: &Path, dataset: &str) -> IngestArgs {
        IngestArgs {
            source: Source { extract: Some(extract.into()), download: None, sha256: None, to: None },
            polygon: None,
            dataset: Some(dataset.into()),
            themes: None,
            leave_out: Vec::new(),
            quiet: true,
            postgres: postgres(&self.database.url()),
        }
    }

    /// Ingests bytes as a dataset.
    pub async fn ingest(&self, dataset: &str, extract: &[u8]) -> anyhow::Result<IngestSummary> {
        let path = self.file("extract.osm.pbf", extract);
        admin::ingest(self.args(&path, dataset)).await
    }

    pub async fn sql(&self, sql: &str) -> String {
        self.database.sql(sql).await.unwrap()
    }

    /// Everything an ingest writes but its provenance, as one hash.
    pub async fn content(&self) -> String {
        self.sql(
            "SELECT md5(concat(
                 (SELECT string_agg(p::text, ',' ORDER BY id) FROM pois AS p),
                 (SELECT string_agg(l::text, ',' ORDER BY poi_id, theme_id) FROM poi_interest_themes AS l),
                 (SELECT string_agg(c::text, ',' ORDER BY x, y, dataset) FROM street_cells AS c),
                 (SELECT string_agg(n::text, ',' ORDER BY zoom, x, y) FROM street_networks AS n),
                 (SELECT string_agg(d::text, ',' ORDER BY name) FROM datasets AS d),
                 (SELECT string_agg(t::text, ',' ORDER BY id) FROM interest_themes AS t)))",
        )
        .await
    }
}
