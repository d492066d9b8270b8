use serde_json::{Value, json};
use std::time::Duration;

use super::{
    contender::Choice,
    figures::{Figure, Figures, Key, OURS, short},
};
use crate::console::say;

/// What issue and documentation ask of the map, and what was measured.
pub(crate) struct Targets(Vec<Target>);

struct Target {
    what: String,
    wanted: f64,
    at_least: bool,
    found: f64,
}

impl Target {
    fn at_most(what: &str, wanted: f64, found: f64) -> Self {
        Self { what: what.to_owned(), wanted, at_least: false, found }
    }

    fn is_met(&self) -> bool {
        if self.at_least { self.found >= self.wanted } else { self.found <= self.wanted }
    }
}

impl Targets {
    pub fn of(figures: &Figures, ready: Option<(Duration, Duration)>, cores_of_an_export: f64) -> Self {
        let mut targets = Vec::new();
        let one = |zoom, figure, name| Key { choice: Choice::OneLayer, zoom, figure, name };
        for (zoom, share) in [(14, 0.5), (16, 0.5)] {
            if let Some(found) = figures.ratio(one(zoom, Figure::CachedRate, "martin"), share) {
                let what = format!("cached tiles a second at z{zoom}, gzip, one layer, times Martin's");
                targets.push(Target { what, wanted: 20.0, at_least: true, found });
            }
        }
        for (zoom, most) in [(16, 10.0), (14, 50.0), (12, 120.0)] {
            let key = Key { choice: Choice::AllLayers, zoom, figure: Figure::ColdCpu, name: OURS };
            if let Some(found) = figures.percentile(key, 0.99) {
                targets.push(Target::at_most(
                    &format!("CPU of a cold tile at z{zoom}, p99, ms"),
                    most,
                    found,
                ));
            }
        }
        targets.push(Target::at_most("largest tile, kB", 500.0, figures.largest() / 1e3));
        targets.push(Target::at_most("tile-server's memory, most ever, MB", 200.0, figures.our_peak_mb()));
        if let Some((wall, cpu)) = ready {
            targets.push(Target::at_most("from start to ready, s", 1.0, wall.as_secs_f64()));
            targets.push(Target::at_most("of it CPU, s", 1.0, cpu.as_secs_f64()));
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        targets.push(Target {
            what: format!("export to z15: cores it runs on or waits for, of {cores}"),
            wanted: cores as f64,
            at_least: true,
            found: cores_of_an_export,
        });
        Self(targets)
    }

    /// For a person.
    pub fn table(&self) {
        say("");
        for target in &self.0 {
            let sign = if target.at_least { ">=" } else { "<=" };
            let verdict = if target.is_met() { "met" } else { "MISSED" };
            let found = short(target.found);
            say(&format!("{:<62}{found:>9}  {sign} {}  {verdict}", target.what, target.wanted));
        }
    }

    /// For a program.
    pub fn json(&self) -> Value {
        let lines = self.0.iter().map(|target| {
            json!({"what": target.what, "found": target.found, "wanted": target.wanted,
                "at_least": target.at_least, "met": target.is_met()})
        });
        lines.collect()
    }
}
