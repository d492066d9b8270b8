use serde_json::{Value, json};
use std::collections::BTreeMap;

use super::{contender::Choice, contest::ZOOMS, definitions::ONE_LAYER};
use crate::console::say;

/// What our own server is called.
pub(crate) const OURS: &str = "tile-server";

/// What is measured of every tile or every turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    CachedRate,
    CachedTime,
    CachedCpu,
    ColdRate,
    ColdTime,
    ColdCpu,
    Bytes,
    Features,
}

/// A line of the table: a figure, and which of its values it shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Share {
    Median,
    P99,
}

use Share::{Median, P99};

const LINES: [(&str, Figure, Share); 11] = [
    ("cached, tiles a second", Figure::CachedRate, Median),
    ("cached, p50, ms", Figure::CachedTime, Median),
    ("cached, p99, ms", Figure::CachedTime, P99),
    ("cached, CPU a tile, µs", Figure::CachedCpu, Median),
    ("cold, tiles a second", Figure::ColdRate, Median),
    ("cold, p50, ms", Figure::ColdTime, Median),
    ("cold, p99, ms", Figure::ColdTime, P99),
    ("cold, CPU a tile, p50, ms", Figure::ColdCpu, Median),
    ("cold, CPU a tile, p99, ms", Figure::ColdCpu, P99),
    ("for comparison: bytes, gzip", Figure::Bytes, Median),
    ("for comparison: features", Figure::Features, Median),
];

/// Of what and of whom a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub choice: Choice,
    pub zoom: u8,
    pub figure: Figure,
    pub name: &'static str,
}

/// All values that were measured.
pub(crate) struct Figures {
    names: Vec<&'static str>,
    values: BTreeMap<Key, Vec<f64>>,
    memory: Vec<Memory>,
}

/// Of one kind of server, in MB.
struct Memory {
    name: &'static str,
    cached: f64,
    cold: f64,
    database: Option<f64>,
}

impl Figures {
    pub fn new(names: Vec<&'static str>) -> Self {
        Self { names, values: BTreeMap::new(), memory: Vec::new() }
    }

    pub fn take(&mut self, key: Key, value: f64) {
        self.values.entry(key).or_default().push(value);
    }

    pub fn remember(&mut self, name: &'static str, (cached, database): (f64, Option<f64>), cold: f64) {
        self.memory.push(Memory { name, cached, cold, database });
    }

    /// The most that one of our processes ever had in memory.
    pub fn our_peak_mb(&self) -> f64 {
        let ours = self.memory.iter().find(|memory| memory.name == OURS);
        ours.map_or(0.0, |memory| memory.cached.max(memory.cold))
    }

    /// The value within which this share of all stays, by nearest rank.
    pub fn percentile(&self, key: Key, share: f64) -> Option<f64> {
        let mut values = self.values.get(&key)?.clone();
        values.sort_by(f64::total_cmp);
        let rank = (share * values.len() as f64).ceil() as usize;
        values.get(rank.saturating_sub(1)).copied()
    }

    /// The largest tile that was seen, in bytes.
    pub fn largest(&self) -> f64 {
        let sizes = self.values.iter().filter(|(key, _)| key.figure == Figure::Bytes && key.name == OURS);
        sizes.flat_map(|(_, values)| values).copied().fold(0.0, f64::max)
    }

    /// How many times better ours is.
    pub fn ratio(&self, key: Key, share: f64) -> Option<f64> {
        let (ours, theirs) =
            (self.percentile(Key { name: OURS, ..key }, share)?, self.percentile(key, share)?);
        Some(if matches!(key.figure, Figure::CachedRate | Figure::ColdRate) {
            ours / theirs
        } else {
            theirs / ours
        })
    }

    /// For a person.
    pub fn table(&self) {
        for (choice, what) in [(Choice::OneLayer, ONE_LAYER), (Choice::AllLayers, "all layers")] {
            say(&format!("\n{what}; the ratio is how many times better {OURS} is"));
            let names: String = self.names.iter().map(|name| format!("{name:>13}")).collect();
            say(&format!("{:<36}{names}{:>9}", "", "ratio"));
            for zoom in ZOOMS {
                for (line, figure, share) in LINES {
                    let share = if share == P99 { 0.99 } else { 0.5 };
                    let key = |name| Key { choice, zoom, figure, name };
                    let value = |name: &&'static str| {
                        let value = self.percentile(key(*name), share);
                        format!("{:>13}", value.map_or("-".into(), short))
                    };
                    let values: String = self.names.iter().map(value).collect();
                    let other = self.names.iter().find(|name| **name != OURS);
                    let compares = !matches!(figure, Figure::Bytes | Figure::Features);
                    let ratio = other.and_then(|name| self.ratio(key(name), share)).filter(|_| compares);
                    let ratio = ratio.map_or(String::new(), |ratio| format!("{}x", short(ratio)));
                    say(&format!("{:<36}{values}{ratio:>9}", format!("z{zoom} {line}")));
                }
            }
        }
        say("\nmemory, MB, most ever");
        for Memory { name, cached, cold, database } in &self.memory {
            let database = database.map_or(String::new(), |mb| format!(", and PostgreSQL {} now", short(mb)));
            say(&format!("{name:<14}{} with its cache, {} without{database}", short(*cached), short(*cold)));
        }
    }

    /// For a program.
    pub fn json(&self) -> Value {
        let lines = self.values.keys().map(|key| {
            let compares = key.name != OURS;
            json!({"layers": if key.choice == Choice::OneLayer { ONE_LAYER } else { "all" }, "zoom": key.zoom,
                "figure": format!("{:?}", key.figure), "server": key.name, "count": self.values[key].len(),
                "p50": self.percentile(*key, 0.5), "p99": self.percentile(*key, 0.99),
                "tile_server_is_better_times": self.ratio(*key, 0.5).filter(|_| compares)})
        });
        let memory = self.memory.iter().map(|memory| {
            json!({"server": memory.name, "peak_mb_with_cache": memory.cached, "peak_mb_without": memory.cold,
                "postgresql_mb": memory.database})
        });
        json!({"tiles": lines.collect::<Vec<_>>(), "memory": memory.collect::<Vec<_>>()})
    }
}

/// Three digits, or all that are before the point.
pub(crate) fn short(value: f64) -> String {
    let digits =
        if value.abs() >= 100.0 { 0 } else { (2.0 - value.abs().max(1e-2).log10().floor()) as usize };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_rate_and_a_shorter_time_are_better() {
        let mut figures = Figures::new(vec![OURS, "other"]);
        let key = |figure, name| Key { choice: Choice::OneLayer, zoom: 14, figure, name };
        for (figure, ours, other) in [(Figure::CachedRate, 300.0, 30.0), (Figure::ColdCpu, 2.0, 8.0)] {
            figures.take(key(figure, OURS), ours);
            figures.take(key(figure, "other"), other);
        }
        let ratio = |figure| figures.ratio(key(figure, "other"), 0.5);
        assert_eq!((ratio(Figure::CachedRate), ratio(Figure::ColdCpu)), (Some(10.0), Some(4.0)));
        assert_eq!(ratio(Figure::Bytes), None);
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let mut figures = Figures::new(vec![OURS]);
        let key = Key { choice: Choice::AllLayers, zoom: 10, figure: Figure::ColdTime, name: OURS };
        (1..=200).for_each(|value| figures.take(key, f64::from(value)));
        assert_eq!((figures.percentile(key, 0.5), figures.percentile(key, 0.99)), (Some(100.0), Some(198.0)));
    }
}
