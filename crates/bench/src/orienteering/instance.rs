use anyhow::{Context, bail, ensure};
use std::collections::HashMap;
use wildside_engine::orienteering;

use super::distance::Distance;

/// An instance as OPLib writes it: TSPLIB's format with a score for each node and a limit of the length. The tour is
/// closed and begins at the depot. Nodes are counted from 0 here.
pub(super) struct Instance {
    pub name: String,
    pub limit: u32,
    pub depot: usize,
    pub scores: Vec<f64>,
    ways: Ways,
}

enum Ways {
    Measured(Distance, Vec<(f64, f64)>),
    Explicit(Vec<u32>),
}

impl Instance {
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let file = File::read(text)?;
        let nodes: usize = file.number("DIMENSION")?;
        ensure!(nodes > 0, "DIMENSION is 0");
        let limit: f64 = file.number("COST_LIMIT")?;
        ensure!((0.0..=f64::from(u32::MAX)).contains(&limit), "COST_LIMIT {limit} is no length");
        let mut scores = vec![None; nodes];
        for (line, row) in file.section("NODE_SCORE_SECTION")? {
            let (node, [score]) = node_row(row, nodes).with_context(|| at(*line))?;
            ensure!(score >= 0.0, "line {line}: a score is negative");
            scores[node] = Some(score);
        }
        let missing = |list: &[Option<f64>]| list.iter().position(Option::is_none);
        if let Some(node) = missing(&scores) {
            bail!("node {} has no score", node + 1);
        }
        let mut depot = 0;
        if let Some((line, row)) = file.sections.get("DEPOT_SECTION").and_then(|rows| rows.first()) {
            let number = row.first().copied().unwrap_or(0.0);
            ensure!(number >= 1.0 && number <= nodes as f64, "line {line}: the depot {number} is no node");
            depot = number as usize - 1;
        }
        let ways = file.ways(nodes)?;
        let name = file.header("NAME").map(str::to_owned).unwrap_or_default();
        Ok(Self { name, limit: limit as u32, depot, scores: scores.into_iter().flatten().collect(), ways })
    }

    pub fn nodes(&self) -> usize {
        self.scores.len()
    }

    pub fn way(&self, from: usize, to: usize) -> u64 {
        match &self.ways {
            _ if from == to => 0,
            Ways::Measured(distance, spots) => distance.between(spots[from], spots[to]) as u64,
            Ways::Explicit(ways) => u64::from(ways[from * self.nodes() + to]),
        }
    }

    /// The node that is the engine's stop of this number: all nodes but the depot.
    pub fn node_of(&self, stop: usize) -> usize {
        stop + usize::from(stop >= self.depot)
    }

    /// As the engine wants it.
    pub fn problem(&self) -> anyhow::Result<orienteering::Instance> {
        let stops = self.nodes() - 1;
        let node = |place: usize| if place < stops { self.node_of(place) } else { self.depot };
        let size = stops + 2;
        let way = |i: usize| u32::try_from(self.way(node(i / size), node(i % size))).unwrap_or(u32::MAX);
        let ways = (0..size * size).map(way).collect();
        let prizes = (0..stops).map(|stop| self.scores[self.node_of(stop)]).collect();
        Ok(orienteering::Instance::new(prizes, ways, self.limit)?)
    }
}

fn at(line: usize) -> String {
    format!("line {line}")
}

/// `number of the node, values`.
fn node_row<const N: usize>(row: &[f64], nodes: usize) -> anyhow::Result<(usize, [f64; N])> {
    let Some((&number, values)) = row.split_first() else { bail!("the line is empty") };
    ensure!(
        number >= 1.0 && number <= nodes as f64 && number.fract() == 0.0,
        "{number} is no node of {nodes}"
    );
    let Ok(values) = <[f64; N]>::try_from(values) else {
        bail!("a node and {N} numbers belong here, not {} numbers", row.len());
    };
    Ok((number as usize - 1, values))
}

/// The lines of a section: their numbers, and the numbers in them.
type Rows = Vec<(usize, Vec<f64>)>;

/// What stands in a file, before it is understood.
#[derive(Default)]
struct File<'a> {
    headers: HashMap<&'a str, &'a str>,
    sections: HashMap<&'a str, Rows>,
}

impl<'a> File<'a> {
    fn read(text: &'a str) -> anyhow::Result<Self> {
        let mut file = Self::default();
        let mut section = None;
        for (number, line) in text.lines().enumerate().map(|(i, line)| (i + 1, line.trim())) {
            let name = line.trim_end_matches([':', ' ']);
            if line.is_empty() || line == "EOF" {
                continue;
            } else if name.ends_with("_SECTION") {
                section = Some(name);
                file.sections.insert(name, Rows::new());
            } else if let Some((key, value)) = line.split_once(':') {
                file.headers.insert(key.trim(), value.trim());
                section = None;
            } else {
                let Some(section) = section else {
                    bail!("line {number}: `{line}` is neither `KEY : value` nor part of a section");
                };
                let value = |word: &str| {
                    let value: Option<f64> = word.parse().ok().filter(|value: &f64| value.is_finite());
                    value.with_context(|| format!("line {number}: `{word}` is no number"))
                };
                let row = line.split_whitespace().map(value).collect::<anyhow::Result<_>>()?;
                file.sections.entry(section).or_default().push((number, row));
            }
        }
        Ok(file)
    }

    fn header(&self, key: &str) -> anyhow::Result<&'a str> {
        self.headers.get(key).copied().with_context(|| format!("{key} is missing"))
    }

    fn number<T: std::str::FromStr>(&self, key: &str) -> anyhow::Result<T> {
        let value = self.header(key)?;
        value.parse().ok().with_context(|| format!("{key} `{value}` is no number"))
    }

    fn section(&self, name: &str) -> anyhow::Result<&Rows> {
        self.sections.get(name).with_context(|| format!("{name} is missing"))
    }

    fn ways(&self, nodes: usize) -> anyhow::Result<Ways> {
        let kind = self.header("EDGE_WEIGHT_TYPE")?;
        if kind == "EXPLICIT" {
            return self.explicit(nodes).map(Ways::Explicit);
        }
        let distance =
            Distance::named(kind).with_context(|| format!("EDGE_WEIGHT_TYPE {kind} is not known"))?;
        let mut spots = vec![None; nodes];
        for (line, row) in self.section("NODE_COORD_SECTION")? {
            let (node, [x, y]) = node_row(row, nodes).with_context(|| at(*line))?;
            spots[node] = Some((x, y));
        }
        let missing = spots.iter().position(Option::is_none);
        if let Some(node) = missing {
            bail!("node {} has no coordinates", node + 1);
        }
        Ok(Ways::Measured(distance, spots.into_iter().flatten().collect()))
    }

    fn explicit(&self, nodes: usize) -> anyhow::Result<Vec<u32>> {
        let format = self.header("EDGE_WEIGHT_FORMAT")?;
        let places: Vec<(usize, usize)> = {
            let all = (0..nodes).flat_map(|i| (0..nodes).map(move |j| (i, j)));
            match format {
                "FULL_MATRIX" => all.collect(),
                "UPPER_ROW" => all.filter(|(i, j)| i < j).collect(),
                "UPPER_DIAG_ROW" => all.filter(|(i, j)| i <= j).collect(),
                "LOWER_ROW" => all.filter(|(i, j)| i > j).collect(),
                "LOWER_DIAG_ROW" => all.filter(|(i, j)| i >= j).collect(),
                _ => bail!("EDGE_WEIGHT_FORMAT {format} is not known"),
            }
        };
        let rows = self.section("EDGE_WEIGHT_SECTION")?;
        let mut weights = Vec::with_capacity(places.len());
        for (line, row) in rows {
            for &weight in row {
                ensure!((0.0..=f64::from(u32::MAX)).contains(&weight), "line {line}: {weight} is no length");
                weights.push(weight as u32);
            }
        }
        ensure!(
            weights.len() == places.len(),
            "EDGE_WEIGHT_SECTION has {} numbers; {format} of {nodes} nodes needs {}",
            weights.len(),
            places.len()
        );
        let mut ways = vec![0; nodes * nodes];
        for ((i, j), weight) in places.into_iter().zip(weights) {
            ways[i * nodes + j] = weight;
            if format != "FULL_MATRIX" {
                ways[j * nodes + i] = weight;
            }
        }
        Ok(ways)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "NAME : three\nDIMENSION : 3\nCOST_LIMIT : 20\nEDGE_WEIGHT_TYPE : EXPLICIT\n\
        EDGE_WEIGHT_FORMAT : UPPER_ROW\nEDGE_WEIGHT_SECTION\n4 5\n6\nNODE_SCORE_SECTION\n1 1\n2 7\n3 9\n\
        DEPOT_SECTION\n2\n-1\nEOF\n";

    #[test]
    fn an_explicit_instance_with_another_depot_is_understood() {
        let instance = Instance::parse(SMALL).unwrap();
        assert_eq!((instance.depot, instance.limit, instance.nodes()), (1, 20, 3));
        assert_eq!((instance.way(0, 1), instance.way(2, 0), instance.way(2, 1)), (4, 5, 6));
        assert_eq!((instance.node_of(0), instance.node_of(1)), (0, 2));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let error = |from: &str, to: &str| {
            let text = SMALL.replace(from, to);
            format!("{:#}", Instance::parse(&text).err().unwrap())
        };
        assert_eq!(error("4 5", "4 x"), "line 7: `x` is no number");
        assert_eq!(error("2 7", "8 7"), "line 11: 8 is no node of 3");
        assert_eq!(error("3 9\n", ""), "node 3 has no score");
        assert_eq!(error("COST_LIMIT : 20\n", ""), "COST_LIMIT is missing");
        assert_eq!(error("4 5\n", "4\n"), "EDGE_WEIGHT_SECTION has 2 numbers; UPPER_ROW of 3 nodes needs 3");
        assert_eq!(error("UPPER_ROW", "SPIRAL"), "EDGE_WEIGHT_FORMAT SPIRAL is not known");
    }
}
