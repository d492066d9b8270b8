//! The bytes of a prepared network: in memory, or a file that the system maps in page by page.

use std::{fs::File, path::Path};

use bytemuck::Pod;
use memmap2::Mmap;

use super::NetworkError;

const MAGIC: [u8; 8] = *b"WSNETWRK";
/// Of what the sections hold; another version is prepared anew from the cells.
pub(super) const FORMAT: u32 = 2;
/// Which kind of numbers each section holds: bytes in one of them.
pub(super) const SECTIONS: [usize; Section::COUNT] = [8, 4, 8, 16, 4, 8, 8, 4, 4, 4, 4, 4];
const HEADER: usize = 8 + 4 + 4 + Section::COUNT * 8;

/// What is in a prepared network, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Spots,
    FirstArcs,
    Arcs,
    Edges,
    FirstPoints,
    Points,
    SquareKeys,
    SquareFirsts,
    SquareEdges,
    UpwardFirsts,
    UpwardHeads,
    ArcsOfEdges,
}

impl Section {
    pub const COUNT: usize = 12;
}

enum Bytes {
    /// Eight bytes apart, so that every section lies where its numbers may lie.
    Held(Vec<u64>),
    Mapped(Mmap),
}

pub(super) struct Storage {
    bytes: Bytes,
    /// Where each section begins and ends.
    ranges: [(usize, usize); Section::COUNT],
}

impl Storage {
    pub fn hold(bytes: &[u8]) -> Result<Self, NetworkError> {
        let mut held = vec![0_u64; bytes.len().div_ceil(8)];
        bytemuck::cast_slice_mut(&mut held)[..bytes.len()].copy_from_slice(bytes);
        let ranges = sections(bytes)?;
        Ok(Self { bytes: Bytes::Held(held), ranges })
    }

    pub fn map(file: &File) -> Result<Self, NetworkError> {
        // SAFETY: a mapped file must not change while it is mapped. Whoever hands it over vouches for that: see
        // `Network::map`.
        #[expect(
            unsafe_code,
            reason = "mapping a file is unsafe by nature, and the one thing a library cannot hide"
        )]
        let mapped =
            unsafe { Mmap::map(file) }.map_err(|error| NetworkError::Unreadable(error.to_string()))?;
        let ranges = sections(&mapped)?;
        Ok(Self { bytes: Bytes::Mapped(mapped), ranges })
    }

    pub fn open(path: &Path) -> Result<Self, NetworkError> {
        let unreadable =
            |error: std::io::Error| NetworkError::Unreadable(format!("{}: {error}", path.display()));
        Self::map(&File::open(path).map_err(unreadable)?)
    }

    pub fn section<T: Pod>(&self, section: Section) -> &[T] {
        let bytes: &[u8] = match &self.bytes {
            Bytes::Held(held) => bytemuck::cast_slice(held),
            Bytes::Mapped(mapped) => mapped,
        };
        let (from, to) = self.ranges[section as usize];
        bytemuck::cast_slice(&bytes[from..to])
    }

    /// Bytes of all sections.
    pub fn len(&self) -> usize {
        self.ranges[Section::COUNT - 1].1
    }
}

/// Puts a prepared network together.
pub(super) fn assemble(sections: [&[u8]; Section::COUNT]) -> Vec<u8> {
    let mut body = Vec::with_capacity(sections.iter().map(|section| section.len() + 8).sum());
    for section in sections {
        body.extend_from_slice(section);
        body.resize(body.len().next_multiple_of(8), 0);
    }
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend(MAGIC);
    bytes.extend(FORMAT.to_le_bytes());
    let lengths: Vec<u8> = sections.iter().flat_map(|section| (section.len() as u64).to_le_bytes()).collect();
    bytes.extend(checksum(&lengths, &body).to_le_bytes());
    bytes.extend(lengths);
    bytes.extend(body);
    bytes
}

/// Finds the sections of a prepared network, and that no byte of them is wrong.
fn sections(bytes: &[u8]) -> Result<[(usize, usize); Section::COUNT], NetworkError> {
    // The sections are read as they lie in the file.
    const { assert!(cfg!(target_endian = "little"), "network files are for little-endian machines") };
    let rest = bytes.strip_prefix(&MAGIC).ok_or(NetworkError::NotANetwork)?;
    let (format, rest) = rest.split_first_chunk::<4>().ok_or(NetworkError::Damaged)?;
    let format = u32::from_le_bytes(*format);
    if format != FORMAT {
        return Err(NetworkError::OtherFormat(format));
    }
    let (sum, rest) = rest.split_first_chunk::<4>().ok_or(NetworkError::Damaged)?;
    let (lengths, body) = rest.split_at_checked(Section::COUNT * 8).ok_or(NetworkError::Damaged)?;
    if u32::from_le_bytes(*sum) != checksum(lengths, body) {
        return Err(NetworkError::Damaged);
    }
    let mut ranges = [(0, 0); Section::COUNT];
    let mut at = HEADER;
    for ((range, length), item) in ranges.iter_mut().zip(lengths.chunks_exact(8)).zip(SECTIONS) {
        let length = length.try_into().map(u64::from_le_bytes).unwrap_or(u64::MAX);
        let length = usize::try_from(length).map_err(|_| NetworkError::Damaged)?;
        let end = at.checked_add(length).filter(|&end| end <= bytes.len()).ok_or(NetworkError::Damaged)?;
        if length % item != 0 {
            return Err(NetworkError::Damaged);
        }
        *range = (at, end);
        at = end.next_multiple_of(8);
    }
    if at == bytes.len() { Ok(ranges) } else { Err(NetworkError::Damaged) }
}

/// Makes the checksum of a prepared network right; other bytes stay as they are.
pub(super) fn write_checksum(bytes: &mut [u8]) {
    if bytes.starts_with(&MAGIC) && bytes.len() >= HEADER {
        let sum = checksum(&bytes[16..HEADER], &bytes[HEADER..]).to_le_bytes();
        bytes[12..16].copy_from_slice(&sum);
    }
}

/// CRC-32: finds damage, does not stop forgery.
fn checksum(lengths: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(lengths);
    hasher.update(body);
    hasher.finalize()
}
