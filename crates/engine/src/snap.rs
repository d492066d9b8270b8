use std::collections::BTreeMap;

use crate::{
    network::{Arc, Network},
    spot::{Plane, Spot},
    travel::Profile,
    weight::Weight,
};

/// A place on a street: a point of an edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    pub(crate) edge: u32,
    /// Millimetres from the edge's first point.
    pub(crate) offset_mm: u32,
    pub(crate) spot: Spot,
    /// Metres from what was snapped.
    pub(crate) off_m: f64,
}

/// Circles in which the nearest street is sought, in metres: mostly the first one has it.
const CIRCLES_M: [f64; 3] = [20.0, 60.0, 150.0];

impl Place {
    /// Where an arc begins.
    pub(crate) fn at_tail(network: &Network, arc: Arc) -> Self {
        let (edge, line) = (network.edge(arc.edge()), network.line(arc.edge()));
        let (spot, offset_mm) =
            if arc.backward() { (line.last(), edge.length_mm) } else { (line.first(), 0) };
        Self { edge: arc.edge(), offset_mm, spot: spot.copied().unwrap_or(line[0]), off_m: 0.0 }
    }

    /// Where on Earth it is.
    pub fn coordinate(&self) -> domain::Coordinate {
        self.spot.coordinate()
    }

    /// Metres from the point that was snapped.
    pub fn distance_m(&self) -> f64 {
        self.off_m
    }

    /// The nodes that can be walked to from here, and what that takes.
    pub(crate) fn exits(&self, network: &Network, weight: impl Fn(u32) -> Weight) -> [(u32, Weight); 2] {
        let edge = network.edge(self.edge);
        let ahead = edge.length_mm.saturating_sub(self.offset_mm);
        let [on, back] = self.both(weight);
        [(edge.to, on.part(ahead, edge.length_mm)), (edge.from, back.part(self.offset_mm, edge.length_mm))]
    }

    /// The nodes that one can walk here from, and what that takes.
    pub(crate) fn entrances(&self, network: &Network, weight: impl Fn(u32) -> Weight) -> [(u32, Weight); 2] {
        let edge = network.edge(self.edge);
        let ahead = edge.length_mm.saturating_sub(self.offset_mm);
        let [on, back] = self.both(weight);
        [(edge.from, on.part(self.offset_mm, edge.length_mm)), (edge.to, back.part(ahead, edge.length_mm))]
    }

    /// What it takes to walk to another place along the same edge.
    pub(crate) fn along(&self, to: &Self, network: &Network, weight: impl Fn(u32) -> Weight) -> Weight {
        let [on, back] = self.both(weight);
        match self.offset_mm.cmp(&to.offset_mm) {
            _ if self.edge != to.edge => Weight::CLOSED,
            std::cmp::Ordering::Equal if on.is_open() || back.is_open() => Weight::NOTHING,
            std::cmp::Ordering::Greater => {
                back.part(self.offset_mm - to.offset_mm, network.edge(self.edge).length_mm)
            }
            _ => on.part(to.offset_mm - self.offset_mm, network.edge(self.edge).length_mm),
        }
    }

    fn both(&self, weight: impl Fn(u32) -> Weight) -> [Weight; 2] {
        [weight(self.edge << 1), weight(self.edge << 1 | 1)]
    }
}

/// The nearest place of an edge.
pub(crate) fn on_edge(network: &Network, plane: &Plane, edge: u32) -> Option<Place> {
    let line = network.line(edge);
    let (segment, off_m, share) = line
        .windows(2)
        .enumerate()
        .map(|(number, pair)| {
            let (off_m, share) = plane.nearest(pair[0], pair[1]);
            (number, off_m, share)
        })
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    let before: u64 = line[..=segment].windows(2).map(|pair| u64::from(pair[0].distance_mm(pair[1]))).sum();
    let length = f64::from(line[segment].distance_mm(line[segment + 1]));
    let along = before + (length * share).round() as u64;
    let offset_mm = u32::try_from(along).unwrap_or(u32::MAX).min(network.edge(edge).length_mm);
    Some(Place { edge, offset_mm, spot: line[segment].towards(line[segment + 1], share), off_m })
}

/// Metres from the plane's origin to the nearest point of an edge.
fn distance_m(network: &Network, plane: &Plane, edge: u32) -> f64 {
    network.line(edge).windows(2).map(|pair| plane.nearest(pair[0], pair[1]).0).fold(f64::INFINITY, f64::min)
}

/// The nearest place on any edge that `may_use`, within a distance.
pub(crate) fn nearest(
    network: &Network,
    at: Spot,
    within_m: f64,
    may_use: impl Fn(u32) -> bool,
) -> Option<Place> {
    let plane = Plane::at(at);
    let circles = CIRCLES_M.into_iter().filter(|&circle| circle < within_m).chain([within_m]);
    for circle in circles {
        let near = network.grid().near(at, circle).into_iter().filter(|&edge| may_use(edge));
        let nearest = near
            .map(|edge| (distance_m(network, &plane, edge), edge))
            .filter(|&(off_m, _)| off_m <= circle)
            .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        if let Some((_, edge)) = nearest {
            return on_edge(network, &plane, edge);
        }
    }
    None
}

/// The nearest place in each component of the network, within a distance.
pub(crate) fn nearest_by_component(
    network: &Network,
    profile: &Profile,
    at: Spot,
    within_m: f64,
) -> BTreeMap<u32, Place> {
    let plane = Plane::at(at);
    let mut found: BTreeMap<u32, (f64, u32)> = BTreeMap::new();
    for edge in network.grid().near(at, within_m) {
        if !profile.is_open(edge) {
            continue;
        }
        let off_m = distance_m(network, &plane, edge);
        if off_m <= within_m {
            let best =
                found.entry(profile.components.of_node(network.edge(edge).from)).or_insert((off_m, edge));
            if off_m < best.0 {
                *best = (off_m, edge);
            }
        }
    }
    let place = |(component, (_, edge))| on_edge(network, &plane, edge).map(|place| (component, place));
    found.into_iter().filter_map(place).collect()
}
