//! What a city offers one who walks from here. Some numbers can only be asked for where there is a choice, and whether
//! there is one must not be for the search to say.

use anyhow::Context;
use domain::{PoiId, Route, RouteRequest};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

use super::{WalkChecker, clock, extract::Place, plane::Spot, way::SNAP_M};

/// A place is seen from the street within this distance, in metres.
const SEEN_M: f64 = 30.0;
/// No kind should be more than this share of the stops.
const MOST_OF_A_KIND: f64 = 0.4;
/// On a walk of fewer stops a share says nothing.
const A_FEW_STOPS: usize = 5;

/// Places, each with the nodes from which one gets there, and how far it is.
pub(super) type Doors = HashMap<PoiId, Vec<(u32, f64)>>;

/// The places with a wanted theme that are within reach of a request: one can walk there, stay, and walk on to the end
/// in the time given.
#[derive(Clone, Debug, Default)]
pub struct Supply {
    budget_s: f64,
    ends: [Spot; 2],
    offers: Vec<Offer>,
    /// Of the offers, sorted.
    popularity: Vec<f64>,
}

#[derive(Clone, Debug)]
struct Offer {
    spot: Spot,
    kind: String,
    dwell_s: f64,
}

impl WalkChecker {
    /// What there is for a request, by the checker's own ways.
    pub fn supply(&self, request: &Value) -> anyhow::Result<Supply> {
        let request: RouteRequest =
            serde_json::from_value(request.clone()).context("the request is no request")?;
        let ends = [request.start(), request.end()].map(|at| self.extract.plane.spot(at));
        let stepless = request.accessibility().avoid_stairs;
        let within_m = f64::from(request.budget_s()) * clock::LEVEL;
        let reach = |spot: Spot, within_m: f64| {
            let near = |stepless| Some((stepless, self.streets.nearest_good(spot, SNAP_M, stepless)?));
            let Some((stepless, snap_m)) = near(stepless).or_else(|| near(false)) else {
                return HashMap::new();
            };
            self.streets.reach(spot, within_m, snap_m + 5.0, stepless)
        };
        let there = reach(ends[0], if request.is_loop() { within_m / 2.0 } else { within_m });
        let back = if request.is_loop() { there.clone() } else { reach(ends[1], within_m) };
        let doors = self.doors.get_or_init(|| self.find_doors());
        let metres = |id: &PoiId, reached: &HashMap<u32, f64>| {
            let ways = doors.get(id)?.iter().filter_map(|(node, rest)| Some(reached.get(node)? + rest));
            ways.min_by(f64::total_cmp)
        };
        let mut supply = Supply { budget_s: request.budget_s().into(), ends, ..Supply::default() };
        let wanted = self.extract.places.iter().filter(|(_, place)| place.has_any(request.themes()));
        // In order, so that sums come out the same in every run.
        for (id, place) in wanted.collect::<BTreeMap<_, _>>() {
            let Some(around_m) = metres(id, &there).zip(metres(id, &back)).map(|(to, from)| to + from) else {
                continue;
            };
            if around_m / clock::LEVEL + f64::from(place.dwell_s) <= supply.budget_s {
                let (kind, dwell_s) = (place.kind.clone(), place.dwell_s.into());
                supply.offers.push(Offer { spot: place.spot(), kind, dwell_s });
                supply.popularity.push(place.popularity);
            }
        }
        supply.popularity.sort_by(f64::total_cmp);
        Ok(supply)
    }

    /// For each stop of a route, where its popularity stands among all that was on offer, 0-1.
    pub fn popularity_ranks(&self, supply: &Supply, route: &Route) -> Vec<f64> {
        let places = route.stops.iter().filter_map(|stop| self.extract.places.get(&stop.poi_id));
        places.map(|place| supply.rank(place.popularity)).collect()
    }

    /// The kind that has more than two fifths of the stops, and more than its part of all that is on offer: who asks for
    /// themes that are nearly all of one kind has asked for that kind. None on a walk of a few stops.
    pub fn too_many_of_a_kind(&self, supply: &Supply, route: &Route) -> Option<String> {
        let places = route.stops.iter().filter_map(|stop| self.extract.places.get(&stop.poi_id));
        let kinds = count(places.map(|place| place.kind.as_str()));
        let stops: usize = kinds.values().sum();
        let offered = count(supply.offers.iter().map(|offer| offer.kind.as_str()));
        kinds.into_iter().filter(|_| stops >= A_FEW_STOPS).find_map(|(kind, taken)| {
            let (there, all) = (offered.get(kind).copied().unwrap_or(0), supply.len());
            let fair = (there as f64 / all.max(1) as f64 * stops as f64).ceil() as usize;
            (taken > most_of_a_kind(stops).max(fair)).then(|| {
                format!("{taken} of {stops} stops are {kind}, as are {there} of {all} places on offer")
            })
        })
    }

    fn find_doors(&self) -> Doors {
        let doors = |place: &Place| {
            let mut doors: BTreeMap<u32, f64> = BTreeMap::new();
            for corner in place.outline.iter().flatten() {
                let near = self.streets.near(*corner, SEEN_M);
                let open = near.iter().filter(|(_, stretch)| stretch.footing.is_good(false));
                for node in open.flat_map(|(_, stretch)| [stretch.from, stretch.to]) {
                    let metres = self.streets.nodes[node as usize].distance(*corner);
                    let known = doors.entry(node).or_insert(metres);
                    *known = known.min(metres);
                }
            }
            doors.into_iter().collect()
        };
        self.extract.places.iter().map(|(id, place)| (*id, doors(place))).collect()
    }
}

impl Supply {
    /// How many places.
    pub fn len(&self) -> usize {
        self.offers.len()
    }

    /// There is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.offers.is_empty()
    }

    /// More than fits into the time: who flew from place to place along the shortest tree that joins them would not see
    /// all of them. Of a kind that there is too much of, only as many count as a varied walk may have.
    pub fn is_plenty(&self) -> bool {
        let mut kinds: BTreeMap<&str, Vec<&Offer>> = BTreeMap::new();
        for offer in &self.offers {
            kinds.entry(&offer.kind).or_default().push(offer);
        }
        let most = (A_FEW_STOPS..=self.len()).rev().find(|stops| self.allows_variety(*stops));
        let mut counted = Vec::new();
        for mut offers in kinds.into_values() {
            offers.sort_by(|a, b| a.dwell_s.total_cmp(&b.dwell_s));
            counted.extend(offers.into_iter().take(most.map_or(usize::MAX, most_of_a_kind)));
        }
        let dwelling: f64 = counted.iter().map(|offer| offer.dwell_s).sum();
        let spots: Vec<Spot> = self.ends.into_iter().chain(counted.iter().map(|offer| offer.spot)).collect();
        dwelling + tree_m(&spots) / clock::LEVEL > self.budget_s
    }

    /// So many stops can be chosen without one kind taking too many of them.
    fn allows_variety(&self, stops: usize) -> bool {
        let kinds = count(self.offers.iter().map(|offer| offer.kind.as_str()));
        kinds.values().map(|count| (*count).min(most_of_a_kind(stops))).sum::<usize>() >= stops
    }

    /// By how much the mean rank of popularity can fall from the best known to the least known, for so many stops and
    /// one who need not walk.
    pub fn possible_fall(&self, stops: usize) -> f64 {
        let stops = stops.min(self.len());
        let mean = |part: &[f64]| part.iter().map(|p| self.rank(*p)).sum::<f64>() / stops.max(1) as f64;
        mean(&self.popularity[self.len() - stops..]) - mean(&self.popularity[..stops])
    }

    /// Where a popularity stands among all that is on offer, 0-1; equals share the middle of their places.
    pub(super) fn rank(&self, popularity: f64) -> f64 {
        let below = self.popularity.partition_point(|other| *other < popularity);
        let up_to = self.popularity.partition_point(|other| *other <= popularity);
        (below + up_to) as f64 / 2.0 / self.len().max(1) as f64
    }
}

fn count<'a>(kinds: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    kinds.fold(BTreeMap::new(), |mut counts, kind| {
        *counts.entry(kind).or_default() += 1;
        counts
    })
}

fn most_of_a_kind(stops: usize) -> usize {
    (stops as f64 * MOST_OF_A_KIND) as usize
}

/// Length of the shortest tree that joins all spots in straight lines (Prim).
fn tree_m(spots: &[Spot]) -> f64 {
    let mut left: Vec<(f64, Spot)> = spots.iter().map(|spot| (spot.distance(spots[0]), *spot)).collect();
    let mut sum = 0.0;
    while let Some(next) = (0..left.len()).min_by(|a, b| left[*a].0.total_cmp(&left[*b].0)) {
        let (metres, joined) = left.swap_remove(next);
        sum += metres;
        for (metres, spot) in &mut left {
            *metres = metres.min(spot.distance(joined));
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supply(kinds: &[(&str, usize)], budget_s: f64) -> Supply {
        let kinds = kinds.iter().flat_map(|(kind, count)| vec![*kind; *count]);
        let offer = |(number, kind): (usize, &str)| Offer {
            spot: Spot { x: number as f64 * 100.0, y: 0.0 },
            kind: kind.into(),
            dwell_s: 120.0,
        };
        let offers: Vec<Offer> = kinds.enumerate().map(offer).collect();
        let popularity = (0..offers.len()).map(|number| number as f64 / 100.0).collect();
        Supply { budget_s, offers, popularity, ends: [Spot::default(); 2] }
    }

    #[test]
    fn there_is_plenty_where_not_all_can_be_seen() {
        // Ten stays of two minutes and nine ways of a hundred metres.
        let all_s = 1200.0 + 900.0 / clock::LEVEL;
        let kinds = [("a", 4), ("b", 3), ("c", 3)];
        assert!(supply(&kinds, all_s - 1.0).is_plenty());
        assert!(!supply(&kinds, all_s + 1.0).is_plenty());
        assert!(!supply(&[], 60.0).is_plenty());
    }

    #[test]
    fn what_no_varied_walk_would_take_is_not_plenty() {
        assert!(supply(&[("a", 50), ("b", 2), ("c", 2)], 3000.0).allows_variety(6));
        assert!(!supply(&[("a", 50), ("b", 2), ("c", 2)], 3000.0).allows_variety(8));
        assert!(!supply(&[("a", 50), ("b", 2), ("c", 2)], 6000.0).is_plenty());
        assert!(supply(&[("a", 54)], 6000.0).is_plenty(), "whoever asks for one kind gets it");
    }

    #[test]
    fn popularity_can_fall_where_there_is_a_choice() {
        let supply = supply(&[("a", 10)], 60.0);
        assert!((supply.possible_fall(1) - 0.9).abs() < 1e-9);
        assert!(supply.possible_fall(10).abs() < 1e-9 && supply.possible_fall(0).abs() < 1e-9);
        assert!((supply.rank(0.05) - 0.55).abs() < 1e-9);
    }
}
