use serde_json::{Value, json};
use std::time::Duration;

/// Times of the same thing done often.
#[derive(Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub fn of(times: Vec<Duration>) -> Self {
        let mut times = times;
        times.sort();
        Self(times)
    }

    /// The time that this share of them stayed within, in milliseconds.
    pub fn percentile(&self, share: f64) -> f64 {
        let Some(last) = self.0.len().checked_sub(1) else { return 0.0 };
        // Nearest rank: the smallest time that at least this share of all stays within.
        let rank = (share * self.0.len() as f64).ceil() as usize;
        self.0[rank.saturating_sub(1).min(last)].as_secs_f64() * 1000.0
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// For a person.
    pub fn line(&self) -> String {
        format!(
            "p50 {:>8.1} ms   p99 {:>8.1} ms   ({} times)",
            self.percentile(0.5),
            self.percentile(0.99),
            self.count()
        )
    }

    /// For a program.
    pub fn json(&self) -> Value {
        json!({"p50_ms": self.percentile(0.5), "p99_ms": self.percentile(0.99), "count": self.count()})
    }
}

/// Sum and count of a histogram in Prometheus' text format, over all its labels.
pub(crate) fn histogram(metrics: &str, name: &str) -> (f64, f64) {
    let total = |suffix: &str| {
        let wanted = format!("{name}{suffix}");
        let of_name = |line: &&str| line.split(['{', ' ']).next() == Some(wanted.as_str());
        let values =
            metrics.lines().filter(of_name).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        values.sum::<f64>()
    };
    (total("_sum"), total("_count"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times = Times::of((1..=100).rev().map(Duration::from_millis).collect());
        assert_eq!((times.percentile(0.5), times.percentile(0.99)), (50.0, 99.0));
        assert_eq!(Times::default().percentile(0.5), 0.0);
    }

    #[test]
    fn a_histogram_is_summed_over_its_labels() {
        let metrics = "# TYPE walk_seconds histogram
walk_seconds_bucket{le=\"1\"} 3
walk_seconds_sum{kind=\"a\"} 1.5
walk_seconds_sum{kind=\"b\"} 0.5
walk_seconds_count{kind=\"a\"} 3
walk_seconds_count{kind=\"b\"} 1
walk_seconds_count_of_others 9
";
        assert_eq!(histogram(metrics, "walk_seconds"), (2.0, 4.0));
    }
}
