//! The checker's own ways through the streets: Dijkstra, from node to node, as the text book has it.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

use super::{footing::Footing, plane::Spot, streets::Streets, walk::lit};

/// A way between two spots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub metres: f64,
    /// Of it, known to be lit.
    pub lit_m: f64,
}

/// How a node was reached.
#[derive(Clone, Copy)]
struct Reached {
    cost: f64,
    way: Way,
}

impl Streets {
    /// Length of the shortest way between two spots that is open to all, each taken to the ends of the streets near it.
    pub fn shortest_m(&self, from: Spot, to: Spot, reach: f64, stepless: bool) -> Option<f64> {
        self.cheapest(from, to, reach, |footing| footing.is_good(stepless).then_some(1.0))
            .map(|way| way.metres)
    }

    /// The way for which the sum of its metres, each as dear as `price` says, is the least; `None` closes a street.
    pub fn cheapest(
        &self,
        from: Spot,
        to: Spot,
        reach: f64,
        price: impl Fn(&Footing) -> Option<f64>,
    ) -> Option<Way> {
        let mut goals: HashMap<u32, Reached> = HashMap::new();
        for (node, end) in self.ends(to, reach, &price) {
            let known = goals.entry(node).or_insert(end);
            if end.cost < known.cost {
                *known = end;
            }
        }
        let mut best = self.direct(from, to, reach, &price);
        self.spread(self.ends(from, reach, &price), &price, |node, reached| {
            let bound = best.map_or(f64::INFINITY, |best| best.cost);
            if let Some(rest) = goals.get(&node).filter(|rest| reached.cost + rest.cost < bound) {
                best = Some(reached.and(*rest));
            }
            reached.cost < bound
        });
        best.map(|best| best.way)
    }

    /// The nodes within so many metres of a spot on streets open to all, each with its distance.
    pub fn reach(&self, from: Spot, within_m: f64, snap_m: f64, stepless: bool) -> HashMap<u32, f64> {
        let price = |footing: &Footing| footing.is_good(stepless).then_some(1.0);
        let mut nodes = HashMap::new();
        self.spread(self.ends(from, snap_m, price), price, |node, reached| {
            let near = reached.cost <= within_m;
            if near {
                nodes.insert(node, reached.cost);
            }
            near
        });
        nodes
    }

    /// The nodes at the ends of the streets near a spot, and around the square it is on.
    fn ends(&self, spot: Spot, reach: f64, price: impl Fn(&Footing) -> Option<f64>) -> Vec<(u32, Reached)> {
        let near = self.near(spot, reach);
        let streets = near.iter().flat_map(|(_, s)| [(s.from, s.footing), (s.to, s.footing)]);
        let squares = self.squares_at(spot).flat_map(|s| s.nodes.iter().map(|node| (*node, s.footing)));
        let end = |(node, footing): (u32, Footing)| {
            let metres = self.nodes[node as usize].distance(spot);
            Some((node, Reached::after(metres, price(&footing)?, &footing)))
        };
        streets.chain(squares).filter_map(end).collect()
    }

    /// Straight on, for spots on one street or one square.
    fn direct(
        &self,
        from: Spot,
        to: Spot,
        reach: f64,
        price: impl Fn(&Footing) -> Option<f64>,
    ) -> Option<Reached> {
        let near = self.near(from, reach);
        let streets = near.iter().filter(|(_, s)| to.distance_to_line(s.a, s.b) <= reach);
        let squares = self.squares_at(from).filter(|square| to.is_inside(&square.rings));
        let footings = streets.map(|(_, s)| s.footing).chain(squares.map(|square| square.footing));
        let ways = footings
            .filter_map(|footing| Some(Reached::after(from.distance(to), price(&footing)?, &footing)));
        ways.min_by(|a, b| a.cost.total_cmp(&b.cost))
    }

    /// Dijkstra: `visit` sees each node once, the cheapest first, and says whether to go on from there.
    fn spread(
        &self,
        starts: Vec<(u32, Reached)>,
        price: impl Fn(&Footing) -> Option<f64>,
        mut visit: impl FnMut(u32, Reached) -> bool,
    ) {
        // Whole millimetres have an order; floating-point numbers have none.
        let millimetres = |cost: f64| (cost * 1000.0) as u64;
        let mut known: HashMap<u32, Reached> = HashMap::new();
        let mut queue = BinaryHeap::new();
        for (node, start) in starts {
            if known.get(&node).is_none_or(|known| start.cost < known.cost) {
                known.insert(node, start);
                queue.push(Reverse((millimetres(start.cost), node)));
            }
        }
        while let Some(Reverse((cost, node))) = queue.pop() {
            let reached = known[&node];
            // An older, longer way to the node is still in the queue.
            if cost > millimetres(reached.cost) {
                continue;
            }
            if !visit(node, reached) {
                break;
            }
            for link in &self.next[node as usize] {
                let Some(price) = price(&link.footing) else { continue };
                let next = reached.and(Reached::after(link.metres, price, &link.footing));
                if known.get(&link.to).is_none_or(|known| next.cost < known.cost) {
                    known.insert(link.to, next);
                    queue.push(Reverse((millimetres(next.cost), link.to)));
                }
            }
        }
    }
}

impl Reached {
    fn after(metres: f64, price: f64, footing: &Footing) -> Self {
        let lit_m = if lit(footing) { metres } else { 0.0 };
        Self { cost: metres * price, way: Way { metres, lit_m } }
    }

    fn and(self, rest: Self) -> Self {
        let way = Way { metres: self.way.metres + rest.way.metres, lit_m: self.way.lit_m + rest.way.lit_m };
        Self { cost: self.cost + rest.cost, way }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{streets::ON_IT_M, tests::CITY};
    use super::*;

    /// Two corners of the city that are some way apart.
    fn corners() -> (Spot, Spot) {
        let streets = &CITY.streets;
        let good: Vec<Spot> = streets.good().map(|stretch| stretch.a).collect();
        let far = good.iter().find(|spot| (600.0..900.0).contains(&spot.distance(good[0])));
        (good[0], *far.unwrap())
    }

    #[test]
    fn no_way_is_shorter_than_the_shortest_or_the_straight_line() {
        let (from, to) = corners();
        let shortest = CITY.streets.shortest_m(from, to, ON_IT_M, false).unwrap();
        assert!(shortest >= from.distance(to) - 2.0 * ON_IT_M);
        let back = CITY.streets.shortest_m(to, from, ON_IT_M, false).unwrap();
        assert!((shortest - back).abs() < 0.1, "{shortest} there, {back} back");
        let reach = CITY.streets.reach(from, shortest + 10.0, ON_IT_M, false);
        let nearest = CITY.streets.near(to, ON_IT_M);
        assert!(nearest.iter().any(|(_, s)| reach.contains_key(&s.from) || reach.contains_key(&s.to)));
        assert!(!CITY.streets.reach(from, 100.0, ON_IT_M, false).values().any(|metres| *metres > 100.0));
    }

    #[test]
    fn who_pays_for_the_dark_walks_farther_and_in_more_light() {
        let (from, to) = corners();
        let way = |dark: f64| {
            let price = move |footing: &Footing| Some(if lit(footing) { 1.0 } else { dark });
            CITY.streets.cheapest(from, to, ON_IT_M, price).unwrap()
        };
        let (short, bright) = (way(1.0), way(20.0));
        assert!(bright.metres >= short.metres - 0.1 && bright.lit_m <= bright.metres + 0.1);
        let dark = |way: Way| way.metres - way.lit_m;
        assert!(dark(bright) < dark(short), "{short:?}, {bright:?}");
    }
}
