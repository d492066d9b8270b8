use std::collections::BTreeMap;

use crate::{
    network::Network,
    spot::{Plane, Spot},
};

/// A place on a street: a point of an edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    pub edge: u32,
    /// Millimetres from the edge's first point.
    pub offset_mm: u32,
    pub spot: Spot,
    /// Metres from what was snapped.
    pub off_m: f64,
}

/// The nearest place of an edge.
fn on_edge(network: &Network, plane: &Plane, edge: u32) -> Option<Place> {
    let mut walked = 0_u64;
    let mut best: Option<Place> = None;
    for pair in network.line(edge).windows(2) {
        let length = u64::from(pair[0].distance_mm(pair[1]));
        let (off_m, share) = plane.nearest(pair[0], pair[1]);
        if best.is_none_or(|best| off_m < best.off_m) {
            let along = walked + (length as f64 * share).round() as u64;
            let offset_mm = u32::try_from(along).unwrap_or(u32::MAX).min(network.edge(edge).length_mm);
            best = Some(Place { edge, offset_mm, spot: pair[0].towards(pair[1], share), off_m });
        }
        walked += length;
    }
    best
}

/// The nearest place on any edge that `may_use`, within a distance.
pub(crate) fn nearest(
    network: &Network,
    at: Spot,
    within_m: f64,
    may_use: impl Fn(u32) -> bool,
) -> Option<Place> {
    let plane = Plane::at(at);
    let mut best: Option<Place> = None;
    for edge in network.grid().near(at, within_m).into_iter().filter(|&edge| may_use(edge)) {
        if let Some(place) = on_edge(network, &plane, edge).filter(|place| place.off_m <= within_m)
            && best.is_none_or(|best| place.off_m < best.off_m)
        {
            best = Some(place);
        }
    }
    best
}

/// The nearest place in each component of the network, within a distance.
pub(crate) fn nearest_by_component(
    network: &Network,
    at: Spot,
    within_m: f64,
    without_steps: bool,
) -> BTreeMap<u32, Place> {
    let plane = Plane::at(at);
    let mut found: BTreeMap<u32, Place> = BTreeMap::new();
    for edge in network.grid().near(at, within_m) {
        let way = network.edge(edge).attributes;
        if way.private() || (without_steps && way.steps()) {
            continue;
        }
        if let Some(place) = on_edge(network, &plane, edge).filter(|place| place.off_m <= within_m) {
            let component = network.components(without_steps).of_node(network.edge(edge).from);
            let best = found.entry(component).or_insert(place);
            if place.off_m < best.off_m {
                *best = place;
            }
        }
    }
    found
}
