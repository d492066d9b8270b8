use serde_json::{Value, json};
use std::collections::BTreeMap;
use testbed::walk_checker::{Numbers, Spread};

use super::{
    lines::{Line, Target},
    trial::{Outcome, Trial},
};
use crate::console::say;

/// The twelve numbers, for a person.
pub(crate) fn table(lines: &[Line]) {
    say(&format!("{:>2}  {:<52} {:>9} {:>9} {:>7}  ", "", "", "measured", "target", "of"));
    for line in lines {
        let target = match line.target {
            Target::AtMost(most) => format!("<= {most}"),
            Target::AtLeast(least) => format!(">= {least}"),
            Target::None => String::new(),
        };
        let Line { number, what, value, count, .. } = line;
        let value = if *count == 0 { "-".into() } else { format!("{value:.3}") };
        say(&format!("{number:>2}  {what:<52} {value:>9} {target:>9} {count:>7}  {}", line.verdict()));
    }
}

/// CPU time of the engine for each request.
pub(crate) fn times(trials: &[Trial]) {
    let Spread { median, p95, most, count } = cpu_ms(trials);
    say(&format!(
        "\nEngine, CPU ms a request: p50 {median:.1}, p95 {p95:.1}, most {most:.1} ({count} requests)"
    ));
}

fn cpu_ms(trials: &[Trial]) -> Spread {
    Spread::of(trials.iter().map(|trial| trial.cpu.as_secs_f64() * 1000.0))
}

/// What the checker found wrong, whether or not one of the twelve counts it; and what was refused, and why.
pub(crate) fn broken_promises(trials: &[Trial]) {
    let mut refused: BTreeMap<&str, usize> = BTreeMap::new();
    for trial in trials {
        if let Outcome::Refused { reason, wrong } = &trial.outcome {
            *refused.entry(reason.code()).or_default() += 1;
            if let Some(wrong) = wrong {
                say(&format!("Refused without a proof: {wrong}\n    {}", trial.wish));
            }
        }
    }
    if !refused.is_empty() {
        say(&format!("Refused: {refused:?}"));
    }
    let violations = trials.iter().filter_map(|trial| Some((trial, trial.walked()?)));
    let all: Vec<_> = violations
        .flat_map(|(trial, walked)| walked.report.violations.iter().map(move |wrong| (trial, wrong)))
        .collect();
    say(&format!("Broken promises: {}", all.len()));
    for (trial, wrong) in all {
        say(&format!("  {wrong}\n    {}", trial.wish));
    }
}

/// For each target that is missed, the requests that are the farthest from it.
pub(crate) fn worst(lines: &[Line], trials: &[Trial], count: usize) {
    for line in lines.iter().filter(|line| count > 0 && line.is_met() == Some(false)) {
        say(&format!("\n{} {}: {:.3}", line.number, line.what, line.value));
        for (at, value) in line.worst.iter().filter(|(_, value)| !line.would_meet(*value)).take(count) {
            let walked = trials[*at].walked().filter(|_| line.number == 10);
            let why = walked.and_then(|walked| walked.monotonous.as_deref()).unwrap_or_default();
            say(&format!("  {value:.3} {why} {}", trials[*at].wish));
        }
    }
}

/// All of it, for a program.
pub(crate) fn json(of: &Value, lines: &[Line], trials: &[Trial]) -> Value {
    let cpu = cpu_ms(trials);
    json!({
        "of": of,
        "numbers": lines.iter().map(Line::json).collect::<Vec<_>>(),
        "cpu_ms": {"p50": cpu.median, "p95": cpu.p95, "most": cpu.most},
        "requests": trials.iter().map(request).collect::<Vec<_>>(),
    })
}

fn request(trial: &Trial) -> Value {
    let cpu_ms = trial.cpu.as_secs_f64() * 1000.0;
    let mut own = json!({"request": trial.wish, "cpu_ms": cpu_ms});
    match &trial.outcome {
        Outcome::Refused { reason, wrong } => {
            own["refused"] = json!({"reason": reason.code(), "wrong": wrong});
        }
        Outcome::Walked(walked) => {
            own["route"] = walked.route.clone();
            own["numbers"] = walked.report.numbers.as_ref().map_or(Value::Null, numbers);
            let broken: Vec<String> = walked.report.violations.iter().map(ToString::to_string).collect();
            own["broken_promises"] = json!(broken);
            own["supply"] =
                json!({"places": walked.offers, "plenty": walked.plenty, "monotonous": walked.monotonous});
            own["score_against_best_known"] = json!(walked.score);
            own["light"] = walked.light.as_ref().map_or(Value::Null, |light| {
                json!({"offered": light.offered, "without": numbers(&light.without), "with": numbers(&light.with)})
            });
            own["popularity_ranks"] = walked
                .gems
                .as_ref()
                .map_or(Value::Null, |gems| json!({"by_bias": gems.ranks, "possible_fall": gems.possible}));
        }
    }
    own
}

fn numbers(n: &Numbers) -> Value {
    json!({
        "distance_m": n.distance_m, "walking_s": n.walking_s, "duration_error": n.duration_error,
        "unused_share": n.unused_share, "repeated_share": n.repeated_share, "forced_share": n.forced_share, "idle_spurs": n.idle_spurs,
        "stop_spurs_m": n.stop_spurs_m, "steps_m": n.steps_m, "lit_share": n.lit_share,
        "unlit_share": n.unlit_share, "private_m": n.private_m, "snap_m": n.snap_m,
        "stop_point_m": n.stop_point_m, "stop_edge_m": n.stop_edge_m, "stops": n.stops, "twice": n.twice,
        "wanted_share": n.wanted_share, "commonest_kind_share": n.commonest_kind_share,
        "crossings_per_km": n.crossings_per_km, "detours": n.detours,
    })
}
