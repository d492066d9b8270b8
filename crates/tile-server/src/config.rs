use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, value_parser};
use service::config::{ListenerConfig, ReportingConfig, TlsConfig};

use crate::{database::Engine, tileset::Workplace};

/// Builds, serves and exports static map layers in one DuckDB file.
#[derive(Clone, Debug, Parser)]
#[command(name = "tile-server", version)]
pub struct Config {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What it can do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Serve tiles.
    Serve(Serve),
    /// Make the base map of an extract of OpenStreetMap.
    Build(Build),
    /// Write tiles into a PMTiles file.
    Export(Export),
}

/// What a server is told.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    #[command(flatten)]
    pub reporting: ReportingConfig,
    #[command(flatten)]
    pub tls: TlsConfig,
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub listener: ListenerConfig,
    /// Where the public door is.
    #[arg(long, env = "LISTEN_ADDR", default_value = "127.0.0.1:8090")]
    pub listen_addr: SocketAddr,
    /// Where browsers reach /tiles; documents name tiles by it.
    #[arg(long, env = "PUBLIC_URL", default_value = "http://localhost:8090", value_parser = public_url)]
    pub public_url: String,
    /// The folder with fonts/NAME.ttf and icons/NAME.svg.
    #[arg(long, env = "ASSETS_DIR")]
    pub assets_dir: PathBuf,
    /// Tiles that are kept in memory, in MiB; with 0, each is made anew.
    #[arg(long, env = "CACHE_MIB", default_value_t = 48, value_parser = value_parser!(u32).range(0..=65_536))]
    pub cache_mib: u32,
    /// How often files are looked at, in milliseconds.
    #[arg(long, env = "RELOAD_MS", default_value_t = 2000, value_parser = value_parser!(u64).range(10..=3_600_000))]
    pub reload_ms: u64,
}

/// Where the sources are, and how they are opened.
#[derive(Args, Clone, Debug)]
pub struct Files {
    /// The definitions of the sources, as config/tile-sources.yaml.
    #[arg(long, env = "SOURCES", default_value = "config/tile-sources.yaml")]
    pub sources: PathBuf,
    /// The folder with the files that they name.
    #[arg(long, env = "DATA_DIR")]
    pub data_dir: PathBuf,
    /// Where private copies of those files are kept; as much room as they take, twice during a reload.
    #[arg(long, env = "SCRATCH_DIR", default_value_os_t = std::env::temp_dir())]
    pub scratch_dir: PathBuf,
    /// The file spatial.duckdb_extension, of exactly the version of the DuckDB that is linked.
    #[arg(long, env = "SPATIAL_EXTENSION")]
    pub spatial_extension: PathBuf,
    /// Queries at once [default: one for each core]
    #[arg(long, env = "DUCKDB_CONNECTIONS", value_parser = value_parser!(u16).range(1..=256))]
    pub duckdb_connections: Option<u16>,
    /// Most memory that DuckDB takes for one file, in MiB.
    #[arg(long, env = "DUCKDB_MEMORY_MIB", default_value_t = 64, value_parser = value_parser!(u32).range(16..=65_536))]
    pub duckdb_memory_mib: u32,
    /// A tile that takes longer to make is given up, in milliseconds.
    #[arg(long, env = "TILE_TIME_LIMIT_MS", default_value_t = 5000, value_parser = value_parser!(u64).range(1..=60_000))]
    pub tile_time_limit_ms: u64,
}

impl Files {
    pub(crate) fn workplace(&self) -> Workplace {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Workplace {
            data_dir: self.data_dir.clone(),
            scratch_dir: self.scratch_dir.clone(),
            engine: Engine {
                spatial: self.spatial_extension.clone(),
                connections: self.duckdb_connections.map_or(cores, usize::from),
                memory_mib: self.duckdb_memory_mib,
                time_limit: Duration::from_millis(self.tile_time_limit_ms),
            },
        }
    }
}

/// What to build, and where.
#[derive(Args, Clone, Debug)]
pub struct Build {
    /// An extract of OpenStreetMap, NAME.osm.pbf.
    #[arg(long)]
    pub extract: PathBuf,
    /// The file that is made; one that is there is replaced in one step, at the end.
    #[arg(long)]
    pub out: PathBuf,
    /// The file spatial.duckdb_extension.
    #[arg(long, env = "SPATIAL_EXTENSION")]
    pub spatial_extension: PathBuf,
    /// Most memory that DuckDB takes, in MiB; what does not fit goes to files beside `out`.
    #[arg(long, env = "DUCKDB_MEMORY_MIB", default_value_t = 2048, value_parser = value_parser!(u32).range(64..=1_048_576))]
    pub duckdb_memory_mib: u32,
}

/// What to export.
#[derive(Args, Clone, Debug)]
#[group(id = "area", multiple = false)]
pub struct Area {
    /// A box in degrees: west,south,east,north.
    #[arg(long, value_parser = bbox, allow_hyphen_values = true)]
    pub bbox: Option<Bbox>,
    /// A GeoJSON file with lines; tiles within `--buffer` of them are written.
    #[arg(long)]
    pub corridor: Option<PathBuf>,
}

/// West, south, east and north in degrees.
#[derive(Clone, Copy, Debug)]
pub struct Bbox(pub [f64; 4]);

/// What to export, and where.
#[derive(Args, Clone, Debug)]
pub struct Export {
    #[command(flatten)]
    pub files: Files,
    /// The source.
    #[arg(long, default_value = "base")]
    pub source: String,
    #[command(flatten)]
    pub area: Area,
    /// How far a corridor reaches on each side, in metres.
    #[arg(long, default_value_t = 300, value_parser = value_parser!(u32).range(1..=50_000))]
    pub buffer: u32,
    /// The least zoom [default: the source's]
    #[arg(long)]
    pub minzoom: Option<u8>,
    /// The deepest zoom [default: the source's]
    #[arg(long)]
    pub maxzoom: Option<u8>,
    /// The file that is made; one that is there is replaced in one step, at the end.
    pub out: PathBuf,
}

fn bbox(text: &str) -> Result<Bbox, String> {
    let numbers: Vec<f64> = text
        .split(',')
        .map(|part| part.trim().parse().map_err(|_| format!("{part:?} is no number")))
        .collect::<Result<_, _>>()?;
    match numbers[..] {
        [west, south, east, north]
            if west < east
                && south < north
                && west >= -180.0
                && east <= 180.0
                && south >= -90.0
                && north <= 90.0 =>
        {
            Ok(Bbox([west, south, east, north]))
        }
        _ => Err("must be west,south,east,north in degrees".into()),
    }
}

fn public_url(text: &str) -> Result<String, String> {
    let uri: http::Uri = text.parse().map_err(|error| format!("{error}"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(_)) => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("must start with http:// or https://".into()),
    }
}
