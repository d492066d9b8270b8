use serde_json::Value;

use super::{WalkChecker, footing::Footing, routing::Way, streets::ON_IT_M, walk::Walk};

/// How many metres of a lit way one that is not known to be lit is as dear as: several, since nobody knows which is best.
const PRICES: [f64; 4] = [1.35, 2.0, 3.0, 5.0];

/// The same stops by other streets.
#[derive(Clone, Copy, Debug)]
pub struct Brighter {
    /// Known to be lit, of its length.
    pub lit_share: f64,
    /// Its length.
    pub metres: f64,
}

impl WalkChecker {
    /// The best lit way that the checker finds past the stops of a route, in their order, among those of at most so many
    /// metres; `None` where it finds none, or where the walk has no stops.
    pub fn brighter(&self, request: &Value, route: &Value, most_m: f64) -> Option<Brighter> {
        let walk = Walk::read(request, route, self.extract.plane, &self.streets).ok()?;
        let ways = PRICES.iter().filter_map(|price| self.past_the_stops(&walk, *price));
        let fitting = ways.filter(|way| way.metres > 0.0 && way.metres <= most_m);
        let brighter = fitting.map(|way| Brighter { lit_share: way.lit_m / way.metres, metres: way.metres });
        brighter.max_by(|a, b| a.lit_share.total_cmp(&b.lit_share))
    }

    fn past_the_stops(&self, walk: &Walk, dark: f64) -> Option<Way> {
        let stepless = walk.request.accessibility().avoid_stairs;
        let price = |footing: &Footing| {
            let lit = super::walk::lit(footing);
            footing.is_good(stepless).then_some(if lit { 1.0 } else { dark })
        };
        let mut sum = Way { metres: 0.0, lit_m: 0.0 };
        let mut from = *walk.spots.first()?;
        for leg in 0..walk.route.legs.len() {
            let to = walk.spots[walk.leg_end(leg)];
            let way = self.streets.cheapest(from, to, ON_IT_M, price)?;
            (sum.metres, sum.lit_m, from) = (sum.metres + way.metres, sum.lit_m + way.lit_m, to);
        }
        Some(sum)
    }
}
