use anyhow::Context;
use domain::{Refusal, Route};
use serde_json::{Value, json};
use std::time::Duration;
use testbed::walk_checker::{Numbers, Promise, Report, Supply, WalkChecker};

use crate::{
    clock::timed,
    engine::ours::City,
    wishes::{Wishes, parse, start_time},
};

/// From hotspots to hidden gems.
pub(crate) const BIASES: [f64; 5] = [1.0, 0.75, 0.5, 0.25, 0.0];
/// The search that finds the best known walk takes so many times the usual effort.
const LONG: u32 = 20;
/// More light may cost so much more walking.
pub(crate) const MORE_WALKING: f64 = 0.15;
/// What is asked for: known-lit share, in points of 100.
pub(crate) const MORE_LIGHT: f64 = 0.10;

/// A request, and all that was found out about it.
pub(crate) struct Trial {
    pub wish: Value,
    /// CPU time of the engine.
    pub cpu: Duration,
    pub outcome: Outcome,
}

pub(crate) enum Outcome {
    Walked(Box<Walked>),
    Refused {
        reason: Refusal,
        /// Why a walk was possible after all.
        wrong: Option<String>,
    },
}

/// A walk that was found.
pub(crate) struct Walked {
    /// In the form of the public API.
    pub route: Value,
    pub report: Report,
    /// Places with a wanted theme within reach.
    pub offers: usize,
    /// More than fits into the time.
    pub plenty: bool,
    /// Too many stops are of one kind, though there are others.
    pub monotonous: Option<String>,
    pub light: Option<Light>,
    pub gems: Option<Gems>,
    /// What its stops are worth, as a share of the best known.
    pub score: Option<f64>,
    pub hours: Hours,
}

/// The same request with a time to start at: stops with hours to keep, and how many were not kept.
#[derive(Default)]
pub(crate) struct Hours {
    pub known: f64,
    pub broken: f64,
}

/// The same request without and with the wish for lit streets.
pub(crate) struct Light {
    pub without: Numbers,
    pub with: Numbers,
    /// The checker itself finds as much more light as is asked for, for as little more walking, past the same stops.
    pub offered: bool,
}

/// The same request from hotspots to hidden gems.
pub(crate) struct Gems {
    /// For each bias, the mean rank of the stops' popularity among all that is within reach.
    pub ranks: [f64; 5],
    /// By how much the rank could fall for one who need not walk.
    pub possible: f64,
}

impl Trial {
    /// The request of this number.
    pub fn of(
        wishes: &Wishes<'_>,
        seed: u64,
        number: u32,
        city: &City,
        checker: &WalkChecker,
    ) -> anyhow::Result<Self> {
        let tester = Tester { city, checker };
        let wish = wishes.wish(seed, number);
        let (answer, cpu) = tester.walk(&wish, 1)?;
        let outcome = match answer {
            Err(reason) => {
                let wrong = checker.check_refusal(&wish, &reason.to_string()).err();
                Outcome::Refused { reason, wrong: wrong.map(|wrong| format!("{wrong:#}")) }
            }
            Ok(route) => {
                Outcome::Walked(Box::new(tester.look_at(&wish, start_time(seed, number), &route)?))
            }
        };
        Ok(Self { wish, cpu, outcome })
    }

    pub fn served(&self) -> bool {
        self.walked().is_some()
    }

    pub fn walked(&self) -> Option<&Walked> {
        match &self.outcome {
            Outcome::Walked(walked) => Some(walked),
            Outcome::Refused { .. } => None,
        }
    }
}

struct Tester<'a> {
    city: &'a City,
    checker: &'a WalkChecker,
}

impl Tester<'_> {
    fn walk(&self, wish: &Value, effort: u32) -> anyhow::Result<(Result<Route, Refusal>, Duration)> {
        let request = parse(wish)?;
        let ground = self.city.ground(&request)?;
        Ok(timed(|| ground.walk(&request, effort)))
    }

    fn look_at(&self, wish: &Value, start_time: Value, route: &Route) -> anyhow::Result<Walked> {
        let supply = self.checker.supply(wish)?;
        let json = serde_json::to_value(route)?;
        Ok(Walked {
            report: self.checker.check(wish, &json),
            offers: supply.len(),
            plenty: supply.is_plenty(),
            monotonous: self.checker.too_many_of_a_kind(&supply, route),
            light: self.light(wish)?,
            gems: self.gems(wish, &supply, route.stops.len())?,
            score: self.score(wish, route, &supply)?,
            hours: self.hours(wish, start_time)?,
            route: json,
        })
    }

    fn hours(&self, wish: &Value, start_time: Value) -> anyhow::Result<Hours> {
        let mut wish = wish.clone();
        wish["start_time"] = start_time;
        let (Ok(route), _) = self.walk(&wish, 1)? else { return Ok(Hours::default()) };
        let report = self.checker.check(&wish, &serde_json::to_value(route)?);
        let broken = report.violations.iter().filter(|violation| violation.promise == Promise::Hours).count();
        Ok(Hours { known: report.numbers.map_or(0.0, |numbers| numbers.timed_stops), broken: broken as f64 })
    }

    fn light(&self, wish: &Value) -> anyhow::Result<Option<Light>> {
        let asked = |prefer: bool| -> anyhow::Result<Option<(Value, Value, Numbers)>> {
            let mut wish = wish.clone();
            wish["accessibility"]["prefer_well_lit"] = json!(prefer);
            let (Ok(route), _) = self.walk(&wish, 1)? else { return Ok(None) };
            let route = serde_json::to_value(route)?;
            let numbers = self.checker.check(&wish, &route).numbers.context("a walk without numbers")?;
            Ok(Some((wish, route, numbers)))
        };
        let (Some((wish, route, without)), Some((_, _, with))) = (asked(false)?, asked(true)?) else {
            return Ok(None);
        };
        let brighter = self.checker.brighter(&wish, &route, without.distance_m * (1.0 + MORE_WALKING));
        let offered = brighter.is_some_and(|way| way.lit_share >= without.lit_share + MORE_LIGHT);
        Ok(Some(Light { without, with, offered }))
    }

    fn gems(&self, wish: &Value, supply: &Supply, stops: usize) -> anyhow::Result<Option<Gems>> {
        let mut ranks = [0.0; BIASES.len()];
        for (rank, bias) in ranks.iter_mut().zip(BIASES) {
            let mut wish = wish.clone();
            wish["popularity_bias"] = json!(bias);
            let (Ok(route), _) = self.walk(&wish, 1)? else { return Ok(None) };
            let of_stops = self.checker.popularity_ranks(supply, &route);
            if of_stops.is_empty() {
                return Ok(None);
            }
            *rank = of_stops.iter().sum::<f64>() / of_stops.len() as f64;
        }
        Ok(Some(Gems { ranks, possible: supply.possible_fall(stops) }))
    }

    fn score(&self, wish: &Value, route: &Route, supply: &Supply) -> anyhow::Result<Option<f64>> {
        let (Ok(long), _) = self.walk(wish, LONG)? else { return Ok(None) };
        let worth = |route: &Route| self.checker.worth(wish, route, supply);
        let (own, long) = (worth(route)?, worth(&long)?);
        Ok((long > 0.0).then(|| own / own.max(long)))
    }
}
