use anyhow::Context;
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};
use testbed::output;

use crate::cargo::cargo;

/// Which of our crates each one may use. The arrows point down: see ARCHITECTURE.md.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("wildside-engine", &["domain"]),
    ("extract", &["domain", "wildside-engine"]),
    ("store", &["domain"]),
    ("bus", &["domain"]),
    ("service", &["domain"]),
    ("api-gateway", &["domain", "store", "bus", "service"]),
    ("route-worker", &["domain", "wildside-engine", "store", "bus", "service"]),
    ("notifier", &["domain", "store", "bus", "service"]),
    ("admin", &["domain", "wildside-engine", "extract", "store", "bus", "service"]),
    ("enrichment-worker", &["domain", "store", "bus", "service"]),
    ("tile-server", &["domain", "extract", "service"]),
    ("bench", &["domain", "wildside-engine", "extract", "testbed"]),
    // It is no program: it hands bytes to the readers of all of them.
    (
        "fuzz-targets",
        &[
            "domain",
            "wildside-engine",
            "extract",
            "service",
            "api-gateway",
            "enrichment-worker",
            "tile-server",
        ],
    ),
    // Not store: its generated query descriptions would keep xtask, which generates them, from being built.
    ("testbed", &["domain"]),
    ("xtask", &["domain", "testbed"]),
];

/// Which crates speak an outside technology. A `*` at the end stands for any ending.
const TECHNOLOGIES: &[(&str, &[&str])] = &[
    ("sqlx*", &["store"]),
    ("duckdb", &["tile-server"]),
    ("deadpool-redis", &["store"]),
    ("redis", &["store"]),
    ("async-nats", &["bus"]),
    ("osmpbf", &["extract", "testbed"]),
    // The one HTTP client; `service` makes it, and says what it trusts.
    ("reqwest", &["admin", "api-gateway", "enrichment-worker", "service", "testbed", "tile-server"]),
    ("rustls*", &["service", "testbed"]),
    ("tokio-rustls", &["testbed"]),
    ("nkeys", &["bus"]),
    ("rcgen", &["testbed"]),
    ("tokio-tungstenite", &["notifier", "testbed"]),
    ("axum*", &["service", "api-gateway", "notifier", "tile-server", "testbed"]),
    ("hyper*", &["service"]),
    ("utoipa*", &["api-gateway", "notifier"]),
    ("metrics-exporter-prometheus", &["service"]),
    ("opentelemetry*", &["service"]),
    ("tracing-opentelemetry", &["service"]),
    ("tracing-subscriber", &["service"]),
    ("json-subscriber", &["service"]),
];

/// The pure ones: no async, I/O, clock or randomness.
const PURE: &[&str] = &["domain", "wildside-engine"];
/// Dates and times are values like others; what time it is now is not.
const CLOCK: (&str, &str) = ("chrono", "clock");
const IMPURE: &[&str] = &["tokio*", "reqwest", "rand", "anyhow", "tracing*", "metrics*"];

/// One crate of the workspace, as cargo knows it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Package {
    pub name: String,
    pub description: Option<String>,
    pub dependencies: Vec<Dependency>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Dependency {
    pub name: String,
    /// `dev`, `build`, or nothing for an ordinary one.
    pub kind: Option<String>,
    /// Set for those of the workspace.
    pub path: Option<PathBuf>,
    /// Asked for by name.
    #[serde(default)]
    pub features: Vec<String>,
}

/// All crates of the workspace.
pub(crate) async fn packages() -> anyhow::Result<Vec<Package>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    let metadata = output(&mut cargo(["metadata", "--format-version", "1", "--no-deps"])).await?;
    let metadata: Metadata = serde_json::from_str(&metadata).context("reading what `cargo metadata` says")?;
    Ok(metadata.packages)
}

/// Every arrow and every technology that is out of place.
pub(crate) fn wrongs(packages: &[Package]) -> Vec<String> {
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrongs = Vec::new();
    for package in packages {
        let user = package.name.as_str();
        let Some(allowed) = arrows.get(user) else {
            wrongs.push(format!(
                "{user} has no place in the table of arrows (crates/xtask/src/crate_graph.rs)"
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let used = dependency.name.as_str();
            let for_tests = dependency.kind.as_deref() == Some("dev");
            if dependency.path.is_some() {
                if !allowed.contains(&used) && !(for_tests && (used == "testbed" || used == user)) {
                    wrongs.push(format!("{user} must not use {used}"));
                }
                continue;
            }
            for (technology, speakers) in TECHNOLOGIES {
                if matches(technology, used) && !speakers.contains(&user) {
                    wrongs.push(format!("{user} must not use {used}: that is for {}", speakers.join(", ")));
                }
            }
            if !PURE.contains(&user) || for_tests {
                continue;
            }
            if IMPURE.iter().any(|impure| matches(impure, used)) {
                wrongs.push(format!("{user} must not use {used}: it is pure"));
            }
            let (calendar, clock) = CLOCK;
            if used == calendar && dependency.features.iter().any(|feature| feature == clock) {
                wrongs.push(format!("{user} must not use the feature {clock} of {used}: it is pure"));
            }
        }
    }
    wrongs
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(name == pattern, |start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn using(user: &str, used: &str, kind: Option<&str>, ours: bool) -> Vec<String> {
        let (used, features) =
            used.split_once('+').map_or((used, vec![]), |(used, f)| (used, vec![f.into()]));
        let path = ours.then(|| "crates".into());
        let dependency = Dependency { name: used.into(), kind: kind.map(Into::into), path, features };
        wrongs(&[Package { name: user.into(), description: None, dependencies: vec![dependency] }])
    }

    #[test]
    fn an_arrow_up_or_sideways_is_found() {
        assert_eq!(using("store", "api-gateway", None, true), ["store must not use api-gateway"]);
        assert_eq!(using("api-gateway", "route-worker", None, true).len(), 1);
        assert_eq!(using("api-gateway", "store", None, true).len(), 0);
    }

    #[test]
    fn testbed_is_for_tests() {
        assert_eq!(using("store", "testbed", Some("dev"), true).len(), 0);
        assert_eq!(using("store", "testbed", None, true).len(), 1);
    }

    #[test]
    fn a_technology_outside_its_crate_is_found_even_in_tests() {
        let wrongs = using("api-gateway", "sqlx", Some("dev"), false);
        assert_eq!(wrongs, ["api-gateway must not use sqlx: that is for store"]);
        assert_eq!(using("store", "sqlx", None, false).len(), 0);
        assert_eq!(using("bus", "opentelemetry_sdk", None, false).len(), 1);
    }

    #[test]
    fn the_pure_crates_stay_pure() {
        assert_eq!(using("domain", "tokio", None, false), ["domain must not use tokio: it is pure"]);
        assert_eq!(using("domain", "serde", None, false).len(), 0);
        assert_eq!(using("domain", "chrono+serde", None, false).len(), 0);
        assert_eq!(using("domain", "chrono+clock", None, false).len(), 1);
        assert_eq!(using("store", "chrono+clock", None, false).len(), 0);
    }

    #[test]
    fn a_crate_that_nobody_thought_of_is_found() {
        assert_eq!(using("utils", "serde", None, false).len(), 1);
    }
}
