use std::{fs::File, path::Path, sync::OnceLock};

use bytemuck::{Pod, Zeroable};

use super::{
    Attributes, NetworkError,
    grid::Grid,
    prepare,
    storage::{FORMAT, Section, Storage},
};
use crate::{profile::Steps, spot::Spot, travel::Profile};

/// A prepared street network, ready to be searched. Immutable, to be shared.
///
/// Its bytes are used as they lie in memory or in a mapped file; nothing is unpacked. What depends on who walks (see
/// [`Travel`](crate::Travel)) is worked out when it is first asked for, and kept.
pub struct Network {
    storage: Storage,
    profiles: [OnceLock<Profile>; Steps::COUNT * 2],
}

/// An edge as seen from one of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Arc {
    /// The node it leads to.
    pub head: u32,
    /// The edge, twice, and one more where it is walked from its last point to its first.
    pub directed: u32,
}

/// Edges are numbered in 31 bits.
pub(super) const MOST_EDGES: usize = 1 << 30;
/// An edge that has no arc in the hierarchy: a loop, or private.
pub(crate) const NO_ARC: u32 = u32::MAX;

impl Arc {
    pub(super) fn new(head: u32, edge: u32, backward: bool) -> Self {
        Self { head, directed: edge << 1 | u32::from(backward) }
    }

    pub fn edge(self) -> u32 {
        self.directed >> 1
    }

    /// Walked from the edge's last point to its first.
    pub fn backward(self) -> bool {
        self.directed & 1 == 1
    }

    /// The same edge, walked the other way.
    pub fn reversed(self) -> u32 {
        self.directed ^ 1
    }
}

/// A piece of street between two junctions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Edge {
    pub from: u32,
    pub to: u32,
    pub length_mm: u32,
    pub attributes: Attributes,
}

impl Network {
    /// The format of the bytes that [`prepare`](Self::prepare) makes. A network of another format is refused; it can be
    /// prepared anew from its cells.
    pub const FORMAT: u32 = FORMAT;

    /// Prepares the network of some cells: stitches them together and works out in which order a search best goes
    /// through the junctions. The result is for [`from_bytes`](Self::from_bytes), or to be written to a file. Takes about
    /// ten microseconds a street. The same cells give the same bytes, in whatever order they come.
    pub fn prepare<'a>(cells: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, NetworkError> {
        prepare::prepare(cells)
    }

    /// Prepares and loads in one.
    pub fn from_cells<'a>(cells: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, NetworkError> {
        Self::from_bytes(&Self::prepare(cells)?)
    }

    /// Loads a prepared network; the bytes are copied.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NetworkError> {
        Self::of(Storage::hold(bytes)?)
    }

    /// Maps a file with a prepared network into memory: only the parts that are used take room, and the system may drop
    /// them. The file must not be changed or cut while the network is in use; to be sure, replace it instead of writing
    /// into it, or remove its name once it is open.
    pub fn open(path: &Path) -> Result<Self, NetworkError> {
        Self::of(Storage::open(path)?)
    }

    /// The same for a file that is open already.
    pub fn map(file: &File) -> Result<Self, NetworkError> {
        Self::of(Storage::map(file)?)
    }

    fn of(storage: Storage) -> Result<Self, NetworkError> {
        let network = Self { storage, profiles: Default::default() };
        if network.is_sound() { Ok(network) } else { Err(NetworkError::Damaged) }
    }

    /// Whether every number leads somewhere: bytes that were made by something else than [`prepare`](Self::prepare) do no
    /// harm.
    fn is_sound(&self) -> bool {
        let rises_to = |firsts: &[u32], count: usize, to: usize| {
            firsts.len() == count
                && firsts.first() == Some(&0)
                && firsts.last().is_some_and(|&last| last as usize == to)
                && firsts.is_sorted()
        };
        let (nodes, edges) = (self.node_count(), self.edges().len());
        let known = |node: u32| (node as usize) < nodes;
        let (upward_firsts, upward_heads) = self.upward();
        let points = self.storage.section::<Spot>(Section::Points);
        let first_points = self.storage.section::<u32>(Section::FirstPoints);
        rises_to(self.storage.section(Section::FirstArcs), nodes + 1, self.all_arcs().len())
            && self.all_arcs().len() == edges * 2
            && self.all_arcs().iter().all(|arc| known(arc.head) && (arc.edge() as usize) < edges)
            && self.edges().iter().all(|edge| known(edge.from) && known(edge.to))
            && rises_to(first_points, edges + 1, points.len())
            && first_points.windows(2).all(|pair| pair[1] - pair[0] >= 2)
            && points.iter().chain(self.spots()).all(|spot| Spot::new(spot.lon.into(), spot.lat.into()).is_some())
            && self.grid().is_sound(edges)
            && rises_to(upward_firsts, nodes + 1, upward_heads.len())
            && (0..nodes).all(|node| {
                let heads = |node: usize| {
                    &upward_heads[upward_firsts[node] as usize..upward_firsts[node + 1] as usize]
                };
                let later = heads(node);
                later.iter().all(|&head| known(head) && head as usize > node)
                    && later.is_sorted_by(|a, b| a < b)
                    // With the next of them a node shares all the others, so any two of them are neighbours.
                    && later.split_first().is_none_or(|(&next, others)| holds_all(heads(next as usize), others))
            })
            && self.arcs_of_edges().len() == edges
            && self.arcs_of_edges().iter().all(|&arc| arc == NO_ARC || (arc as usize) < upward_heads.len())
    }

    /// Bytes it takes in memory, or in its file, with what was worked out from it.
    pub fn memory_bytes(&self) -> usize {
        self.storage.len()
            + self.profiles.iter().filter_map(OnceLock::get).map(Profile::memory_bytes).sum::<usize>()
    }

    /// No street at all.
    pub fn is_empty(&self) -> bool {
        self.edges().is_empty()
    }

    /// Junctions and ends of streets.
    pub fn node_count(&self) -> usize {
        self.spots().len()
    }

    /// Pieces of street between them.
    pub fn edge_count(&self) -> usize {
        self.edges().len()
    }

    pub(crate) fn spots(&self) -> &[Spot] {
        self.storage.section(Section::Spots)
    }

    pub(crate) fn edges(&self) -> &[Edge] {
        self.storage.section(Section::Edges)
    }

    pub(crate) fn edge(&self, edge: u32) -> &Edge {
        &self.edges()[edge as usize]
    }

    pub(crate) fn all_arcs(&self) -> &[Arc] {
        self.storage.section(Section::Arcs)
    }

    pub(crate) fn first_arcs(&self) -> &[u32] {
        self.storage.section(Section::FirstArcs)
    }

    pub(crate) fn arcs(&self, node: u32) -> &[Arc] {
        let first = self.first_arcs();
        &self.all_arcs()[first[node as usize] as usize..first[node as usize + 1] as usize]
    }

    pub(crate) fn line(&self, edge: u32) -> &[Spot] {
        let first = self.storage.section::<u32>(Section::FirstPoints);
        let range = first[edge as usize] as usize..first[edge as usize + 1] as usize;
        &self.storage.section(Section::Points)[range]
    }

    pub(crate) fn grid(&self) -> Grid<'_> {
        Grid {
            keys: self.storage.section(Section::SquareKeys),
            firsts: self.storage.section(Section::SquareFirsts),
            edges: self.storage.section(Section::SquareEdges),
        }
    }

    /// Where the arcs of each node to those contracted after it begin, and where they lead.
    pub(crate) fn upward(&self) -> (&[u32], &[u32]) {
        (self.storage.section(Section::UpwardFirsts), self.storage.section(Section::UpwardHeads))
    }

    /// The arc of the hierarchy that stands for each edge.
    pub(crate) fn arcs_of_edges(&self) -> &[u32] {
        self.storage.section(Section::ArcsOfEdges)
    }

    /// What walking takes for those who treat steps and darkness so.
    pub(crate) fn profile(&self, steps: Steps, prefer_well_lit: bool) -> &Profile {
        let number = steps as usize * 2 + usize::from(prefer_well_lit);
        self.profiles[number].get_or_init(|| Profile::of(self, steps, prefer_well_lit))
    }
}

/// Whether a sorted list holds all of another.
fn holds_all(list: &[u32], others: &[u32]) -> bool {
    let mut rest = list.iter();
    others.iter().all(|other| rest.any(|item| item == other))
}
