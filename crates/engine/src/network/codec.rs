//! The bytes of a cell: `WSNC`, a version, a checksum, then segments as variable-length integers, each a difference
//! to what came before.

use thiserror::Error;

use super::{Attributes, cell::Segment};
use crate::spot::Spot;

const MAGIC: [u8; 4] = *b"WSNC";
const VERSION: u8 = 2;
const HEADER: usize = 4 + 1 + 8;

/// Why bytes are no network, or no cell of one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NetworkError {
    /// The bytes are of something else.
    #[error("these bytes are no network cell")]
    NotACell,
    /// The same, where a prepared network is expected.
    #[error("these bytes are no prepared street network")]
    NotANetwork,
    /// The cell was written by another version of the engine.
    #[error("the network cell has format {0}, this engine reads format {VERSION}: run the ingest again")]
    OtherVersion(u8),
    /// The network was prepared by another version of the engine.
    #[error("the prepared network has format {0}, this engine reads format {expected}: run the ingest again",
            expected = super::Network::FORMAT)]
    OtherFormat(u32),
    /// Bytes are missing or were changed.
    #[error("the street network is damaged")]
    Damaged,
    /// The file could not be read.
    #[error("the street network cannot be read: {0}")]
    Unreadable(String),
    /// More streets than 32-bit numbers can count.
    #[error("the network cells hold too many streets for one network")]
    TooLarge,
}

pub(super) fn encode(segments: &[Segment]) -> Vec<u8> {
    let mut body = Vec::new();
    unsigned(&mut body, segments.len() as u64);
    let (mut way, mut node, mut at) = (0, 0, Spot { lon: 0, lat: 0 });
    for segment in segments {
        signed(&mut body, segment.way.wrapping_sub(way));
        unsigned(&mut body, u64::from(segment.index));
        signed(&mut body, segment.from.wrapping_sub(node));
        signed(&mut body, segment.to.wrapping_sub(segment.from));
        unsigned(&mut body, u64::from(segment.attributes.0));
        unsigned(&mut body, segment.points.len() as u64);
        for &point in &segment.points {
            signed(&mut body, i64::from(point.lon) - i64::from(at.lon));
            signed(&mut body, i64::from(point.lat) - i64::from(at.lat));
            at = point;
        }
        (way, node) = (segment.way, segment.to);
    }
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend(MAGIC);
    bytes.push(VERSION);
    bytes.extend(checksum(&body).to_le_bytes());
    bytes.extend(body);
    bytes
}

pub(super) fn decode(bytes: &[u8], segments: &mut Vec<Segment>) -> Result<(), NetworkError> {
    let header = bytes.strip_prefix(&MAGIC).ok_or(NetworkError::NotACell)?;
    match header.first() {
        Some(&VERSION) => {}
        Some(&other) => return Err(NetworkError::OtherVersion(other)),
        None => return Err(NetworkError::Damaged),
    }
    let (sum, body) = header[1..].split_first_chunk::<8>().ok_or(NetworkError::Damaged)?;
    if u64::from_le_bytes(*sum) != checksum(body) {
        return Err(NetworkError::Damaged);
    }
    Reader(body).segments(segments).ok_or(NetworkError::Damaged)
}

/// Makes the checksum of a cell right; other bytes stay as they are.
pub(super) fn write_checksum(bytes: &mut [u8]) {
    if bytes.starts_with(&MAGIC) && bytes.len() >= HEADER {
        let sum = checksum(&bytes[HEADER..]).to_le_bytes();
        bytes[HEADER - 8..HEADER].copy_from_slice(&sum);
    }
}

/// FNV-1a, 64 bits: finds damage, does not stop forgery.
fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Seven bits a byte, lowest first (LEB128).
fn unsigned(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Zig-zag: small numbers of either sign stay short.
fn signed(bytes: &mut Vec<u8>, value: i64) {
    unsigned(bytes, (value.wrapping_shl(1) ^ (value >> 63)) as u64);
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn segments(mut self, segments: &mut Vec<Segment>) -> Option<()> {
        let count = self.unsigned()?;
        let (mut way, mut node, mut at) = (0_i64, 0_i64, (0_i64, 0_i64));
        for _ in 0..count {
            way = way.wrapping_add(self.signed()?);
            let index = u32::try_from(self.unsigned()?).ok()?;
            let from = node.wrapping_add(self.signed()?);
            let to = from.wrapping_add(self.signed()?);
            let attributes = Attributes(u32::try_from(self.unsigned()?).ok()?);
            let length = usize::try_from(self.unsigned()?).ok()?;
            // Two bytes a point at least: a wrong count must not make us reserve the world.
            if length < 2 || length > self.0.len() / 2 {
                return None;
            }
            let mut points = Vec::with_capacity(length);
            for _ in 0..length {
                at = (at.0.checked_add(self.signed()?)?, at.1.checked_add(self.signed()?)?);
                points.push(Spot::new(at.0, at.1)?);
            }
            node = to;
            segments.push(Segment { way, index, from, to, attributes, points });
        }
        self.0.is_empty().then_some(())
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.unsigned()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn segment() -> impl Strategy<Value = Segment> {
        let spot = (-1_800_000_000..=1_800_000_000_i32, -900_000_000..=900_000_000_i32)
            .prop_map(|(lon, lat)| Spot { lon, lat });
        (
            any::<i64>(),
            any::<u32>(),
            any::<i64>(),
            any::<i64>(),
            any::<u32>(),
            prop::collection::vec(spot, 2..5),
        )
            .prop_map(|(way, index, from, to, bits, points)| Segment {
                way,
                index,
                from,
                to,
                attributes: Attributes(bits),
                points,
            })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(segments in prop::collection::vec(segment(), 0..5)) {
            let mut read = Vec::new();
            decode(&encode(&segments), &mut read).unwrap();
            prop_assert_eq!(read, segments);
        }

        #[test]
        fn any_bytes_behind_a_right_checksum_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut bytes = MAGIC.to_vec();
            bytes.push(VERSION);
            bytes.extend(checksum(&body).to_le_bytes());
            bytes.extend(body);
            let _ = decode(&bytes, &mut Vec::new());
        }
    }
}
