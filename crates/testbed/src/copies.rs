//! Makes a large extract of a small one: copies of it, side by side. The format: OpenStreetMap wiki, "PBF Format".

use anyhow::{Context, ensure};
use flate2::{Compression, write::ZlibEncoder};
use osmpbf::{Element, ElementReader, RelMemberType};
use std::{
    collections::HashMap,
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

/// Ids of a copy begin here, times its number: beyond all that OpenStreetMap uses.
const APART: i64 = 1 << 40;
/// More would lead to ids that are too large for a place.
const MOST: u32 = 1000;
/// Between two copies, in 1e-7 degrees: about a hundred metres.
const GAP: i64 = 10_000;
/// Elements of a block; the format's habit.
const BLOCK: usize = 8000;

/// An element that belongs to each copy.
struct Kept {
    id: i64,
    tags: Vec<(String, String)>,
    what: What,
}

enum What {
    /// Latitude and longitude, in 1e-7 degrees.
    Node([i64; 2]),
    Way(Vec<i64>),
    /// Kind, id and role of each member.
    Relation(Vec<(u64, i64, String)>),
}

/// Writes an extract that holds another one so many times, in rows, each copy with ids and coordinates of its own. The
/// first one is as it was, in the middle of the others.
pub fn write_copies(extract: &Path, copies: u32, to: &Path) -> anyhow::Result<()> {
    ensure!((1..=MOST).contains(&copies), "copies are from 1 to {MOST}");
    let mut elements = Vec::new();
    let reader =
        ElementReader::from_path(extract).with_context(|| format!("opening {}", extract.display()))?;
    reader
        .for_each(|element| elements.push(Kept::of(&element)))
        .with_context(|| format!("reading {}", extract.display()))?;
    let corners =
        elements.iter().filter_map(|kept| if let What::Node(at) = kept.what { Some(at) } else { None });
    let [(south, north), (west, east)] = [0, 1].map(|axis| {
        let values = || corners.clone().map(move |at| at[axis]);
        (values().min().unwrap_or(0), values().max().unwrap_or(0))
    });
    let size = [north - south + GAP, east - west + GAP];
    let columns = f64::from(copies).sqrt().ceil() as i64;
    let middle = columns / 2 * columns + columns / 2;
    ensure!(
        south - size[0] * columns / 2 > -850_000_000
            && north + size[0] * columns / 2 < 850_000_000
            && west - size[1] * columns / 2 > -1_800_000_000
            && east + size[1] * columns / 2 < 1_800_000_000,
        "{copies} copies of {} have no room on Earth",
        extract.display()
    );
    let mut file = BufWriter::new(File::create(to).with_context(|| format!("writing {}", to.display()))?);
    let mut header = Message::default();
    header.bytes(4, b"OsmSchema-V0.6");
    file.write_all(&blob("OSMHeader", &header.0)?)?;
    for copy in 0..i64::from(copies) {
        // The first one takes the place in the middle, and the one that had it the first place.
        let place = if copy == 0 {
            middle
        } else if copy == middle {
            0
        } else {
            copy
        };
        let shift = [(place / columns - columns / 2) * size[0], (place % columns - columns / 2) * size[1]];
        for block in elements.chunks(BLOCK) {
            file.write_all(&blob("OSMData", &encode(block, copy * APART, shift))?)?;
        }
    }
    file.flush().with_context(|| format!("writing {}", to.display()))
}

impl Kept {
    fn of(element: &Element<'_>) -> Self {
        let strings = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        match element {
            Element::Node(node) => {
                let at = [node.decimicro_lat().into(), node.decimicro_lon().into()];
                Self { id: node.id(), tags: node.tags().map(strings).collect(), what: What::Node(at) }
            }
            Element::DenseNode(node) => {
                let at = [node.decimicro_lat().into(), node.decimicro_lon().into()];
                Self { id: node.id(), tags: node.tags().map(strings).collect(), what: What::Node(at) }
            }
            Element::Way(way) => {
                let what = What::Way(way.refs().collect());
                Self { id: way.id(), tags: way.tags().map(strings).collect(), what }
            }
            Element::Relation(relation) => {
                let member = |member: osmpbf::RelMember<'_>| {
                    let kind = match member.member_type {
                        RelMemberType::Node => 0,
                        RelMemberType::Way => 1,
                        RelMemberType::Relation => 2,
                    };
                    (kind, member.member_id, member.role().unwrap_or_default().to_owned())
                };
                let what = What::Relation(relation.members().map(member).collect());
                Self { id: relation.id(), tags: relation.tags().map(strings).collect(), what }
            }
        }
    }
}

/// A PrimitiveBlock.
fn encode(elements: &[Kept], ids: i64, shift: [i64; 2]) -> Vec<u8> {
    let mut strings = Strings { table: vec![""], numbers: HashMap::new() };
    // A group holds elements of one kind; these are in the order of the file.
    let mut groups: [Message; 3] = Default::default();
    // Nodes are told column by column, as everybody does: DuckDB's reader passes over any others.
    let (mut nodes, mut node_tags) = (Vec::new(), Vec::new());
    for kept in elements {
        let mut message = Message::default();
        let keys: Vec<u64> = kept.tags.iter().map(|(key, _)| strings.number(key)).collect();
        let values: Vec<u64> = kept.tags.iter().map(|(_, value)| strings.number(value)).collect();
        let id = kept.id + ids;
        if let What::Node([lat, lon]) = kept.what {
            nodes.push([id, lat + shift[0], lon + shift[1]]);
            node_tags.extend(keys.into_iter().zip(values).flat_map(|(key, value)| [key, value]));
            node_tags.push(0);
            continue;
        }
        message.number(1, id as u64);
        message.packed(2, keys.into_iter());
        message.packed(3, values.into_iter());
        match &kept.what {
            What::Node(_) => {}
            What::Way(nodes) => {
                message.packed(8, deltas(nodes.iter().map(|node| node + ids)));
                groups[1].bytes(3, &message.0);
            }
            What::Relation(members) => {
                let roles: Vec<u64> = members.iter().map(|(.., role)| strings.number(role)).collect();
                message.packed(8, roles.into_iter());
                message.packed(9, deltas(members.iter().map(|(_, id, _)| id + ids)));
                message.packed(10, members.iter().map(|(kind, ..)| *kind));
                groups[2].bytes(4, &message.0);
            }
        }
    }
    if !nodes.is_empty() {
        let mut dense = Message::default();
        for (field, column) in [(1, 0), (8, 1), (9, 2)] {
            dense.packed(field, deltas(nodes.iter().map(|node| node[column])));
        }
        dense.packed(10, node_tags.into_iter());
        groups[0].bytes(2, &dense.0);
    }
    let mut table = Message::default();
    strings.table.iter().for_each(|string| table.bytes(1, string.as_bytes()));
    let mut block = Message::default();
    block.bytes(1, &table.0);
    groups.iter().filter(|group| !group.0.is_empty()).for_each(|group| block.bytes(2, &group.0));
    block.0
}

struct Strings<'a> {
    table: Vec<&'a str>,
    numbers: HashMap<&'a str, u64>,
}

impl<'a> Strings<'a> {
    fn number(&mut self, string: &'a str) -> u64 {
        let next = self.table.len() as u64;
        let number = *self.numbers.entry(string).or_insert(next);
        if number == next {
            self.table.push(string);
        }
        number
    }
}

/// A message of Protocol Buffers on its way.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn packed(&mut self, field: u64, values: impl Iterator<Item = u64>) {
        let mut packed = Self::default();
        values.for_each(|value| packed.varint(value));
        self.bytes(field, &packed.0);
    }
}

/// Packed, since DuckDB's reader takes no others.
fn blob(kind: &str, content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(content)?;
    let mut body = Message::default();
    body.number(2, content.len() as u64);
    body.bytes(3, &packed.finish()?);
    let mut header = Message::default();
    header.bytes(1, kind.as_bytes());
    header.number(3, body.0.len() as u64);
    Ok([&(header.0.len() as u32).to_be_bytes()[..], &header.0, &body.0].concat())
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn deltas(ids: impl Iterator<Item = i64>) -> impl Iterator<Item = u64> {
    let mut last = 0;
    ids.map(move |id| zigzag(id - std::mem::replace(&mut last, id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scratch, workspace};

    #[derive(Debug, Default, PartialEq)]
    struct Counts {
        nodes: usize,
        refs: usize,
        members: usize,
        tags: usize,
    }

    fn count(file: &Path) -> (Counts, HashMap<i64, [i64; 2]>) {
        let (mut counts, mut nodes) = (Counts::default(), HashMap::new());
        let reader = ElementReader::from_path(file).unwrap();
        reader
            .for_each(|element| {
                let kept = Kept::of(&element);
                counts.tags += kept.tags.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
                match kept.what {
                    What::Node(at) => assert_eq!(nodes.insert(kept.id, at), None, "{} comes twice", kept.id),
                    What::Way(refs) => counts.refs += refs.len(),
                    What::Relation(members) => counts.members += members.len(),
                }
            })
            .unwrap();
        counts.nodes = nodes.len();
        (counts, nodes)
    }

    #[test]
    fn copies_hold_all_that_the_extract_holds_and_the_first_is_where_it_was() {
        let scratch = Scratch::new("copies").unwrap();
        let to = scratch.path().join("copies.osm.pbf");
        write_copies(&workspace::bundled_city(), 5, &to).unwrap();
        let ((one, nodes), (five, copied)) = (count(&workspace::bundled_city()), count(&to));
        let times_five = [one.nodes, one.refs, one.members, one.tags].map(|number| number * 5);
        assert_eq!([five.nodes, five.refs, five.members, five.tags], times_five);
        assert!(nodes.iter().all(|(id, at)| copied[id] == *at));
        let (id, at) = nodes.iter().next().unwrap();
        let spots: std::collections::BTreeSet<_> = (0..5).map(|copy| copied[&(id + copy * APART)]).collect();
        assert!(spots.len() == 5 && spots.contains(at), "{spots:?}");
        assert!(write_copies(&workspace::bundled_city(), 0, &to).is_err());
    }
}
