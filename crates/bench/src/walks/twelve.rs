//! The twelve numbers, with their targets: see docs/benchmarks.md for what each means.

use testbed::walk_checker::{Numbers, Promise};

use super::{
    lines::{
        Line,
        Statistic::{Mean, Median, Most, P95, Sum},
        Target::{self, AtLeast, AtMost},
    },
    trial::{BIASES, Light, MORE_LIGHT, MORE_WALKING, Outcome, Trial, Walked},
};

/// From the path to a stop, in metres.
const AT_THE_STOP_M: f64 = 30.0;
/// Less is drawing noise, in metres.
const NOISE_M: f64 = 1.0;

/// All figures, in the order of the twelve.
pub(crate) fn lines(trials: &[Trial]) -> Vec<Line> {
    let walks = Walks(trials);
    let mut lines = walks.time_and_way();
    lines.extend(walks.served());
    lines.extend(walks.light());
    lines.extend(walks.stops());
    lines.extend(walks.gems());
    lines.extend(walks.shape());
    lines
}

struct Walks<'a>(&'a [Trial]);

impl<'a> Walks<'a> {
    /// One value of each walk that has it.
    fn some(&self, value: impl Fn(&'a Walked, &'a Numbers) -> Option<f64>) -> Vec<(usize, f64)> {
        let walked = self.0.iter().enumerate().filter_map(|(at, trial)| Some((at, trial.walked()?)));
        let values =
            walked.filter_map(|(at, walked)| Some((at, value(walked, walked.report.numbers.as_ref()?)?)));
        values.collect()
    }

    fn each(&self, value: impl Fn(&'a Numbers) -> f64) -> Vec<(usize, f64)> {
        self.some(|_, numbers| Some(value(numbers)))
    }

    /// All values of each walk.
    fn all(&self, values: impl Fn(&'a Numbers) -> Vec<f64>) -> Vec<(usize, f64)> {
        let walked = self.0.iter().enumerate().filter_map(|(at, trial)| Some((at, trial.walked()?)));
        let numbers = walked.filter_map(|(at, walked)| Some((at, walked.report.numbers.as_ref()?)));
        numbers.flat_map(|(at, numbers)| values(numbers).into_iter().map(move |value| (at, value))).collect()
    }

    fn time_and_way(&self) -> Vec<Line> {
        let over = |numbers: &Numbers| count(numbers.unused_share < 0.0);
        let unused = |numbers: &Numbers| numbers.unused_share;
        let where_plenty = || self.some(|walked, numbers| walked.plenty.then_some(numbers.unused_share));
        let unforced = self.each(|numbers| numbers.repeated_share - numbers.forced_share);
        let repeated = || self.each(|numbers| numbers.repeated_share);
        vec![
            Line::of(
                1,
                "reported duration off the recomputed one, most",
                AtMost(0.01),
                Most,
                self.each(|n| n.duration_error),
            ),
            Line::of(2, "walks over their budget", AtMost(0.0), Sum, self.each(over)),
            Line::of(
                2,
                "unused budget, median, where places are enough",
                AtMost(0.05),
                Median,
                where_plenty(),
            ),
            Line::of(2, "unused budget, p95, where places are enough", AtMost(0.15), P95, where_plenty()),
            Line::of(2, "unused budget, p95, all walks", Target::None, P95, self.each(unused)),
            Line::of(3, "walked twice, median", AtMost(0.05), Median, repeated()),
            Line::of(3, "walked twice, p95", AtMost(0.15), P95, repeated()),
            Line::of(3, "walked twice, p95, but for the start's dead end", Target::None, P95, unforced),
            Line::of(4, "spurs over 30 m without a stop", AtMost(0.0), Sum, self.each(|n| n.idle_spurs)),
            Line::of(
                4,
                "a stop's own spur, p95, m",
                AtMost(120.0),
                P95,
                self.all(|n| n.stop_spurs_m.clone()),
            ),
        ]
    }

    fn served(&self) -> Vec<Line> {
        let each = |value: &dyn Fn(&Trial) -> f64| -> Vec<(usize, f64)> {
            self.0.iter().map(value).enumerate().collect()
        };
        let broken = |trial: &Trial, promise| {
            let violations = trial.walked().map_or(&[][..], |walked| &walked.report.violations);
            count(violations.iter().any(|violation| violation.promise == promise))
        };
        let unproven =
            |trial: &Trial| count(matches!(trial.outcome, Outcome::Refused { wrong: Some(_), .. }));
        vec![
            Line::of(
                5,
                "walks with steps that could be avoided",
                AtMost(0.0),
                Sum,
                each(&|trial| broken(trial, Promise::Stairs)),
            ),
            Line::of(5, "requests served", AtLeast(0.98), Mean, each(&|trial| count(trial.served()))),
            Line::of(5, "refusals without a proof", AtMost(0.0), Sum, each(&unproven)),
        ]
    }

    fn light(&self) -> Vec<Line> {
        let light = |value: &dyn Fn(&Light) -> f64, offered: bool| {
            let of = |walked: &'a Walked| walked.light.as_ref().filter(|light| light.offered || !offered);
            self.some(|walked, _| of(walked).map(value))
        };
        let more = |light: &Light| light.with.lit_share - light.without.lit_share;
        let longer = |light: &Light| light.with.walking_s / light.without.walking_s.max(1.0) - 1.0;
        let unknown = |numbers: &Numbers| 1.0 - numbers.lit_share - numbers.unlit_share;
        vec![
            Line::of(
                6,
                "more known-lit way, mean, where offered",
                AtLeast(MORE_LIGHT),
                Mean,
                light(&more, true),
            ),
            Line::of(
                6,
                "more walking for it, mean, where offered",
                AtMost(MORE_WALKING),
                Mean,
                light(&longer, true),
            ),
            Line::of(
                6,
                "known lit without the wish, all",
                Target::None,
                Mean,
                light(&|l| l.without.lit_share, false),
            ),
            Line::of(
                6,
                "known lit with the wish, all",
                Target::None,
                Mean,
                light(&|l| l.with.lit_share, false),
            ),
            Line::of(
                6,
                "unknown without the wish, all",
                Target::None,
                Mean,
                light(&|l| unknown(&l.without), false),
            ),
            Line::of(
                6,
                "unknown with the wish, all",
                Target::None,
                Mean,
                light(&|l| unknown(&l.with), false),
            ),
        ]
    }

    fn stops(&self) -> Vec<Line> {
        let near = |numbers: &Numbers| {
            let nearest =
                numbers.stop_point_m.iter().zip(&numbers.stop_edge_m).map(|(point, edge)| point.min(*edge));
            nearest.map(|metres| count(metres <= AT_THE_STOP_M)).collect()
        };
        // By stop, not by walk: a walk of one stop is not worth as much as one of twenty.
        let wanted = |numbers: &Numbers| {
            let wanted = (numbers.wanted_share * numbers.stops).round() as usize;
            (0..numbers.stops as usize).map(|stop| count(stop < wanted)).collect()
        };
        let monotonous = |walked: &'a Walked, numbers: &'a Numbers| {
            // Who can see all there is need not leave anything out.
            numbers.commonest_kind_share.filter(|_| walked.plenty).map(|_| count(walked.monotonous.is_some()))
        };
        vec![
            Line::of(7, "private ways, most, m", AtMost(NOISE_M), Most, self.each(|n| n.private_m)),
            Line::of(
                7,
                "from the start asked for to the path, p95, m",
                AtMost(25.0),
                P95,
                self.each(|n| n.snap_m),
            ),
            Line::of(8, "stops within 30 m of the path, in order", AtLeast(0.95), Mean, self.all(near)),
            Line::of(9, "stops with a wanted theme", AtLeast(0.80), Mean, self.all(wanted)),
            Line::of(
                9,
                "score against the best known, mean",
                AtLeast(0.99),
                Mean,
                self.some(|walked, _| walked.score),
            ),
            Line::of(9, "stops, mean", Target::None, Mean, self.each(|n| n.stops)),
            Line::of(
                10,
                "walks of which one kind has over 40 %, unless asked",
                AtMost(0.0),
                Sum,
                self.some(monotonous),
            ),
            Line::of(10, "places that come twice", AtMost(0.0), Sum, self.each(|n| n.twice)),
        ]
    }

    fn gems(&self) -> Vec<Line> {
        let gems =
            || self.some(|walked, _| walked.gems.as_ref().filter(|gems| gems.possible >= FALL).map(|_| 0.0));
        let rank = |bias: usize| {
            self.some(move |walked, _| {
                let gems = walked.gems.as_ref().filter(|gems| gems.possible >= FALL)?;
                Some(gems.ranks[bias])
            })
        };
        let means: Vec<f64> =
            (0..BIASES.len()).map(|bias| Line::of(11, "", Target::None, Mean, rank(bias)).value).collect();
        let fall = self.some(|walked, _| {
            let gems = walked.gems.as_ref().filter(|gems| gems.possible >= FALL)?;
            Some(gems.ranks[0] - gems.ranks[BIASES.len() - 1])
        });
        let rise = means.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::NEG_INFINITY, f64::max);
        let names = ["rank of popularity, bias 1", "bias 0.75", "bias 0.5", "bias 0.25", "bias 0"];
        let steps =
            names.iter().enumerate().map(|(bias, name)| Line::of(11, name, Target::None, Mean, rank(bias)));
        let mut lines =
            vec![Line::of(11, "rank of popularity falls by, bias 1 to 0, mean", AtLeast(FALL), Mean, fall)];
        // One value for all walks; it is about means, and no single request is to blame.
        let mut monotone = Line::of(11, "highest rise in a step, means", AtMost(0.0), Most, gems());
        (monotone.value, monotone.worst) = (rise, Vec::new());
        lines.push(monotone);
        lines.extend(steps);
        lines
    }

    fn shape(&self) -> Vec<Line> {
        // Where there are no places to fill the time with, a stroll does, and that is a detour on purpose.
        let where_plenty = self.0.iter().enumerate().filter_map(|(at, trial)| Some((at, trial.walked()?)));
        let where_plenty = where_plenty.filter(|(_, walked)| walked.plenty);
        let detours =
            where_plenty.filter_map(|(at, walked)| Some((at, &walked.report.numbers.as_ref()?.detours)));
        let detours = detours.flat_map(|(at, legs)| legs.iter().map(move |leg| (at, *leg)));
        let all = || self.all(|numbers| numbers.detours.clone());
        vec![
            Line::of(
                12,
                "self-crossings a kilometre, p95",
                AtMost(1.0),
                P95,
                self.each(|n| n.crossings_per_km),
            ),
            Line::of(12, "a leg against the shortest way, p95, places enough", AtMost(1.3), P95, detours),
            Line::of(
                12,
                "stops while they are closed, with a time to start",
                AtMost(0.0),
                Sum,
                self.some(|walked, _| Some(walked.hours.broken)),
            ),
            Line::of(
                12,
                "stops with hours to keep",
                Target::None,
                Sum,
                self.some(|walked, _| Some(walked.hours.known)),
            ),
            Line::of(12, "a leg against the shortest way, p95, all", Target::None, P95, all()),
            Line::of(12, "a leg against the shortest way, median, all", Target::None, Median, all()),
        ]
    }
}

/// From bias 1 to bias 0, in points of 100.
const FALL: f64 = 0.20;

fn count(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}
