use std::fmt;

use super::report::{Numbers, Report};

/// The middle, the 95th percentile and the highest of a list of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// How many.
    pub count: usize,
    /// Half of them are at most this.
    pub median: f64,
    /// 95 of 100 are at most this.
    pub p95: f64,
    /// The highest.
    pub most: f64,
}

/// What many walks are like: the numbers that make walks good, as far as they can be measured on the answers alone.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Walks measured.
    pub walks: usize,
    /// Promises broken, over all of them.
    pub violations: usize,
    /// Each number by its name, in the order in which they are shown.
    pub numbers: Vec<(&'static str, Spread)>,
}

impl Spread {
    /// Of a list in any order.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let rank = (sorted.len() as f64 * share).ceil() as usize;
            sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
        };
        Self { count: sorted.len(), median: at(0.5), p95: at(0.95), most: at(1.0) }
    }
}

impl Summary {
    /// Of the reports on many walks.
    pub fn of<'a>(reports: impl IntoIterator<Item = &'a Report>) -> Self {
        let reports: Vec<&Report> = reports.into_iter().collect();
        let all: Vec<&Numbers> = reports.iter().filter_map(|report| report.numbers.as_ref()).collect();
        let each = |number: fn(&Numbers) -> f64| Spread::of(all.iter().map(|one| number(one)));
        let list =
            |numbers: fn(&Numbers) -> &Vec<f64>| Spread::of(all.iter().flat_map(|one| numbers(one)).copied());
        let some = |number: fn(&Numbers) -> Option<f64>| Spread::of(all.iter().filter_map(|one| number(one)));
        let lit = |wanted: bool| {
            Spread::of(all.iter().filter(|one| one.prefer_well_lit == wanted).map(|one| one.lit_share))
        };
        let popularity = |bias: std::ops::RangeInclusive<f64>| {
            let like = all.iter().filter(|one| bias.contains(&one.popularity_bias));
            Spread::of(like.filter_map(|one| one.mean_popularity))
        };
        let avoiding = all.iter().filter(|one| one.avoid_stairs).map(|one| one.steps_m);
        let numbers = vec![
            ("1  reported duration against the path and stops, share", each(|one| one.duration_error)),
            ("1  reported distance against the path, share", each(|one| one.distance_error)),
            ("1  pace, m/s", each(|one| one.pace)),
            ("2  unused budget, share", each(|one| one.unused_share)),
            ("3  walked twice, share", each(|one| one.repeated_share)),
            ("4  spurs over 30 m without a stop, a walk", each(|one| one.idle_spurs)),
            ("4  spurs to a stop, m", list(|one| &one.stop_spurs_m)),
            ("5  steps where they were to be avoided, m", Spread::of(avoiding)),
            ("6  lit, preferred, share", lit(true)),
            ("6  lit, not asked for, share", lit(false)),
            ("6  unlit, share", each(|one| one.unlit_share)),
            ("7  private ways, m", each(|one| one.private_m)),
            ("7  from the start asked for to the path, m", each(|one| one.snap_m)),
            ("7  the same, beyond the nearest street, m", each(|one| one.snap_excess_m)),
            ("8  from the path to the stop's point, m", list(|one| &one.stop_point_m)),
            ("8  from the path to the stop's edge, m", list(|one| &one.stop_edge_m)),
            ("9  stops, a walk", each(|one| one.stops)),
            ("9  stops with a wanted theme, share", each(|one| one.wanted_share)),
            ("9  wanted themes met, share", each(|one| one.theme_coverage)),
            ("10 stops of the commonest kind, share", some(|one| one.commonest_kind_share)),
            ("11 popularity where gems were asked for", popularity(0.0..=0.25)),
            ("11 popularity where hotspots were asked for", popularity(0.75..=1.0)),
            ("12 self-crossings a kilometre", each(|one| one.crossings_per_km)),
            ("12 a leg against the shortest way", list(|one| &one.detours)),
        ];
        let violations = reports.iter().map(|report| report.violations.len()).sum();
        Self { walks: all.len(), violations, numbers }
    }

    /// A number by the words of its name.
    pub fn spread(&self, name: &str) -> Option<Spread> {
        self.numbers.iter().find(|(own, _)| own.contains(name)).map(|(_, spread)| *spread)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} walks, {} broken promises", self.walks, self.violations)?;
        writeln!(f, "{:<54} {:>7} {:>9} {:>9} {:>9}", "", "count", "median", "p95", "most")?;
        for (name, spread) in &self.numbers {
            let Spread { count, median, p95, most } = spread;
            writeln!(f, "{name:<54} {count:>7} {median:>9.3} {p95:>9.3} {most:>9.3}")?;
        }
        Ok(())
    }
}
