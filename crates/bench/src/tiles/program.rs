use anyhow::{Context, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use testbed::{Process, Program, free_port, map_assets, output, spatial_extension, workspace};
use tokio::process::Command;

use super::{
    connection::Connection,
    other_processes::{CpuTimes, ran_and_waited},
};

/// Our program, and the folder with its map.
pub(crate) struct TileServer {
    programs: PathBuf,
    dir: PathBuf,
}

/// One that runs.
pub(crate) struct Running {
    pub process: Process,
    pub port: u16,
    /// From its start to the moment when it said that it is ready, all checks passed.
    pub ready_after: Duration,
    pub cpu_until_ready: Duration,
}

/// How an export went.
struct Exported {
    took: Duration,
    ran: Duration,
    /// What its threads would have run besides, had there been a core for them.
    waited: Duration,
}

impl TileServer {
    pub fn new(programs: &Path, dir: &Path) -> Self {
        Self { programs: programs.to_path_buf(), dir: dir.to_path_buf() }
    }

    fn map(&self) -> PathBuf {
        self.dir.join("base.duckdb")
    }

    /// Builds the base map, and tells how many megabytes it has.
    pub async fn build(&self, extract: &Path) -> anyhow::Result<f64> {
        let mut build = Command::new(self.programs.join("tile-server"));
        build.arg("build").arg("--extract").arg(extract).arg("--out").arg(self.map());
        output(build.arg("--spatial-extension").arg(spatial_extension())).await?;
        Ok(fs::metadata(self.map())?.len() as f64 / 1e6)
    }

    /// Writes the map's tables into a folder, with `tables.sql`.
    pub async fn write_csv(&self, folder: &Path) -> anyhow::Result<()> {
        let mut export = Command::new(self.programs.join("base_map_as_csv"));
        output(export.arg(self.map()).arg(spatial_extension()).arg(folder)).await.map(drop)
    }

    fn settings(&self) -> [(&'static str, PathBuf); 4] {
        [
            ("SOURCES", workspace::root().join("config/tile-sources.yaml")),
            ("DATA_DIR", self.dir.clone()),
            ("SCRATCH_DIR", self.dir.clone()),
            ("SPATIAL_EXTENSION", spatial_extension()),
        ]
    }

    /// Starts one: with so much room for tiles and one worker, for one core, or with no room and a worker a core.
    pub async fn start(&self, cache_mib: Option<u32>) -> anyhow::Result<Running> {
        let (port, admin) = (free_port()?, free_port()?);
        let log = self.dir.join(format!("tile-server-{port}.log"));
        let mut program = Program::new("tile-server", self.programs.join("tile-server"), log).args(["serve"]);
        for (name, value) in self.settings() {
            program = program.env(name, value.display().to_string());
        }
        program = program
            .env("ASSETS_DIR", map_assets().display().to_string())
            .env("LISTEN_ADDR", format!("127.0.0.1:{port}"))
            .env("ADMIN_ADDR", format!("127.0.0.1:{admin}"))
            .env("CACHE_MIB", cache_mib.unwrap_or(0).to_string())
            // One address asks more often than any walker.
            .env("RATE_LIMIT_ADDRESS_PER_MINUTE", "1000000")
            .env("SHUTDOWN_DELAY_SECONDS", "0")
            .env("LOG", "warn");
        if cache_mib.is_some() {
            program = program.env("TOKIO_WORKER_THREADS", "1");
        }
        let began = Instant::now();
        let process = Process::start(program)?;
        let ready = async || {
            let answer = Connection::open(admin).and_then(|mut door| Ok(door.get("/readyz", "identity")?.0));
            answer.is_ok_and(|status| status == 200)
        };
        process.wait_until_ready(Duration::from_secs(120), ready).await?;
        let ready_after = began.elapsed();
        let cpu_until_ready = CpuTimes::of(&[process.id().context("it has ended")?]).total();
        Ok(Running { process, port, ready_after, cpu_until_ready })
    }

    /// How many cores an export keeps busy while it makes the tiles of the zooms 1 to 15: what one of zoom 0 alone takes,
    /// which opens the map and checks it, is taken off. The median of some.
    pub async fn cores_of_an_export(&self) -> anyhow::Result<f64> {
        const TIMES: usize = 9;
        let mut cores = Vec::new();
        for _ in 0..TIMES {
            let (opening, all) = (self.export(0).await?, self.export(15).await?);
            let busy = |exported: &Exported| (exported.ran + exported.waited).as_secs_f64();
            cores.push((busy(&all) - busy(&opening)) / (all.took.as_secs_f64() - opening.took.as_secs_f64()));
        }
        cores.sort_by(f64::total_cmp);
        Ok(cores[TIMES / 2])
    }

    /// Exports every tile up to a zoom.
    async fn export(&self, maxzoom: u8) -> anyhow::Result<Exported> {
        let log = self.dir.join("export.log");
        let mut export = Program::new("export", self.programs.join("tile-server"), log).args(["export"]);
        for (name, value) in self.settings() {
            export = export.env(name, value.display().to_string());
        }
        let out = self.dir.join("city.pmtiles");
        let maxzoom = maxzoom.to_string();
        let began = Instant::now();
        let process =
            Process::start(export.args([Path::new("--maxzoom"), Path::new(&maxzoom), out.as_path()]))?;
        let mut exported: Option<Exported> = None;
        // What has ended tells nothing any more, so the last look counts.
        while let Some(id) = process.id() {
            let [ran, waited] = ran_and_waited(id);
            // Threads that are ending take their times with them.
            if !ran.is_zero() && exported.as_ref().is_none_or(|last| last.ran <= ran) {
                exported = Some(Exported { took: began.elapsed(), ran, waited });
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        ensure!(out.exists(), "the export failed\n{}", process.log_tail());
        exported.context("the export was over at once")
    }
}
