use domain::{Accessibility, Coordinate, LineString};

use super::{Profile, many_to_many, route::RouteSearch};
use crate::{
    Network,
    path::Piece,
    profile::Steps,
    shortest_paths::{Search, ShortestPaths},
    snap::{self, Place},
    spot::Spot,
    weight::{FAR, Weight},
};

/// Travel times in a network for one kind of walker: routes and matrices.
///
/// Ways are chosen by cost, that is by time made dearer where walking is less pleasant; times are those of the ways so
/// chosen. Memory is kept from one call to the next.
pub struct Travel<'a> {
    network: &'a Network,
    profile: &'a Profile,
    search: RouteSearch<'a>,
    streets: Vec<u32>,
}

/// A way between two places.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Milliseconds of walking.
    pub time_ms: u32,
    /// Metres.
    pub distance_m: f64,
    /// Along the streets.
    pub line: LineString,
}

/// Milliseconds of walking from each place to each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    columns: usize,
    times_ms: Vec<u32>,
}

impl Times {
    /// From the place in this row to the one in that column; `None` where no way leads.
    pub fn get(&self, row: usize, column: usize) -> Option<u32> {
        self.times_ms.get(row * self.columns + column).copied().filter(|&ms| ms < FAR)
    }
}

impl Network {
    /// Travel times for walkers with these wishes. The weights of the whole network are worked out when they are first
    /// asked for, and kept.
    pub fn travel(&self, wishes: Accessibility) -> Travel<'_> {
        let steps = if wishes.avoid_stairs { Steps::Never } else { Steps::Welcome };
        let profile = self.profile(steps, wishes.prefer_well_lit);
        Travel { network: self, profile, search: RouteSearch::new(self, profile), streets: Vec::new() }
    }

    /// Works out the weights for walkers with these wishes anew and forgets them: for measuring.
    pub fn customize(&self, wishes: Accessibility) -> usize {
        let steps = if wishes.avoid_stairs { Steps::Never } else { Steps::Welcome };
        Profile::of(self, steps, wishes.prefer_well_lit).memory_bytes()
    }
}

impl Travel<'_> {
    /// The nearest point of a street that this walker may use, within so many metres.
    pub fn snap(&self, at: Coordinate, within_m: f64) -> Option<Place> {
        snap::nearest(self.network, Spot::of(at), within_m, |edge| self.profile.is_open(edge))
    }

    /// The best way from one place to another.
    pub fn route(&mut self, from: &Place, to: &Place) -> Option<Path> {
        let (weight, pieces) = self.pieces(from, to)?;
        let mut line = vec![from.spot];
        pieces.iter().for_each(|&piece| piece.draw(self.network, &mut line));
        if line.len() == 1 {
            line.push(to.spot);
        }
        let distance_m = pieces.iter().map(|piece| f64::from(piece.length_mm())).sum::<f64>() / 1000.0;
        let coordinates = line.into_iter().map(Spot::coordinate).collect();
        Some(Path { time_ms: weight.time_ms(), distance_m, line: LineString { coordinates } })
    }

    /// The same as parts of edges.
    pub(crate) fn pieces(&mut self, from: &Place, to: &Place) -> Option<(Weight, Vec<Piece>)> {
        let (weight, ends) = self.search.run(from, to, &mut self.streets)?;
        let Some([first, last]) = ends else {
            return Some((weight, Piece::between(from, to).into_iter().collect()));
        };
        let profile = self.profile;
        let of = |directed| profile.weight(directed);
        let mut pieces = Vec::with_capacity(self.streets.len() + 2);
        pieces.extend(Piece::leaving(self.network, of, from, first));
        pieces.extend(self.streets.iter().map(|&directed| Piece::whole(self.network, directed)));
        pieces.extend(Piece::arriving(self.network, of, to, last));
        Some((weight, pieces))
    }

    /// Walking times from each of some places to each of others.
    pub fn matrix(&self, from: &[Place], to: &[Place]) -> Times {
        let weights = many_to_many(self.network, self.profile, from, to);
        Times { columns: to.len(), times_ms: weights.into_iter().map(Weight::time_ms).collect() }
    }

    /// The same from one place by Dijkstra's algorithm: slower, and what the matrix is judged by.
    pub fn times_by_dijkstra(&self, from: &Place, to: &[Place]) -> Vec<Option<u32>> {
        let mut paths = ShortestPaths::new(self.network, self.profile);
        paths.run(Search { from: *from, backward: false, within_ms: u32::MAX, until: &[] });
        to.iter().map(|to| Some(paths.to_place(to).time_ms()).filter(|&ms| ms < FAR)).collect()
    }
}
