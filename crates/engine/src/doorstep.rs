//! The first and the last steps of a walk may lead over a private way: a courtyard, a driveway. Nowhere else is one used.

use std::{cmp::Reverse, collections::BTreeMap, collections::BinaryHeap};

use crate::{
    network::Network,
    path::Piece,
    profile,
    snap::{self, Place},
    spot::Spot,
    travel::Profile,
    weight::Weight,
};

/// Metres of private way at either end of a walk.
const LONGEST_MM: u32 = 50_000;
/// A public street this near needs no private way.
const NEAR_M: f64 = 25.0;

/// The way between a doorstep on private ground and the street.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doorstep {
    /// From the door to the street.
    pub pieces: Vec<Piece>,
    /// Where the door is.
    pub spot: Option<Spot>,
    pub time_ms: u32,
}

impl Doorstep {
    /// The same from the street to the door.
    pub fn reversed(&self) -> Vec<Piece> {
        self.pieces.iter().rev().map(|piece| piece.reversed()).collect()
    }

    /// A private way that leads to the streets of a component and begins much nearer than the nearest public street, and
    /// the place where it meets them.
    pub fn find(
        network: &Network,
        profile: &Profile,
        component: u32,
        at: Spot,
        nearest_street: &Place,
    ) -> Option<(Self, Place)> {
        let nearer_m = nearest_street.off_m - NEAR_M / 2.0;
        if nearest_street.off_m <= NEAR_M {
            return None;
        }
        let door = snap::nearest(network, at, nearer_m, |edge| network.edge(edge).attributes.private())?;
        let (street, pieces) = way_out(network, profile, component, &door)?;
        let takes = |piece: &Piece| piece.weight(network, |way| weight(network, profile, way)).time_ms();
        let time_ms = pieces.iter().map(takes).sum();
        Some((Self { pieces, spot: Some(door.spot), time_ms }, Place { off_m: door.off_m, ..street }))
    }
}

/// What a private way takes. Who lives there may walk it both ways.
fn weight(network: &Network, profile: &Profile, directed: u32) -> Weight {
    let edge = network.edge(directed >> 1);
    if edge.attributes.private() {
        profile::doorstep_weight(edge, directed & 1 == 1, profile.steps)
    } else {
        Weight::CLOSED
    }
}

/// The shortest way over private edges to a node of a street, and the street.
fn way_out(
    network: &Network,
    profile: &Profile,
    component: u32,
    door: &Place,
) -> Option<(Place, Vec<Piece>)> {
    let weight = |directed: u32| weight(network, profile, directed);
    // By node: how far it is, and the last piece of the way there.
    let mut reached: BTreeMap<u32, (u32, Option<u32>, Piece)> = BTreeMap::new();
    let mut heap = BinaryHeap::new();
    let edge = network.edge(door.edge);
    for ((node, takes), to_mm) in door.exits(network, weight).into_iter().zip([edge.length_mm, 0]) {
        if takes.is_open() {
            heap.push(Reverse((door.offset_mm.abs_diff(to_mm), node, None, to_mm)));
        }
    }
    while let Some(Reverse((far_mm, node, arc, to_mm))) = heap.pop() {
        if far_mm > LONGEST_MM || reached.contains_key(&node) {
            continue;
        }
        let (before, piece) = match arc {
            None => (None, Piece { edge: door.edge, from_mm: door.offset_mm, to_mm }),
            Some((before, directed)) => (Some(before), Piece::whole(network, directed)),
        };
        reached.insert(node, (far_mm, before, piece));
        if let Some(street) = street_at(network, profile, component, node) {
            let mut pieces = vec![piece];
            let mut last = before;
            while let Some((_, before, piece)) = last.and_then(|node| reached.get(&node)) {
                pieces.push(*piece);
                last = *before;
            }
            pieces.retain(|piece| piece.length_mm() > 0);
            pieces.reverse();
            return Some((street, pieces));
        }
        for arc in network.arcs(node).iter().filter(|arc| weight(arc.directed).is_open()) {
            let far_mm = far_mm.saturating_add(network.edge(arc.edge()).length_mm);
            heap.push(Reverse((far_mm, arc.head, Some((node, arc.directed)), 0)));
        }
    }
    None
}

/// A node as a place on a street of the component.
fn street_at(network: &Network, profile: &Profile, component: u32, node: u32) -> Option<Place> {
    if profile.components.of_node(node) != component {
        return None;
    }
    let arc = network.arcs(node).iter().find(|arc| profile.is_open(arc.edge()))?;
    Some(Place::at_tail(network, *arc))
}
