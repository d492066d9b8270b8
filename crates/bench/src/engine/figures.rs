use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use testbed::walk_checker::Spread;

use crate::console::say;

/// What our own engine is called.
pub(crate) const OURS: &str = "ours";

/// What is measured of every contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    Build,
    BuildPeak,
    Load,
    FirstRoute,
    Resident,
    Route,
    SmallMatrix,
    LargeMatrix,
    Weights,
    RouteLength,
    MatrixMean,
}

impl Figure {
    /// All of them, each with its name and its target: what is measured should be at most this.
    const ALL: [(Self, &str, Option<f64>); 11] = [
        (Self::Build, "pbf to ready, CPU s", Some(1.5)),
        (Self::BuildPeak, "pbf to ready, peak memory, MB", Some(100.0)),
        (Self::Load, "load of a prepared city, ms", Some(10.0)),
        (Self::FirstRoute, "load to the first route, ms", None),
        (Self::Resident, "memory of a loaded city, MB", Some(25.0)),
        (Self::Route, "one route, snapped, with line, ms", Some(0.08)),
        (Self::SmallMatrix, "30 x 30 matrix, snapped, ms", None),
        (Self::LargeMatrix, "100 x 100 matrix, snapped, ms", Some(1.5)),
        (Self::Weights, "new weights for the city, ms", Some(15.0)),
        (Self::RouteLength, "for comparison: a route, m", None),
        (Self::MatrixMean, "for comparison: mean of a matrix, s", None),
    ];

    /// Another number is no better or worse.
    fn only_compares(self) -> bool {
        matches!(self, Self::RouteLength | Self::MatrixMean)
    }
}

/// All values that were measured; what is shown is their median.
#[derive(Default)]
pub(crate) struct Figures {
    values: BTreeMap<(Figure, &'static str), Vec<f64>>,
    /// In the order in which they came.
    names: Vec<&'static str>,
}

impl Figures {
    /// Notes a number, or a list of them.
    pub fn take(&mut self, figure: Figure, name: &'static str, value: &Value) {
        if !self.names.contains(&name) {
            self.names.push(name);
        }
        let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        self.values.entry((figure, name)).or_default().extend(list.iter().filter_map(Value::as_f64));
    }

    pub fn median(&self, figure: Figure, name: &'static str) -> Option<f64> {
        let values = self.values.get(&(figure, name)).filter(|values| !values.is_empty())?;
        Some(Spread::of(values.iter().copied()).median)
    }

    /// How many times ours it is.
    fn ratio(&self, figure: Figure, name: &'static str) -> Option<f64> {
        let ours = self.median(figure, OURS).filter(|ours| *ours > 0.0)?;
        (name != OURS).then(|| self.median(figure, name)).flatten().map(|value| value / ours)
    }

    /// For a person: medians, and how many times ours they are.
    pub fn table(&self) {
        let names: String = self.names.iter().map(|name| format!("{name:>18}")).collect();
        say(&format!("{:<36}{:>9}{names}", "CPU time; in brackets: times ours", "target"));
        for (figure, what, target) in Figure::ALL {
            let value = |name: &&'static str| {
                let value = self.median(figure, name).map_or("-".into(), short);
                let ratio = self.ratio(figure, name).filter(|_| !figure.only_compares());
                format!("{:>18}", ratio.map_or(value.clone(), |ratio| format!("{value} ({}x)", short(ratio))))
            };
            let values: String = self.names.iter().map(value).collect();
            let target = target.map_or(String::new(), |target| format!("<= {target}"));
            say(&format!("{what:<36}{target:>9}{values}  {}", self.verdict(figure)));
        }
    }

    fn verdict(&self, figure: Figure) -> &'static str {
        match self.is_met(figure) {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "",
        }
    }

    fn is_met(&self, figure: Figure) -> Option<bool> {
        let target = Figure::ALL.iter().find(|(other, ..)| *other == figure)?.2?;
        Some(self.median(figure, OURS)? <= target)
    }

    /// For a program.
    pub fn json(&self) -> Value {
        let rows = Figure::ALL.into_iter().map(|(figure, what, target)| {
            let each = |value: &dyn Fn(&'static str) -> Option<f64>| -> Map<String, Value> {
                self.names.iter().map(|name| ((*name).to_owned(), json!(value(name)))).collect()
            };
            json!({"what": what, "at_most": target, "met": self.is_met(figure),
                "median": each(&|name| self.median(figure, name)),
                "times_ours": each(&|name| self.ratio(figure, name))})
        });
        rows.collect()
    }
}

/// Three digits.
fn short(value: f64) -> String {
    let digits =
        if value.abs() >= 100.0 { 0 } else { (2.0 - value.abs().max(1e-4).log10().floor()) as usize };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ratios_are_those_of_all_values() {
        let mut figures = Figures::default();
        figures.take(Figure::Route, OURS, &json!([0.02, 0.01, 0.03]));
        figures.take(Figure::Route, "other", &json!(0.3));
        figures.take(Figure::Route, "other", &json!([0.4, null, 0.5]));
        assert_eq!(figures.median(Figure::Route, OURS), Some(0.02));
        assert_eq!(figures.ratio(Figure::Route, "other").map(f64::round), Some(20.0));
        assert_eq!((figures.is_met(Figure::Route), figures.is_met(Figure::Load)), (Some(true), None));
        figures.take(Figure::Route, OURS, &json!([1, 1, 1, 1]));
        assert_eq!(figures.is_met(Figure::Route), Some(false));
    }

    #[test]
    fn numbers_are_shown_with_three_digits() {
        assert_eq!(
            [0.01234, 1.234, 12.34, 1234.0, 0.0].map(short),
            ["0.0123", "1.23", "12.3", "1234", "0.000000"]
        );
    }
}
