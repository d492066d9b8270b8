use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Utc};
use domain::{Bounds, Coordinate, OsmKind, Tags, osm_timestamp};
use osmpbf::{Element, HeaderBlock, PrimitiveBlock, RelMemberType, Relation};
use sha2::{Digest, Sha256};

use crate::{
    Progress,
    blobs::{Blobs, Block},
    guard::guarded,
};

/// What a file may demand of its reader.
const UNDERSTOOD: [&str; 2] = ["OsmSchema-V0.6", "DenseNodes"];

/// An `.osm.pbf` file that was read once from end to end and found whole.
#[derive(Debug)]
pub struct Extract {
    path: PathBuf,
    progress: Progress,
    blobs: Vec<BlobIndex>,
    /// Its size.
    pub bytes: u64,
    /// Its hash, in hex.
    pub sha256: String,
    /// What the file says it covers, else the rectangle around its nodes.
    pub bounds: Bounds,
    /// How new the data is: what the file says, else its newest element.
    pub timestamp: Option<DateTime<Utc>>,
}

/// The ways of a multipolygon relation, by number.
pub(crate) struct AreaMembers {
    pub outer: Vec<i64>,
    pub inner: Vec<i64>,
}

impl AreaMembers {
    pub(crate) fn of(relation: &Relation<'_>) -> Self {
        let ways = relation.members().filter(|member| member.member_type == RelMemberType::Way);
        let is_inner = |role: osmpbf::Result<&str>| role.is_ok_and(|role| role == "inner");
        let (inner, outer): (Vec<_>, Vec<_>) = ways.partition(|member| is_inner(member.role()));
        let ids = |members: Vec<osmpbf::RelMember<'_>>| members.iter().map(|way| way.member_id).collect();
        Self { outer: ids(outer), inner: ids(inner) }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = i64> {
        self.outer.iter().chain(&self.inner).copied()
    }
}

/// Where a block is, and what is in it: a later pass opens only the blocks it needs.
#[derive(Clone, Copy, Debug)]
struct BlobIndex {
    offset: u64,
    bytes: u64,
    holds: [bool; 3],
}

impl Extract {
    /// Reads the file once, to know it is whole before anything is done with it.
    pub fn open(path: &Path, progress: Progress) -> anyhow::Result<Self> {
        let bytes = std::fs::metadata(path).with_context(|| format!("opening {}", path.display()))?.len();
        let step = progress.bytes("Checking the extract", 2 * bytes);
        let sha256 = sha256_of(path, |read| step.advance(read))?;
        let name = path.display();
        let scan = guarded(|| Scan::of(path, |offset| step.at(bytes + offset)))
            .with_context(|| format!("{name} is damaged, or no .osm.pbf file"))?;
        let header = scan.header.with_context(|| format!("{name} is no .osm.pbf file: it has no header"))?;
        let bounds = header_bounds(&header)
            .or_else(|| Bounds::around(scan.corners.into_iter().flatten()))
            .with_context(|| format!("{name} contains no nodes"))?;
        let mut blobs = scan.blobs;
        let ends = blobs.iter().skip(1).map(|blob| blob.offset).chain([bytes]).collect::<Vec<_>>();
        blobs.iter_mut().zip(ends).for_each(|(blob, end)| blob.bytes = end.saturating_sub(blob.offset));
        let stated = header.osmosis_replication_timestamp();
        let stated = stated.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let timestamp = stated.and_then(|stated| osm_timestamp(stated, Utc::now())).or(scan.newest);
        Ok(Self { path: path.into(), progress, blobs, bytes, sha256, bounds, timestamp })
    }

    /// The name of the file.
    pub fn name(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Calls `visit` with every element of a kind, in the order of the file.
    pub(crate) fn each(
        &self,
        what: &'static str,
        kind: OsmKind,
        mut visit: impl FnMut(Element<'_>),
    ) -> anyhow::Result<()> {
        let blobs = || self.blobs.iter().filter(|blob| blob.holds[kind as usize]);
        let step = self.progress.bytes(what, blobs().map(|blob| blob.bytes).sum());
        let mut reader = Blobs::open(&self.path)?;
        for blob in blobs() {
            // It was whole a moment ago, so whoever changed it did so while we read.
            let read = reader.seek(blob.offset).and_then(|()| reader.next());
            let Some(Block::Data(block)) = read.context("the extract changed while it was read")? else {
                bail!("the extract changed while it was read");
            };
            for element in block.elements().filter(|element| kind_of(element) == kind) {
                visit(element);
            }
            step.advance(blob.bytes);
        }
        Ok(())
    }
}

#[derive(Default)]
struct Scan {
    header: Option<HeaderBlock>,
    blobs: Vec<BlobIndex>,
    /// Two corners of the rectangle around all nodes.
    corners: Option<[Coordinate; 2]>,
    newest: Option<DateTime<Utc>>,
}

impl Scan {
    /// Reads a file from end to end.
    fn of(path: &Path, at: impl Fn(u64)) -> anyhow::Result<Self> {
        let mut blobs = Blobs::open(path)?;
        let (mut scan, now) = (Self::default(), Utc::now());
        loop {
            let offset = blobs.offset();
            let Some(block) = blobs.next()? else { return Ok(scan) };
            scan.take(offset, block, now)?;
            at(offset);
        }
    }

    fn take(&mut self, offset: u64, block: Block, now: DateTime<Utc>) -> anyhow::Result<()> {
        match block {
            Block::Header(header) => {
                let demands = header.required_features();
                if let Some(strange) = demands.iter().find(|demand| !UNDERSTOOD.contains(&demand.as_str())) {
                    bail!("it demands {strange}, which is not understood here");
                }
                self.header = Some(*header);
            }
            Block::Data(block) => {
                ensure!(self.header.is_some(), "it has data before its header");
                let holds = self.look_at(&block, now);
                self.blobs.push(BlobIndex { offset, bytes: 0, holds });
            }
            Block::Other => {}
        }
        Ok(())
    }

    fn look_at(&mut self, block: &PrimitiveBlock, now: DateTime<Utc>) -> [bool; 3] {
        let mut holds = [false; 3];
        for element in block.elements() {
            holds[kind_of(&element) as usize] = true;
            let (at, timestamp) = match &element {
                Element::Node(node) => {
                    (Coordinate::new(node.lon(), node.lat()), node.info().milli_timestamp())
                }
                Element::DenseNode(node) => {
                    (Coordinate::new(node.lon(), node.lat()), node.info().map(|info| info.milli_timestamp()))
                }
                Element::Way(way) => (None, way.info().milli_timestamp()),
                Element::Relation(relation) => (None, relation.info().milli_timestamp()),
            };
            // 0 is what writers put where they left the time out.
            let timestamp = timestamp.and_then(DateTime::from_timestamp_millis);
            self.newest = self.newest.max(timestamp.and_then(|stated| osm_timestamp(stated, now)));
            if let Some(at) = at {
                self.corners = Bounds::around([at].into_iter().chain(self.corners.into_iter().flatten()))
                    .and_then(|around| {
                        let southwest = Coordinate::new(around.min_lon, around.min_lat)?;
                        Some([southwest, Coordinate::new(around.max_lon, around.max_lat)?])
                    });
            }
        }
        holds
    }
}

fn kind_of(element: &Element<'_>) -> OsmKind {
    match element {
        Element::Node(_) | Element::DenseNode(_) => OsmKind::Node,
        Element::Way(_) => OsmKind::Way,
        Element::Relation(_) => OsmKind::Relation,
    }
}

fn header_bounds(header: &HeaderBlock) -> Option<Bounds> {
    let bbox = header.bbox()?;
    // Nanodegrees come as products such as 24.935200000000002.
    let degrees = |value: f64| (value * 1e9).round() / 1e9;
    let southwest = Coordinate::new(degrees(bbox.left), degrees(bbox.bottom))?;
    let northeast = Coordinate::new(degrees(bbox.right), degrees(bbox.top))?;
    let has_area = southwest.lon() < northeast.lon() && southwest.lat() < northeast.lat();
    has_area.then(|| Bounds::around([southwest, northeast])).flatten()
}

/// The tags of an element. PostgreSQL cannot store a NUL, which only a broken editor writes.
pub(crate) fn tags<'a>(tags: impl Iterator<Item = (&'a str, &'a str)>) -> Tags {
    tags.map(|(key, value)| (key.replace('\0', ""), value.replace('\0', ""))).collect()
}

/// The hash of a file, in hex.
pub fn sha256_of(path: &Path, mut on_read: impl FnMut(u64)) -> anyhow::Result<String> {
    let mut file = BufReader::new(File::open(path).with_context(|| format!("opening {}", path.display()))?);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).with_context(|| format!("reading {}", path.display()))? {
            0 => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            read => {
                hash.update(&buffer[..read]);
                on_read(read as u64);
            }
        }
    }
}
