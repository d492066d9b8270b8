use anyhow::Context;
use std::{fmt::Write, fs, path::Path};
use testbed::{Database, Durability, Martin, Postgres};

use super::{
    contender::{Contender, Server},
    definitions::{CACHE_MIB, Definitions, Layer},
    program::TileServer,
};

/// The base map's rows in a PostGIS of their own, and a function a layer, as Martin's own documentation advises where a
/// table alone does not do: rows have the zooms at which they are shown.
pub(crate) struct Postgis {
    // Before the server, which ends last.
    database: Database,
    postgres: Postgres,
}

impl Postgis {
    pub async fn load(ours: &TileServer, definitions: &Definitions, dir: &Path) -> anyhow::Result<Self> {
        ours.write_csv(dir).await?;
        let postgres = Postgres::start_open(Durability::Fast).await?;
        let database = postgres.cluster().empty_database().await?;
        database.sql("CREATE EXTENSION postgis").await?;
        database.run_file(&dir.join("tables.sql")).await?;
        for layer in definitions.layers() {
            database.sql(&layer_sql(layer)).await?;
        }
        // As for the role that Martin has in the product; and small queries are not worth compiling.
        let name = database.name();
        let settings = ["max_parallel_workers_per_gather = 0", "jit = off"];
        for setting in settings {
            database.sql(&format!("ALTER DATABASE {name} SET {setting}")).await?;
        }
        database.sql("VACUUM ANALYZE").await?;
        Ok(Self { database, postgres })
    }

    /// Two of them: one that keeps tiles, one that does not; see [`TileServer::start`].
    pub async fn martin(&self, definitions: &Definitions, dir: &Path) -> anyhow::Result<Contender> {
        let first = self.postgres.process().id().context("PostgreSQL has ended")?;
        let mut servers = Vec::new();
        for cache_mib in [Some(CACHE_MIB), None] {
            let config = dir.join(format!("martin-{}.yaml", cache_mib.unwrap_or(0)));
            fs::write(&config, martin_yaml(definitions, cache_mib))
                .context("writing Martin's configuration")?;
            let martin = Martin::start_as(&self.database.url(), &config).await?;
            servers.push(Server::martin(martin, first, definitions)?);
        }
        let cold = servers.pop().context("no server")?;
        Ok(Contender { name: "martin", cached: servers.pop().context("no server")?, cold })
    }
}

/// Index and function of a layer. What tile-server asks of DuckDB, in PostGIS' words.
fn layer_sql(layer: &Layer) -> String {
    let Layer { name, buffer, .. } = layer;
    let columns: String = layer.columns.keys().map(|column| format!("{column}, ")).collect();
    format!(
        "CREATE INDEX ON {name} USING gist (geom);
         CREATE FUNCTION {name}_tile(z integer, x integer, y integer, query json) RETURNS bytea
         LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
         BEGIN
             RETURN (
                 SELECT ST_AsMVT(feature, '{name}', 4096, 'geom')
                 FROM (
                     SELECT {columns}ST_AsMVTGeom(geom, ST_TileEnvelope(z, x, y), 4096, {buffer}) AS geom
                     FROM {name}
                     WHERE geom && ST_TileEnvelope(z, x, y, margin => {buffer} / 4096.0) AND z BETWEEN minz AND maxz
                 ) feature
                 WHERE geom IS NOT NULL
             );
         END $$"
    )
}

/// Set up as in the product but for what is served.
fn martin_yaml(definitions: &Definitions, cache_mib: Option<u32>) -> String {
    let mut yaml = "listen_addresses: ${LISTEN_ADDRESS}
preferred_encoding: gzip
postgres:
  connection_string: ${DATABASE_URL}
  pool_size: 8
  auto_publish: false
  functions:
"
    .to_owned();
    for Layer { name, minzoom, .. } in definitions.layers() {
        // Writing to a string cannot fail.
        let _ = writeln!(
            yaml,
            "    {name}:
      schema: public
      function: {name}_tile
      minzoom: {minzoom}
      maxzoom: {}{}",
            definitions.maxzoom(),
            if cache_mib.is_none() { "\n      cache: disable" } else { "" }
        );
    }
    if let Some(mib) = cache_mib {
        let _ = writeln!(yaml, "worker_processes: 1\ncache:\n  tile_size_mb: {mib}");
    }
    yaml
}
