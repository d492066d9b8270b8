//! Writes small `.osm.pbf` files. The format: <https://wiki.openstreetmap.org/wiki/PBF_Format>

/// The way that is a member, and its role.
type Member = (i64, &'static str);

/// The content of a small extract.
#[derive(Clone, Default)]
pub struct Osm {
    pub nodes: Vec<(i64, f64, f64, &'static str)>,
    pub ways: Vec<(i64, Vec<i64>, &'static str)>,
    pub relations: Vec<(i64, Vec<Member>, &'static str)>,
    /// Seconds since 1970.
    pub timestamp: Option<u64>,
    pub demands: Vec<&'static str>,
}

impl Osm {
    pub fn node(mut self, id: i64, lon: f64, lat: f64, tags: &'static str) -> Self {
        self.nodes.push((id, lon, lat, tags));
        self
    }

    pub fn way(mut self, id: i64, nodes: &[i64], tags: &'static str) -> Self {
        self.ways.push((id, nodes.to_vec(), tags));
        self
    }

    pub fn relation(mut self, id: i64, members: &[Member], tags: &'static str) -> Self {
        self.relations.push((id, members.to_vec(), tags));
        self
    }

    pub fn at(mut self, timestamp: u64) -> Self {
        // Seconds after the beginning of 2020: data of 1970 there is none.
        self.timestamp = Some(1_577_836_800 + timestamp);
        self
    }

    pub fn without(mut self, node: i64) -> Self {
        self.nodes.retain(|(id, ..)| *id != node);
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut header = Message::default();
        for demand in ["OsmSchema-V0.6"].iter().chain(&self.demands) {
            header.bytes(4, demand.as_bytes());
        }
        if let Some(timestamp) = self.timestamp {
            header.number(32, timestamp);
        }
        let mut strings = vec![String::new()];
        let mut nodes = Message::default();
        for (id, lon, lat, tags) in &self.nodes {
            let mut node = Message::default();
            node.number(1, zigzag(*id));
            node.tags(tags, &mut strings);
            node.number(8, zigzag((lat * 1e7).round() as i64));
            node.number(9, zigzag((lon * 1e7).round() as i64));
            nodes.bytes(1, &node.0);
        }
        let mut ways = Message::default();
        for (id, refs, tags) in &self.ways {
            let mut way = Message::default();
            way.number(1, *id as u64);
            way.tags(tags, &mut strings);
            way.packed(8, &deltas(refs.iter().copied()));
            ways.bytes(3, &way.0);
        }
        let mut relations = Message::default();
        for (id, members, tags) in &self.relations {
            let mut relation = Message::default();
            relation.number(1, *id as u64);
            relation.tags(tags, &mut strings);
            let roles: Vec<u64> = members.iter().map(|(_, role)| index_of(role, &mut strings)).collect();
            relation.packed(8, &roles);
            relation.packed(9, &deltas(members.iter().map(|(id, _)| *id)));
            relation.packed(10, &vec![1; members.len()]);
            relations.bytes(4, &relation.0);
        }
        let mut table = Message::default();
        strings.iter().for_each(|string| table.bytes(1, string.as_bytes()));
        let mut block = Message::default();
        block.bytes(1, &table.0);
        [nodes, ways, relations].iter().for_each(|group| block.bytes(2, &group.0));
        [blob("OSMHeader", &header.0), blob("OSMData", &block.0)].concat()
    }
}

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

    fn packed(&mut self, field: u64, values: &[u64]) {
        let mut packed = Self::default();
        values.iter().for_each(|value| packed.varint(*value));
        self.bytes(field, &packed.0);
    }

    /// Tags written as `key=value key=value`.
    fn tags(&mut self, tags: &str, strings: &mut Vec<String>) {
        let pairs = || tags.split_whitespace().filter_map(|tag| tag.split_once('='));
        let keys: Vec<u64> = pairs().map(|(key, _)| index_of(key, strings)).collect();
        let values: Vec<u64> = pairs().map(|(_, value)| index_of(value, strings)).collect();
        self.packed(2, &keys);
        self.packed(3, &values);
    }
}

fn blob(kind: &str, content: &[u8]) -> Vec<u8> {
    let mut body = Message::default();
    body.bytes(1, content);
    let mut header = Message::default();
    header.bytes(1, kind.as_bytes());
    header.number(3, body.0.len() as u64);
    [&(header.0.len() as u32).to_be_bytes()[..], &header.0, &body.0].concat()
}

fn index_of(string: &str, strings: &mut Vec<String>) -> u64 {
    let known = strings.iter().position(|other| other == string);
    known.unwrap_or_else(|| {
        strings.push(string.into());
        strings.len() - 1
    }) as u64
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn deltas(ids: impl Iterator<Item = i64>) -> Vec<u64> {
    let mut last = 0;
    ids.map(|id| zigzag(id - std::mem::replace(&mut last, id))).collect()
}
