use anyhow::Context;
use domain::{Route, RouteRequest};
use serde_json::{Value, json};

use super::{
    footing::{Footing, Light},
    plane::{Plane, Spot},
    streets::Streets,
    trace::Trace,
};

/// Pieces are so long at most, in metres.
const PIECE_M: f64 = 5.0;

/// A request and its route, laid out on the flat map.
pub(super) struct Walk {
    pub request: RouteRequest,
    pub route: Route,
    pub plane: Plane,
    pub start: Spot,
    pub end: Spot,
    pub spots: Vec<Spot>,
    /// Metres from the start of the path to each of its points, on the globe.
    pub metres: Vec<f64>,
    pub pieces: Vec<Piece>,
    pub trace: Trace,
}

/// A few steps of the path, straight ahead.
pub(super) struct Piece {
    pub middle: Spot,
    pub metres: f64,
    /// Metres from the start of the path to its middle.
    pub at_m: f64,
    pub under: Vec<Footing>,
}

impl Walk {
    /// Reads the two bodies of the public API.
    pub fn read(request: &Value, route: &Value, plane: Plane, streets: &Streets) -> anyhow::Result<Self> {
        let request: RouteRequest =
            serde_json::from_value(request.clone()).context("the request is no request")?;
        let mut route = route.clone();
        if let Some(members) = route.as_object_mut() {
            // The API tells only that some themes are sparse, not which.
            members.insert("sparse_themes".into(), json!([]));
        }
        let route: Route = serde_json::from_value(route).context("the route is no route")?;
        let points = &route.path.coordinates;
        let spots: Vec<Spot> = points.iter().map(|at| plane.spot(*at)).collect();
        let mut metres = vec![0.0; points.len().min(1)];
        for pair in points.windows(2) {
            metres.push(metres.last().copied().unwrap_or_default() + pair[0].distance_m(pair[1]));
        }
        let (start, end) = (plane.spot(request.start()), plane.spot(request.end()));
        let pieces = pieces(&spots, &metres, streets);
        let trace = Trace::of(&spots);
        Ok(Self { request, route, plane, start, end, spots, metres, pieces, trace })
    }

    pub fn length_m(&self) -> f64 {
        self.metres.last().copied().unwrap_or_default()
    }

    /// Where a leg ends: an index into the path that is surely one.
    pub fn leg_end(&self, leg: usize) -> usize {
        let end = self.route.legs.get(leg).map_or(0, |leg| leg.geometry.end as usize);
        end.min(self.spots.len().saturating_sub(1))
    }

    /// The share of the path whose pieces are like this.
    pub fn share(&self, like: impl Fn(&Piece) -> bool) -> f64 {
        if self.length_m() > 0.0 { self.sum(like) / self.length_m() } else { 0.0 }
    }

    /// The metres of the path whose pieces are like this.
    pub fn sum(&self, like: impl Fn(&Piece) -> bool) -> f64 {
        self.pieces.iter().filter(|piece| like(piece)).map(|piece| piece.metres).fold(0.0, std::ops::Add::add)
    }
}

impl Piece {
    /// Whatever way it is that lies here, it has this.
    pub fn surely(&self, has: impl Fn(&Footing) -> bool) -> bool {
        !self.under.is_empty() && self.under.iter().all(has)
    }

    /// One of the ways that lie here has this.
    pub fn possibly(&self, has: impl Fn(&Footing) -> bool) -> bool {
        self.under.iter().any(has)
    }

    pub fn is_steps(&self) -> bool {
        self.surely(|footing| footing.steps)
    }
}

pub(super) fn lit(footing: &Footing) -> bool {
    footing.light == Light::Lit
}

pub(super) fn light_known(footing: &Footing) -> bool {
    footing.light != Light::Unknown
}

fn pieces(spots: &[Spot], metres: &[f64], streets: &Streets) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (index, pair) in spots.windows(2).enumerate() {
        let (from, to) = (metres[index], metres[index + 1]);
        let going = pair[1].minus(pair[0]);
        if going.length() < 0.01 {
            continue;
        }
        // An odd number: the middle of the segment is the middle of a piece.
        let count = ((going.length() / PIECE_M) as usize) | 1;
        for number in 0..count {
            let share = (number as f64 + 0.5) / count as f64;
            let middle = pair[0].along(pair[1], share);
            let at_m = from + (to - from) * share;
            let under = streets.under(middle, going);
            pieces.push(Piece { middle, metres: (to - from) / count as f64, at_m, under });
        }
    }
    pieces
}
