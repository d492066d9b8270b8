use domain::{Leg, LineString, OffsetRange, Poi, Route, RouteRequest, Stop, ThemeId};

use crate::{
    candidates::Candidate,
    doorstep::Doorstep,
    ground::Ground,
    legs::{Anchor, Way},
    network::Network,
    path::Piece,
    quality,
    spot::Spot,
    why::why,
};

/// A walk before it is written down.
#[derive(Clone, Debug, Default)]
pub(crate) struct Walk {
    /// Positions of the stops among the candidates, in order.
    pub stops: Vec<usize>,
    /// Start, stops and points between, end.
    pub anchors: Vec<Anchor>,
    /// One fewer than anchors.
    pub ways: Vec<Way>,
    pub dwell_ms: u32,
}

impl Walk {
    pub fn walking_ms(&self) -> u32 {
        self.ways.iter().fold(0, |sum: u32, way| sum.saturating_add(way.time_ms))
    }

    pub fn total_ms(&self) -> u32 {
        self.walking_ms().saturating_add(self.dwell_ms)
    }

    /// The walk from door to door.
    pub fn walk_over(&mut self, doorsteps: &[Doorstep; 2]) {
        if let Some(first) = self.ways.first_mut() {
            first.pieces.splice(0..0, doorsteps[0].pieces.iter().copied());
            first.time_ms += doorsteps[0].time_ms;
        }
        if let Some(last) = self.ways.last_mut() {
            last.pieces.extend(doorsteps[1].reversed());
            last.time_ms += doorsteps[1].time_ms;
        }
    }

    pub fn pieces(&self) -> impl Iterator<Item = Piece> {
        self.ways.iter().flat_map(|way| way.pieces.iter().copied())
    }

    pub fn repeated_share(&self) -> f64 {
        let total: u64 = self.pieces().map(|piece| u64::from(piece.length_mm())).sum();
        if total == 0 { 0.0 } else { quality::repeated_mm(self.pieces()) as f64 / total as f64 }
    }
}

/// Writes a walk down as a route.
pub(crate) fn assemble(
    network: &Network,
    ground: &Ground<'_>,
    walk: &Walk,
    candidates: &[Candidate],
    pois: &[Poi],
    request: &RouteRequest,
    sparse_themes: Vec<ThemeId>,
) -> Route {
    let mut path = vec![ground.doorsteps[0].spot.unwrap_or(ground.start.spot)];
    let mut legs: Vec<Leg> = Vec::new();
    let mut leg_start = 0;
    let mut walked_ms = 0_u32;
    let mut walked_s = 0_u32;
    for (way, anchor) in walk.ways.iter().zip(walk.anchors.iter().skip(1)) {
        way.pieces.iter().for_each(|&piece| piece.draw(network, &mut path));
        walked_ms = walked_ms.saturating_add(way.time_ms);
        if anchor.via {
            continue;
        }
        let is_last = legs.len() == walk.stops.len();
        let there = ground.doorsteps[1].spot.filter(|_| is_last).unwrap_or(anchor.place.spot);
        if path.last() != Some(&there) {
            path.push(there);
        }
        // Seconds are rounded up along the whole walk, so that the legs' sum is the walk's.
        let until_s = walked_ms.div_ceil(1000);
        let line = &path[leg_start..];
        legs.push(Leg {
            from: legs.len() as u32,
            to: legs.len() as u32 + 1,
            distance_m: length_m(line),
            duration_s: until_s - walked_s,
            geometry: OffsetRange { start: leg_start as u32, end: path.len() as u32 - 1 },
        });
        (leg_start, walked_s) = (path.len() - 1, until_s);
    }
    if path.len() == 1 {
        // A line has two points, even that of a walk that goes nowhere.
        path.push(path[0]);
        legs.iter_mut().for_each(|leg| leg.geometry.end = 1);
    }
    let (mut clock_s, mut stops, mut themes) = (0_u32, Vec::new(), 0);
    for (number, (&stop, leg)) in walk.stops.iter().zip(&legs).enumerate() {
        let candidate = &candidates[stop];
        let poi = &pois[candidate.poi];
        clock_s = clock_s.saturating_add(leg.duration_s);
        themes |= candidate.themes;
        stops.push(Stop {
            order: number as u32 + 1,
            poi_id: poi.id,
            name: poi.name.clone(),
            location: poi.location.into(),
            arrival_s: clock_s,
            dwell_s: poi.dwell_s,
            themes: poi.themes.clone(),
            popularity_score: poi.popularity_score,
            narrative: poi.narrative.clone(),
            why: why(poi, candidate.themes.count_ones(), request.themes().len(), request.popularity_bias()),
        });
        clock_s = clock_s.saturating_add(poi.dwell_s);
    }
    let pieces: Vec<Piece> = walk.pieces().collect();
    Route {
        distance_m: legs.iter().map(|leg| leg.distance_m).sum(),
        duration_s: walked_s.saturating_add(walk.dwell_ms / 1000),
        walking_s: walked_s,
        ascent_m: None,
        stops,
        legs,
        quality: quality::of(network, &pieces, themes, request),
        sparse_themes,
        path: LineString { coordinates: path.into_iter().map(Spot::coordinate).collect() },
    }
}

fn length_m(line: &[Spot]) -> f64 {
    line.windows(2).map(|pair| pair[0].coordinate().distance_m(pair[1].coordinate())).sum()
}
