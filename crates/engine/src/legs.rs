//! The way along the streets: leg after leg, each shunning what was walked before.

use std::collections::HashMap;

use crate::{
    ground::Ground,
    network::Network,
    path::Piece,
    profile::Steps,
    shortest_paths::{Search, ShortestPaths},
    snap::Place,
};

/// How much dearer a street gets that was walked already: first try, second try.
const SHUN: [f64; 2] = [2.0, 0.6];
/// A leg is at most this much longer than it need be.
const MOST_DETOUR: f64 = 1.28;
/// The same to keep clear of a trunk road: what such a road costs at most.
const MOST_DETOUR_BUSY: f64 = 2.5;
/// Where there are so few stops that a walk would be there and back, a leg may be so much longer if it goes round instead.
const MOST_DETOUR_ROUND: f64 = 1.6;
const FEW_ANCHORS: usize = 4;
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
    pub ground: &'a Ground<'a>,
    pub paths: ShortestPaths<'a>,
    /// The streets that the walk uses already.
    touched: Vec<u32>,
    is_touched: Vec<u8>,
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
    pub fn new(network: &'a Network, ground: &'a Ground<'a>) -> Self {
        Self {
            network,
            ground,
            paths: ShortestPaths::new(network, ground.profile),
            touched: Vec::new(),
            is_touched: vec![0; network.edge_count()],
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
            let detour = match strolls {
                true => MOST_STROLL,
                false if anchors.len() <= FEW_ANCHORS => MOST_DETOUR_ROUND,
                false => MOST_DETOUR,
            };
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
                    self.is_touched[piece.edge as usize] = 1;
                }
            }
            ways.push(way);
        }
        for edge in self.touched.drain(..) {
            self.is_touched[edge as usize] = 0;
        }
        Some(ways)
    }

    /// Each way for itself, with the milliseconds of the fastest one: the pleasant way unless it is too long.
    fn plain(&mut self, anchors: &[Anchor], limit_ms: u32) -> Option<Vec<(Way, u32)>> {
        let mut plain = Vec::with_capacity(anchors.len());
        let mut fastest = Vec::with_capacity(anchors.len());
        for pair in anchors.windows(2) {
            let Plain { fastest: fast, pleasant } = self.plain_way(pair[0].place, pair[1].place, limit_ms)?;
            plain.push((pleasant.unwrap_or_else(|| fast.clone()), fast.time_ms));
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
        let is_busy = |piece: &Piece| self.network.edge(piece.edge).attributes.busy();
        let detour = if fastest.pieces.iter().any(is_busy) { MOST_DETOUR_BUSY } else { MOST_DETOUR };
        let most = (f64::from(fastest.time_ms) * detour) as u32;
        let pleasant = self.way(from, to, most, By::Cost).filter(|way| way.time_ms <= most);
        let plain = Plain { fastest, pleasant };
        self.known.insert(key, plain.clone());
        Some(plain)
    }

    /// A way that shuns what was walked before, at most `most_ms` long.
    fn fresh(&mut self, from: Place, to: Place, most_ms: u64) -> Option<Way> {
        let most_ms = u32::try_from(most_ms).unwrap_or(u32::MAX);
        SHUN.into_iter().find_map(|shun| {
            self.way(from, to, most_ms, By::FreshCost(shun)).filter(|way| way.time_ms <= most_ms)
        })
    }

    fn way(&mut self, from: Place, to: Place, within_ms: u32, by: By) -> Option<Way> {
        let Self { ground: Ground { profile, .. }, is_touched, paths, .. } = self;
        let weight = |directed: u32| {
            let weight = profile.weight(directed);
            match by {
                // Where steps are a last resort, no haste takes more of them.
                By::Time if profile.steps != Steps::LastResort => weight.by_time(),
                By::FreshCost(shun) if is_touched[directed as usize >> 1] != 0 => weight.dearer(1.0 + shun),
                _ => weight,
            }
        };
        paths.run_by(weight, Search { from, backward: false, within_ms, until: &[to] });
        let pieces = paths.pieces_to(&to, weight)?;
        let time_ms = self.time_of_all(&pieces);
        Some(Way { pieces, time_ms })
    }

    /// Milliseconds that walking takes.
    pub fn time_of_all(&self, pieces: &[Piece]) -> u32 {
        let profile = self.ground.profile;
        pieces.iter().fold(0, |sum: u32, &piece| {
            sum.saturating_add(piece.weight(self.network, |directed| profile.weight(directed)).time_ms())
        })
    }
}

#[derive(Clone, Copy, PartialEq)]
enum By {
    Time,
    Cost,
    /// By cost, streets that were walked before so much dearer.
    FreshCost(f64),
}
