//! The one file that knows the doors of our engine.

use anyhow::{Context, ensure};
use domain::{Poi, Refusal, Route, RouteRequest, ThemeCatalogue};
use extract::{Extract, Progress};
use std::path::Path;
use wildside_engine::{Effort, Network, Reach, generate_route};

/// A city in memory, ready to walk in.
pub(crate) struct City {
    network: Network,
    /// Every place with a theme.
    pub pois: Vec<Poi>,
}

impl City {
    /// Reads an extract as the ingest does.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let extract = Extract::open(file, Progress::Quiet)?;
        let content = extract::read(&extract, &ThemeCatalogue::bundled(), None)?;
        let cells = content.cells.iter().map(|cell| cell.bytes.as_slice());
        let network = Network::from_cells(cells).context("reading what the ingest made")?;
        ensure!(!network.is_empty(), "{} holds no street that one can walk", file.display());
        Ok(Self { network, pois: content.places.into_iter().map(|place| place.poi).collect() })
    }

    /// The places that a worker would hand to the engine.
    pub fn pois_within_reach(&self, request: &RouteRequest) -> Vec<Poi> {
        let reach = Reach::of(request);
        let wanted = |poi: &&Poi| poi.themes.iter().any(|theme| request.themes().contains(theme));
        let near = |poi: &&Poi| poi.location.distance_m(reach.center) <= reach.radius_m;
        self.pois.iter().filter(wanted).filter(near).cloned().collect()
    }

    /// The walk, with so many times the usual effort.
    pub fn walk(&self, pois: &[Poi], request: &RouteRequest, effort: u32) -> Result<Route, Refusal> {
        let usual = Effort::default();
        generate_route(
            &self.network,
            pois,
            request,
            &Effort { iterations: usual.iterations * effort, ..usual },
        )
    }
}
