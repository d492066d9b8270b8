use crate::Tags;

/// How well known a place is: 0 hidden gem, 1 hotspot.
///
/// Each signal in the tags is a chance that the place is known, and the score is the chance that one of them is
/// right: `1 - (1 - a)(1 - b)…`. So a further signal never lowers the score, and no place reaches 1. Signals are what
/// mappers note about famous places: entries in Wikipedia and Wikidata, the level of protection, names in many
/// languages, being called an attraction, a page of its own.
pub fn popularity_score(tags: &Tags) -> f32 {
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
    let level = match tags.get("heritage").map(String::as_str) {
        None | Some("no") => 0.0,
        Some("1") => 0.45,
        Some("2") => 0.20,
        Some("3" | "4") => 0.15,
        Some(_) => 0.10,
    };
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
    match tags.get("tourism").map(String::as_str) {
        Some("attraction" | "museum" | "theme_park" | "zoo" | "aquarium") => 0.20,
        Some("gallery" | "viewpoint") => 0.10,
        Some("artwork" | "yes") => 0.03,
        _ => 0.0,
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
    fn a_further_signal_never_lowers_the_score() {
        for (index, signal) in SIGNALS.iter().enumerate() {
            let others: Vec<&str> =
                SIGNALS.iter().enumerate().filter(|(i, _)| *i != index).map(|(_, s)| *s).collect();
            for known in 0..=others.len() {
                let without = others[..known].join(" ");
                let (less, more) = (tags(&without), tags(&format!("{without} {signal}")));
                assert!(popularity_score(&more) >= popularity_score(&less), "{without} + {signal}");
            }
        }
    }

    #[test]
    fn every_score_is_between_nothing_and_one() {
        assert_eq!(popularity_score(&Tags::new()), 0.0);
        let famous = popularity_score(&tags(&SIGNALS.join(" ")));
        assert!((0.8..1.0).contains(&famous), "{famous}");
    }

    #[test]
    fn a_cathedral_is_better_known_than_a_café() {
        let cathedral = tags("name=Tuomiokirkko wikipedia=fi:T wikidata=Q1 tourism=attraction heritage=2");
        let cafe = tags("name=Engel amenity=cafe website=x.example brand:wikidata=Q2");
        assert!(popularity_score(&cathedral) > 0.6);
        assert!(popularity_score(&cafe) < 0.2);
    }

    #[test]
    fn higher_protection_counts_more() {
        let score = |level: &str| popularity_score(&tags(&format!("heritage={level}")));
        assert!(score("1") > score("2") && score("2") > score("4") && score("4") > score("yes"));
    }
}
