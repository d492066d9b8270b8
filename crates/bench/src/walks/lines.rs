use serde_json::{Value, json};

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// Shown beside the others, for who wants to understand them.
    None,
}

/// How many values become one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Statistic {
    Median,
    P95,
    Most,
    Mean,
    Sum,
}

/// One figure of the twelve numbers.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Which of the twelve.
    pub number: u8,
    pub what: &'static str,
    pub target: Target,
    pub value: f64,
    /// Of how many values; none where the city does not offer what is asked for.
    pub count: usize,
    /// The requests that are the farthest from the target, the worst first: position and value.
    pub worst: Vec<(usize, f64)>,
}

impl Line {
    /// Of the values that single requests have, each with the position of its request.
    pub fn of(
        number: u8,
        what: &'static str,
        target: Target,
        statistic: Statistic,
        values: impl IntoIterator<Item = (usize, f64)>,
    ) -> Self {
        let mut worst: Vec<(usize, f64)> = values.into_iter().collect();
        let value = statistic.of(worst.iter().map(|(_, value)| *value).collect());
        let badness = |value: f64| if matches!(target, Target::AtLeast(_)) { -value } else { value };
        worst.sort_by(|a, b| badness(b.1).total_cmp(&badness(a.1)).then(a.0.cmp(&b.0)));
        Self { number, what, target, value, count: worst.len(), worst }
    }

    /// Whether the target is met; nothing where there is none, or nothing to measure.
    pub fn is_met(&self) -> Option<bool> {
        (self.count > 0 && self.target != Target::None).then(|| self.would_meet(self.value))
    }

    /// Whether a value alone is as it should be.
    pub fn would_meet(&self, value: f64) -> bool {
        match self.target {
            Target::AtMost(most) => value <= most,
            Target::AtLeast(least) => value >= least,
            Target::None => true,
        }
    }

    pub fn verdict(&self) -> &'static str {
        match (self.is_met(), self.target) {
            (Some(true), _) => "met",
            (Some(false), _) => "MISSED",
            (None, Target::None) => "",
            (None, _) => "not offered",
        }
    }

    pub fn json(&self) -> Value {
        let (at_most, at_least) = match self.target {
            Target::AtMost(most) => (Some(most), None),
            Target::AtLeast(least) => (None, Some(least)),
            Target::None => (None, None),
        };
        json!({"number": self.number, "what": self.what, "value": self.value, "of": self.count,
            "at_most": at_most, "at_least": at_least, "met": self.is_met()})
    }
}

impl Statistic {
    fn of(self, mut values: Vec<f64>) -> f64 {
        values.sort_by(f64::total_cmp);
        // Nearest rank: the smallest value that at least this share of all stays within.
        let at = |share: f64| {
            let rank = (values.len() as f64 * share).ceil() as usize;
            values.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
        };
        let sum = values.iter().fold(0.0, |sum, value| sum + value);
        match self {
            Self::Median => at(0.5),
            Self::P95 => at(0.95),
            Self::Most => at(1.0),
            Self::Mean => sum / values.len().max(1) as f64,
            Self::Sum => sum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(target: Target, statistic: Statistic) -> Line {
        Line::of(1, "", target, statistic, (0..100).map(|number| (number, number as f64)))
    }

    #[test]
    fn statistics_are_those_of_the_textbook() {
        let value = |statistic| line(Target::None, statistic).value;
        assert_eq!(
            (value(Statistic::Median), value(Statistic::P95), value(Statistic::Most)),
            (49.0, 94.0, 99.0)
        );
        assert_eq!((value(Statistic::Mean), value(Statistic::Sum)), (49.5, 4950.0));
    }

    #[test]
    fn a_target_is_met_missed_or_not_to_be_had() {
        assert_eq!(line(Target::AtMost(49.0), Statistic::Median).is_met(), Some(true));
        assert_eq!(line(Target::AtMost(48.9), Statistic::Median).is_met(), Some(false));
        assert_eq!(line(Target::AtLeast(95.0), Statistic::P95).is_met(), Some(false));
        assert_eq!(line(Target::None, Statistic::P95).is_met(), None);
        assert_eq!(Line::of(1, "", Target::AtMost(1.0), Statistic::Most, []).verdict(), "not offered");
    }

    #[test]
    fn the_worst_are_those_farthest_from_the_target() {
        assert_eq!(line(Target::AtMost(1.0), Statistic::Mean).worst[0], (99, 99.0));
        assert_eq!(line(Target::AtLeast(1.0), Statistic::Mean).worst[0], (0, 0.0));
    }
}
