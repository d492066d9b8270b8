//! How well known a place is. The tags give its [`prominence`], a number that means something only beside others; a
//! [`PopularityScale`], made from all places of a data set, turns it into the score that walkers see: the share of the
//! data set that is less known. Both steps are monotone, so a further signal never makes a place less popular.

use serde::{Deserialize, Serialize};

use crate::Tags;

/// How much the tags speak of a place that people know, 0-1.
///
/// Each signal in the tags is a chance that the place is known, and prominence is the chance that one of them is
/// right: `1 - (1 - a)(1 - b)…`. So a further signal never lowers it, and no place reaches 1. Signals are what
/// mappers note about famous places: entries in Wikipedia and Wikidata, the level of protection, names in many
/// languages, being called an attraction, a page of its own.
pub fn prominence(tags: &Tags) -> f32 {
    let has = |keys: &[&str]| keys.iter().any(|key| tags.get(*key).is_some_and(|value| value != "no"));
    let when = |held: bool, weight: f64| if held { weight } else { 0.0 };
    // A brand's entry says nothing about this branch, so `brand:wikidata` is no signal.
    let signals = [
        when(has(&["name"]), 0.05),
        when(has(&["wikipedia"]) || tags.keys().any(|key| key.starts_with("wikipedia:")), 0.35),
        when(has(&["wikidata"]), 0.25),
        when(has(&["wikimedia_commons", "image"]), 0.10),
        heritage(tags),
        translations(tags),
        tourism(tags),
        when(has(&["historic"]), 0.05),
        when(has(&["website", "contact:website", "url"]), 0.05),
        when(has(&["opening_hours"]), 0.03),
    ];
    let unknown: f64 = signals.iter().map(|weight| 1.0 - weight).product();
    (1.0 - unknown) as f32
}

/// `heritage=1` is the world's, 2 a nation's, larger numbers a region's or a town's.
fn heritage(tags: &Tags) -> f64 {
    let level = highest(tags, "heritage", |level| match level {
        "no" => 0.0,
        "1" => 0.45,
        "2" => 0.20,
        "3" | "4" => 0.15,
        _ => 0.10,
    });
    let world = tags.keys().any(|key| key.starts_with("ref:whc") || key.starts_with("whc:"));
    if world { 0.45 } else { level }
}

/// Names in other languages: each halves what is left of the weight, so the first few count most.
fn translations(tags: &Tags) -> f64 {
    let is_language = |code: &str| (2..=3).contains(&code.split('-').next().unwrap_or(code).len());
    let count = tags.keys().filter(|key| key.strip_prefix("name:").is_some_and(is_language)).count();
    // In a country with two languages every corner shop has two names: only from the third on they tell something.
    0.40 * (1.0 - 0.85_f64.powi(count.saturating_sub(2).min(40) as i32))
}

fn tourism(tags: &Tags) -> f64 {
    highest(tags, "tourism", |kind| match kind {
        "attraction" | "museum" | "theme_park" | "zoo" | "aquarium" => 0.20,
        "gallery" | "viewpoint" => 0.10,
        "artwork" | "yes" => 0.03,
        _ => 0.0,
    })
}

/// The weight of the weightiest of the values that a tag lists.
fn highest(tags: &Tags, key: &str, weight: impl Fn(&str) -> f64) -> f64 {
    let values = tags.get(key).into_iter().flat_map(|values| values.split(';'));
    values.map(|value| weight(value.trim())).fold(0.0, f64::max)
}

/// Turns prominence into a popularity score, 0 hidden gem to 1 hotspot: the share of the data set's places that are
/// less prominent, half of those that are equally so included. What is between two known places gets a score between
/// theirs, so that a place that is learnt of later is measured by the same scale.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<[f32; 2]>", into = "Vec<[f32; 2]>")]
pub struct PopularityScale {
    /// Prominence and score, both growing.
    knots: Vec<[f32; 2]>,
}

/// More knots would only tell apart what nobody can see.
const SMALLEST_STEP: f32 = 0.002;

impl PopularityScale {
    /// The scale of a data set, from the prominence of all its places.
    pub fn of(prominences: impl IntoIterator<Item = f32>) -> Self {
        let mut sorted: Vec<f32> = prominences.into_iter().map(|one| one.clamp(0.0, 1.0)).collect();
        sorted.sort_by(f32::total_cmp);
        let count = sorted.len() as f64;
        let mut knots: Vec<[f32; 2]> = Vec::new();
        let mut below = 0;
        for equals in sorted.chunk_by(|a, b| a == b) {
            let score = ((f64::from(below) + equals.len() as f64 / 2.0) / count) as f32;
            if knots.last().is_none_or(|last| score - last[1] >= SMALLEST_STEP) {
                knots.push([equals[0], score]);
            }
            below += equals.len() as u32;
        }
        Self { knots }
    }

    /// The popularity score of a place. Where nothing is known to compare it with, its prominence is its score.
    pub fn score(&self, prominence: f32) -> f32 {
        // Hundredths: a place whose rank hardly moved stays as it is at the next ingest.
        (self.rank(prominence.clamp(0.0, 1.0)) * 100.0).round() / 100.0
    }

    fn rank(&self, prominence: f32) -> f32 {
        let next = self.knots.partition_point(|knot| knot[0] < prominence);
        let below = if next == 0 { [0.0, 0.0] } else { self.knots[next - 1] };
        let above = self.knots.get(next).copied().unwrap_or([1.0, 1.0]);
        if above[0] <= below[0] || prominence >= above[0] {
            return above[1];
        }
        below[1] + (above[1] - below[1]) * (prominence - below[0]) / (above[0] - below[0])
    }
}

impl TryFrom<Vec<[f32; 2]>> for PopularityScale {
    type Error = String;

    fn try_from(knots: Vec<[f32; 2]>) -> Result<Self, String> {
        let legal = knots.iter().flatten().all(|number| (0.0..=1.0).contains(number));
        let grows = knots.windows(2).all(|pair| pair[0][0] < pair[1][0] && pair[0][1] <= pair[1][1]);
        if legal && grows { Ok(Self { knots }) } else { Err("a popularity scale grows from 0 to 1".into()) }
    }
}

impl From<PopularityScale> for Vec<[f32; 2]> {
    fn from(scale: PopularityScale) -> Self {
        scale.knots
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poi::tags;

    const SIGNALS: [&str; 12] = [
        "name=Linna",
        "wikipedia=fi:Linna",
        "wikidata=Q1",
        "image=x.jpg",
        "heritage=2",
        "name:en=Castle name:fr=Château name:de=Burg",
        "name:ja=城 name:it=Castello",
        "tourism=attraction",
        "historic=castle",
        "website=x.example",
        "opening_hours=24/7",
        "ref:whc=583",
    ];

    #[test]
    fn a_further_signal_never_lowers_prominence() {
        for (index, signal) in SIGNALS.iter().enumerate() {
            let others: Vec<&str> =
                SIGNALS.iter().enumerate().filter(|(i, _)| *i != index).map(|(_, s)| *s).collect();
            for known in 0..=others.len() {
                let without = others[..known].join(" ");
                let (less, more) = (tags(&without), tags(&format!("{without} {signal}")));
                assert!(prominence(&more) >= prominence(&less), "{without} + {signal}");
            }
        }
    }

    #[test]
    fn prominence_is_between_nothing_and_one() {
        assert_eq!(prominence(&Tags::new()), 0.0);
        let famous = prominence(&tags(&SIGNALS.join(" ")));
        assert!((0.8..1.0).contains(&famous), "{famous}");
    }

    #[test]
    fn a_cathedral_is_better_known_than_a_café() {
        let cathedral = tags("name=Tuomiokirkko wikipedia=fi:T wikidata=Q1 tourism=attraction heritage=2");
        let cafe = tags("name=Engel amenity=cafe website=x.example brand:wikidata=Q2");
        assert!(prominence(&cathedral) > 0.6);
        assert!(prominence(&cafe) < 0.2);
    }

    #[test]
    fn higher_protection_counts_more() {
        let level = |level: &str| prominence(&tags(&format!("heritage={level}")));
        assert!(level("1") > level("2") && level("2") > level("4") && level("4") > level("yes"));
        assert_eq!(level("4;2"), level("2"));
    }

    /// Five plain places, three with a page, one that is famous.
    fn town() -> [f32; 9] {
        [0.05, 0.05, 0.05, 0.05, 0.05, 0.1, 0.1, 0.1, 0.8]
    }

    #[test]
    fn a_score_is_the_share_of_places_that_are_less_known() {
        let scale = PopularityScale::of(town());
        let about = |prominence: f32, score: f32| (scale.score(prominence) - score).abs() < 0.006;
        assert!(about(0.05, 2.5 / 9.0) && about(0.1, 6.5 / 9.0) && about(0.8, 8.5 / 9.0));
        let all: Vec<f32> = (0..10_000).map(|n| n as f32 / 10_000.0).collect();
        let fine = PopularityScale::of(all.iter().copied());
        assert!(all.iter().all(|one| (fine.score(*one) - one).abs() < 0.007));
    }

    #[test]
    fn a_more_prominent_place_never_scores_lower() {
        for scale in
            [PopularityScale::of(town()), PopularityScale::of([0.0, 0.0]), PopularityScale::default()]
        {
            let scores: Vec<f32> = (0..=1000).map(|n| scale.score(n as f32 / 1000.0)).collect();
            assert!(
                scores.is_sorted() && scores.iter().all(|score| (0.0..=1.0).contains(score)),
                "{scale:?}"
            );
        }
    }

    #[test]
    fn a_scale_comes_back_from_json_as_it_was() {
        let scale = PopularityScale::of(town());
        let json = serde_json::to_value(&scale).unwrap();
        assert_eq!(serde_json::from_value::<PopularityScale>(json).unwrap(), scale);
        assert!(serde_json::from_str::<PopularityScale>("[[0.2, 0.5], [0.1, 0.6]]").is_err());
    }
}
