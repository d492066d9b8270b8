//! The one file that knows the doors of our engine.

use anyhow::{Context, ensure};
use domain::{Accessibility, Coordinate, Poi, Refusal, Route, RouteRequest, ThemeCatalogue};
use extract::{Content, Extract, Progress};
use std::{
    cell::RefCell,
    collections::{BTreeMap, btree_map::Entry},
    path::Path,
    rc::Rc,
};
use wildside_engine::{
    CellId, CellRange, Effort, Network, NetworkCell, Reach, Region, Travel, generate_route,
};

/// How far from a street a point may be, in metres.
const SNAP_M: f64 = 250.0;

/// A city in memory, ready to walk in.
pub(crate) struct City {
    cells: Vec<NetworkCell>,
    networks: RefCell<BTreeMap<Region, Rc<Network>>>,
    /// Every place with a theme.
    pub pois: Vec<Poi>,
}

/// What a worker hands to the engine for one request.
pub(crate) struct Ground {
    pub network: Rc<Network>,
    pub pois: Vec<Poi>,
}

impl City {
    /// Reads an extract as the ingest does.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let content = content(file)?;
        let pois = content.places.into_iter().map(|place| place.poi).collect();
        Ok(Self { cells: content.cells, networks: RefCell::default(), pois })
    }

    /// The places that a worker hands to the engine.
    pub fn pois_within_reach(&self, request: &RouteRequest) -> Vec<Poi> {
        let reach = Reach::of(request);
        let wanted = |poi: &&Poi| poi.themes.iter().any(|theme| request.themes().contains(theme));
        let near = |poi: &&Poi| poi.location.distance_m(reach.center) <= reach.radius_m;
        self.pois.iter().filter(wanted).filter(near).cloned().collect()
    }

    /// The network of the region and the places within reach.
    pub fn ground(&self, request: &RouteRequest) -> anyhow::Result<Ground> {
        let pois = self.pois_within_reach(request);
        let region = self.region(&Reach::of(request));
        let network = match self.networks.borrow_mut().entry(region) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => new.insert(Rc::new(Network::from_bytes(&self.prepare(region)?)?)).clone(),
        };
        Ok(Ground { network, pois })
    }

    /// The bytes of the network that a worker would use for a request.
    pub fn network_for(&self, request: &RouteRequest) -> anyhow::Result<Vec<u8>> {
        self.prepare(self.region(&Reach::of(request)))
    }

    /// A name for that network, the same for requests that share it.
    pub fn network_name(&self, request: &RouteRequest) -> String {
        let Region { zoom, x, y } = self.region(&Reach::of(request));
        format!("{zoom}-{x}-{y}.network")
    }

    fn prepare(&self, region: Region) -> anyhow::Result<Vec<u8>> {
        Ok(Network::prepare(self.within(region.cells()).map(|cell| cell.bytes.as_slice()))?)
    }

    /// The finest region that holds the reach; fine ones are there only where a coarse one holds many streets.
    fn region(&self, reach: &Reach) -> Region {
        let (middle, cells) = (CellId::of(reach.center), reach.cells());
        let coarse = Region::of(middle, Region::COARSE);
        let segments: i64 = self.within(coarse.cells()).map(|cell| cell.segments as i64).sum();
        let fine = Region::of(middle, Region::FINE);
        let held = fine.cells().contains(cells.min) && fine.cells().contains(cells.max);
        if segments > Region::FEW_SEGMENTS && held { fine } else { coarse }
    }

    fn within(&self, cells: CellRange) -> impl Iterator<Item = &NetworkCell> {
        self.cells.iter().filter(move |cell| cells.contains(cell.id))
    }
}

impl Ground {
    /// The walk, with so many times the usual effort.
    pub fn walk(&self, request: &RouteRequest, effort: u32) -> Result<Route, Refusal> {
        let usual = Effort::default();
        let effort = Effort { iterations: usual.iterations * effort, ..usual };
        generate_route(&self.network, &self.pois, request, &effort)
    }
}

fn content(file: &Path) -> anyhow::Result<Content> {
    let extract = Extract::open(file, Progress::Quiet)?;
    let content = extract::read(&extract, &ThemeCatalogue::bundled(), None)?;
    ensure!(!content.cells.is_empty(), "{} holds no street that one can walk", file.display());
    Ok(content)
}

/// Reads an extract and prepares one network of all its streets.
pub(crate) fn build(extract: &Path, to: &Path) -> anyhow::Result<()> {
    let content = content(extract)?;
    let network = Network::prepare(content.cells.iter().map(|cell| cell.bytes.as_slice()))?;
    std::fs::write(to, network).with_context(|| format!("writing {}", to.display()))
}

/// Maps a prepared network into memory.
pub(crate) fn open(file: &Path) -> anyhow::Result<Network> {
    Network::open(file).with_context(|| format!("opening {}", file.display()))
}

/// Ways and times for a walker without wishes.
pub(crate) fn travel(network: &Network) -> Travel<'_> {
    network.travel(Accessibility::default())
}

/// Metres of the way between two points, each taken to the nearest street; its line is drawn as well.
pub(crate) fn route_m(travel: &mut Travel<'_>, from: Coordinate, to: Coordinate) -> Option<f64> {
    let (from, to) = (travel.snap(from, SNAP_M)?, travel.snap(to, SNAP_M)?);
    let path = travel.route(&from, &to)?;
    std::hint::black_box(&path.line);
    Some(path.distance_m)
}

/// Seconds from each point to each, where a way leads.
pub(crate) fn matrix_s(travel: &Travel<'_>, points: &[Coordinate]) -> Vec<Option<f64>> {
    let places: Vec<_> = points.iter().filter_map(|point| travel.snap(*point, SNAP_M)).collect();
    let times = travel.matrix(&places, &places);
    let pairs = (0..places.len()).flat_map(|row| (0..places.len()).map(move |column| (row, column)));
    pairs.map(|(row, column)| Some(f64::from(times.get(row, column)?) / 1000.0)).collect()
}

/// New weights for the whole network.
pub(crate) fn customize(network: &Network) {
    std::hint::black_box(network.customize(Accessibility::default()));
}
