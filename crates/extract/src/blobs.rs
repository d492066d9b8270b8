//! Takes a file apart into blobs, none larger than the format allows and none that grows beyond measure when it is read.
//! The format: <https://wiki.openstreetmap.org/wiki/PBF_Format>

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use anyhow::{Context, bail, ensure};
use flate2::read::ZlibDecoder;
use osmpbf::{BlobDecode, BlobReader, HeaderBlock, PrimitiveBlock};

use crate::wire::{Fields, Schema, Value, count_fields, varint};

/// The format's own limits, in bytes.
const MAX_HEADER_BYTES: u32 = 64 * 1024;
const MAX_BLOB_BYTES: u64 = 32 * 1024 * 1024;
/// Fields of one block. Writers put 8,000 elements into a block; in 32 MiB there is room for 16 million empty ones, which
/// take a hundred times as much once they are read.
const MAX_FIELDS: usize = 1 << 21;

const INFO: Schema = Schema::Leaf;
/// Nodes, ways and relations keep their info under 4, dense nodes under 5.
const ELEMENT: Schema = Schema::Message(&[(4, INFO)]);
const DENSE: Schema = Schema::Message(&[(5, INFO)]);
const GROUP: Schema =
    Schema::Message(&[(1, ELEMENT), (2, DENSE), (3, ELEMENT), (4, ELEMENT), (5, Schema::Leaf)]);
const BLOCK: Schema = Schema::Message(&[(1, Schema::Leaf), (2, GROUP)]);

/// What is in a blob.
pub(crate) enum Block {
    Header(Box<HeaderBlock>),
    Data(PrimitiveBlock),
    /// Something that readers are to pass over.
    Other,
}

/// The blobs of a file.
pub(crate) struct Blobs {
    file: BufReader<File>,
    /// Where the next one begins.
    at: u64,
}

impl Blobs {
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        Ok(Self { file: BufReader::new(File::open(path)?), at: 0 })
    }

    /// Where the next blob begins.
    pub(crate) fn offset(&self) -> u64 {
        self.at
    }

    /// Goes to where a blob begins.
    pub(crate) fn seek(&mut self, offset: u64) -> anyhow::Result<()> {
        self.at = self.file.seek(SeekFrom::Start(offset))?;
        Ok(())
    }

    /// Reads the next blob; `None` at the end of the file.
    pub(crate) fn next(&mut self) -> anyhow::Result<Option<Block>> {
        if self.file.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let length = self.take(4)?;
        let length = length.iter().fold(0, |length, byte| length << 8 | u32::from(*byte));
        ensure!(length < MAX_HEADER_BYTES, "a blob's header of {length} bytes");
        let header = self.take(length.into())?;
        let (mut kind, mut size) = (None, None);
        for field in Fields(&header) {
            match field.context("in a blob's header")? {
                (1, Value::Bytes(bytes)) => kind = Some(bytes),
                (3, Value::Number(bytes)) => size = Some(bytes),
                _ => {}
            }
        }
        let size = size.context("a blob without a size")?;
        ensure!(size <= MAX_BLOB_BYTES, "a blob of {size} bytes");
        let blob = self.take(size)?;
        match kind.context("a blob without a type")? {
            kind @ b"OSMHeader" => decode(kind, &content(&blob)?, &Schema::Leaf).map(Some),
            kind @ b"OSMData" => decode(kind, &content(&blob)?, &BLOCK).map(Some),
            _ => Ok(Some(Block::Other)),
        }
    }

    fn take(&mut self, length: u64) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.by_ref().take(length).read_to_end(&mut bytes)?;
        ensure!(bytes.len() as u64 == length, "it ends within a blob");
        self.at += length;
        Ok(bytes)
    }
}

/// What a blob holds, unpacked.
fn content(blob: &[u8]) -> anyhow::Result<Vec<u8>> {
    let (mut packed, mut said) = (None, None);
    for field in Fields(blob) {
        match field.context("in a blob")? {
            (1, Value::Bytes(raw)) => return Ok(raw.to_vec()),
            (2, Value::Number(bytes)) => said = Some(bytes),
            (3, Value::Bytes(zlib)) => packed = Some(zlib),
            (4..=7, Value::Bytes(_)) => bail!("a blob is packed otherwise than with zlib"),
            _ => {}
        }
    }
    let packed = packed.context("a blob without content")?;
    let mut content = Vec::new();
    ZlibDecoder::new(packed).take(MAX_BLOB_BYTES).read_to_end(&mut content).context("unpacking a blob")?;
    let bytes = content.len() as u64;
    ensure!(bytes < MAX_BLOB_BYTES, "a blob that is more than {MAX_BLOB_BYTES} bytes when it is unpacked");
    ensure!(said.is_none_or(|said| said == bytes), "a blob has {bytes} bytes instead of those it says");
    Ok(content)
}

/// Hands what was unpacked and looked at to the reader of the format, as a blob that is not packed.
fn decode(kind: &[u8], content: &[u8], schema: &Schema) -> anyhow::Result<Block> {
    count_fields(content, schema, MAX_FIELDS)?;
    let mut body = vec![0x0a];
    varint(&mut body, content.len() as u64);
    let mut header = vec![0x0a, kind.len() as u8];
    header.extend(kind);
    header.push(0x18);
    varint(&mut header, (body.len() + content.len()) as u64);
    let framed = [&(header.len() as u32).to_be_bytes()[..], &header, &body].concat();
    let mut reader = BlobReader::new(framed.as_slice().chain(content));
    let blob = reader.next().context("no blob")??;
    Ok(match blob.decode()? {
        BlobDecode::OsmHeader(header) => Block::Header(header),
        BlobDecode::OsmData(block) => Block::Data(block),
        BlobDecode::Unknown(_) => Block::Other,
    })
}
