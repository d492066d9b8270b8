//! Why a walk stops somewhere, in words. Only what the engine knows; nothing is made up.

use domain::Poi;

/// A sentence fragment for the walker.
pub(crate) fn why(poi: &Poi, matched: u32, wanted: usize, popularity_bias: f64) -> String {
    let place = match poi.popularity_score {
        score if score <= 0.25 && popularity_bias < 0.6 => "A hidden gem that few walkers find",
        score if score >= 0.75 => "A well-known sight on your way",
        _ => "A place on your way",
    };
    match matched {
        all if all as usize == wanted && wanted > 1 => {
            format!("{place}, matching all {wanted} of your interests")
        }
        1 => format!("{place}, matching one of your interests"),
        some => format!("{place}, matching {some} of your interests"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Coordinate, PoiId};

    #[test]
    fn gems_and_sights_are_told_apart() {
        let mut poi = Poi {
            opening_hours: None,
            id: PoiId(4),
            location: Coordinate::new(0.0, 0.0).unwrap(),
            name: None,
            kind: String::new(),
            themes: vec![],
            popularity_score: 0.1,
            dwell_s: 60,
            narrative: None,
        };
        assert_eq!(why(&poi, 2, 3, 0.2), "A hidden gem that few walkers find, matching 2 of your interests");
        poi.popularity_score = 0.9;
        assert_eq!(why(&poi, 1, 1, 0.2), "A well-known sight on your way, matching one of your interests");
        assert_eq!(why(&poi, 2, 2, 0.2), "A well-known sight on your way, matching all 2 of your interests");
    }
}
