//! The way along the streets: leg after leg, each shunning what was walked before.

use std::collections::HashMap;

use crate::{
    ground::Ground,
    network::Network,
    pace::share_of,
    profile::Steps,
    shortest_paths::{Metric, Piece, Search, ShortestPaths},
    snap::Place,
};

/// How much dearer a street gets that was walked already: first try, second try.
const SHUN: [f64; 2] = [2.0, 0.6];
/// A leg is at most this much longer than it need be.
const MOST_DETOUR: f64 = 1.28;
/// Between via points one strolls; only the walk as a whole must be right.
const MOST_STROLL: f64 = 2.5;

/// A place that the walk passes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor {
    pub place: Place,
    /// Nothing is there: the point only shapes the walk.
    pub via: bool,
}

/// The way from one anchor to the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Way {
    pub pieces: Vec<Piece>,
    pub time_ms: u32,
}

/// Routes whole walks.
pub(crate) struct Router<'a> {
    pub network: &'a Network,
    pub ground: &'a Ground,
    pub paths: ShortestPaths<'a>,
    /// Costs with the streets made dearer that the walk uses already.
    cost: Vec<u32>,
    touched: Vec<u32>,
    /// Ways that were found before: the same legs come again and again, in walk after walk.
    known: HashMap<[u32; 4], Plain>,
}

/// A way for itself.
#[derive(Clone)]
struct Plain {
    fastest: Way,
    pleasant: Option<Way>,
}

impl<'a> Router<'a> {
    pub fn new(network: &'a Network, ground: &'a Ground) -> Self {
        let cost = ground.weights.cost.clone();
        Self {
            network,
            ground,
            paths: ShortestPaths::new(network),
            cost,
            touched: Vec::new(),
            known: HashMap::new(),
        }
    }

    /// The ways between the anchors, together at most `limit_ms` long; `None` if that cannot be.
    pub fn route(&mut self, anchors: &[Anchor], limit_ms: u32) -> Option<Vec<Way>> {
        let plain = self.plain(anchors, limit_ms)?;
        let total: u64 = plain.iter().map(|(way, _)| u64::from(way.time_ms)).sum();
        let mut slack = u64::from(limit_ms).checked_sub(total)?;
        let mut ways: Vec<Way> = Vec::with_capacity(plain.len());
        for (pair, (plain, fastest_ms)) in anchors.windows(2).zip(plain) {
            let strolls = [pair[0], pair[1]].iter().any(|anchor| anchor.via);
            let detour = if strolls { MOST_STROLL } else { MOST_DETOUR };
            let most = ((f64::from(fastest_ms) * detour) as u64).min(u64::from(plain.time_ms) + slack);
            let plain_ms = u64::from(plain.time_ms);
            let fresh =
                if self.touched.is_empty() { None } else { self.fresh(pair[0].place, pair[1].place, most) };
            let way = fresh.unwrap_or(plain);
            slack = (slack + plain_ms).saturating_sub(u64::from(way.time_ms));
            for piece in &way.pieces {
                // The rest of a street that was walked in part still leads onward.
                if f64::from(piece.length_mm()) > 0.6 * f64::from(self.network.edge(piece.edge).length_mm) {
                    self.touched.push(piece.edge);
                }
            }
            ways.push(way);
        }
        self.touched.clear();
        Some(ways)
    }

    /// Each way for itself, with the milliseconds of the fastest one: the pleasant way unless it is too long.
    fn plain(&mut self, anchors: &[Anchor], limit_ms: u32) -> Option<Vec<(Way, u32)>> {
        let mut plain = Vec::with_capacity(anchors.len());
        let mut fastest = Vec::with_capacity(anchors.len());
        for pair in anchors.windows(2) {
            let Plain { fastest: fast, pleasant } = self.plain_way(pair[0].place, pair[1].place, limit_ms)?;
            let most = (f64::from(fast.time_ms) * MOST_DETOUR) as u32;
            plain.push((
                pleasant.filter(|way| way.time_ms <= most).unwrap_or_else(|| fast.clone()),
                fast.time_ms,
            ));
            fastest.push(fast);
        }
        let total: u64 = plain.iter().map(|(way, _)| u64::from(way.time_ms)).sum();
        if total > u64::from(limit_ms) {
            return Some(
                fastest.into_iter().map(|way| (way.time_ms, way)).map(|(ms, way)| (way, ms)).collect(),
            );
        }
        Some(plain)
    }

    /// The fastest and the pleasantest way; `None` where even the fastest takes too long.
    fn plain_way(&mut self, from: Place, to: Place, limit_ms: u32) -> Option<Plain> {
        let key = [from.edge, from.offset_mm, to.edge, to.offset_mm];
        if let Some(plain) = self.known.get(&key) {
            return (plain.fastest.time_ms <= limit_ms).then(|| plain.clone());
        }
        let fastest = self.way(from, to, limit_ms, By::Time)?;
        // Whether there is time enough for the pleasant one is asked later.
        let most = (f64::from(fastest.time_ms) * MOST_DETOUR) as u32;
        let pleasant = self.way(from, to, most, By::Cost);
        let plain = Plain { fastest, pleasant };
        self.known.insert(key, plain.clone());
        Some(plain)
    }

    /// A way that shuns what was walked before, at most `most_ms` long.
    fn fresh(&mut self, from: Place, to: Place, most_ms: u64) -> Option<Way> {
        let most_ms = u32::try_from(most_ms).unwrap_or(u32::MAX);
        SHUN.into_iter().find_map(|shun| {
            for &edge in &self.touched {
                let plain = self.ground.weights.cost[edge as usize];
                self.cost[edge as usize] = (f64::from(plain) * (1.0 + shun)) as u32;
            }
            let way = self.way(from, to, most_ms, By::FreshCost);
            for &edge in &self.touched {
                self.cost[edge as usize] = self.ground.weights.cost[edge as usize];
            }
            way.filter(|way| way.time_ms <= most_ms)
        })
    }

    fn way(&mut self, from: Place, to: Place, within_ms: u32, by: By) -> Option<Way> {
        let weights = &self.ground.weights;
        let cost = match by {
            By::Time => &weights.time_ms,
            By::Cost => &weights.cost,
            By::FreshCost => &self.cost,
        };
        // Where steps are a last resort, no haste takes more of them.
        let cost = if weights.steps == Steps::LastResort && by == By::Time { &weights.cost } else { cost };
        let metric = Metric { time_ms: &weights.time_ms, cost };
        self.paths.run(metric, Search { from, backward: false, within_ms, until: &[to] });
        let pieces = self.paths.pieces_to(metric, &to)?;
        let time_ms = self.time_of_all(&pieces);
        Some(Way { pieces, time_ms })
    }

    /// Milliseconds that walking takes.
    pub fn time_of_all(&self, pieces: &[Piece]) -> u32 {
        pieces.iter().fold(0, |sum: u32, &piece| sum.saturating_add(self.time_of(piece)))
    }

    fn time_of(&self, piece: Piece) -> u32 {
        let whole = self.ground.weights.time_ms[piece.edge as usize];
        share_of(whole, piece.length_mm(), self.network.edge(piece.edge).length_mm)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Time,
    Cost,
    FreshCost,
}
