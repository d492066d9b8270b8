use anyhow::Context;
use testbed::{Martin, Process};

use super::{
    definitions::{Definitions, ONE_LAYER},
    other_processes::{CpuTimes, family, peak_mb, share_mb},
    program::Running,
};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Choice {
    OneLayer,
    AllLayers,
}

/// Zoom, column and row.
pub(crate) type TileId = (u8, u32, u32);

/// A kind of server that is measured, once with its cache and once without any.
pub(crate) struct Contender {
    pub name: &'static str,
    pub cached: Server,
    pub cold: Server,
}

/// A running server, and whose work its work is.
pub(crate) struct Server {
    pub port: u16,
    program: Held,
    pub process: u32,
    /// The first process of the database that works for it.
    database: Option<u32>,
    /// What comes before the tile in an address and what after it: of one layer, and of all.
    addresses: [(String, String); 2],
}

/// It ends with this.
enum Held {
    TileServer(Running),
    Martin(Martin),
}

impl Held {
    fn process(&self) -> &Process {
        match self {
            Self::TileServer(running) => &running.process,
            Self::Martin(martin) => martin.process(),
        }
    }
}

impl Server {
    pub fn tile_server(running: Running) -> anyhow::Result<Self> {
        let base = "/tiles/base".to_owned();
        let addresses = [(base.clone(), format!(".pbf?layers={ONE_LAYER}")), (base, ".pbf".to_owned())];
        Self::new(running.port, Held::TileServer(running), None, addresses)
    }

    pub fn martin(martin: Martin, database: u32, definitions: &Definitions) -> anyhow::Result<Self> {
        let port = martin.url().rsplit(':').next().and_then(|port| port.parse().ok());
        let all: Vec<&str> = definitions.layers().iter().map(|layer| layer.name.as_str()).collect();
        let addresses =
            [(format!("/{ONE_LAYER}"), String::new()), (format!("/{}", all.join(",")), String::new())];
        Self::new(port.context("Martin has no port")?, Held::Martin(martin), Some(database), addresses)
    }

    fn new(
        port: u16,
        program: Held,
        database: Option<u32>,
        addresses: [(String, String); 2],
    ) -> anyhow::Result<Self> {
        let process = program.process().id().context("a server has ended")?;
        Ok(Self { port, program, process, database, addresses })
    }

    pub fn path(&self, choice: Choice, (z, x, y): TileId) -> String {
        let (before, after) = &self.addresses[usize::from(choice == Choice::AllLayers)];
        format!("{before}/{z}/{x}/{y}{after}")
    }

    /// CPU time so far: of the program, and of everything that the database does. Nobody else uses that.
    pub fn cpu(&self) -> CpuTimes {
        let database = self.database.map(family).unwrap_or_default();
        CpuTimes::of(&[&[self.process], &*database].concat())
    }

    /// The most that the program ever had in memory, and what the database has now.
    pub fn memory_mb(&self) -> (f64, Option<f64>) {
        let database = self.database.map(|first| family(first).into_iter().map(share_mb).sum());
        (peak_mb(self.process), database)
    }

    /// How it started, where that was measured.
    pub fn running(&self) -> Option<&Running> {
        match &self.program {
            Held::TileServer(running) => Some(running),
            Held::Martin(_) => None,
        }
    }
}
