use std::mem::size_of_val;

use super::{Hierarchy, components::Components};
use crate::{
    dead_ends::DeadEnds,
    network::Network,
    profile::{self, Steps},
    weight::Weight,
};

/// What a network is for one kind of walker.
pub(crate) struct Profile {
    pub steps: Steps,
    /// What each edge takes: twice its number from its first point to its last, the next number back.
    pub weights: Vec<Weight>,
    pub components: Components,
    pub dead_ends: DeadEnds,
    pub hierarchy: Hierarchy,
}

impl Profile {
    pub fn of(network: &Network, steps: Steps, prefer_well_lit: bool) -> Self {
        let weights = weights(network, steps, prefer_well_lit);
        Self {
            steps,
            components: Components::of(network, |way| steps.allow(way)),
            dead_ends: DeadEnds::of(network, &weights),
            hierarchy: Hierarchy::of(network, &weights),
            weights,
        }
    }

    /// What it takes to walk an edge in the direction in which it is open.
    pub fn weight(&self, directed: u32) -> Weight {
        self.weights[directed as usize]
    }

    /// Whether an edge may be walked, in one direction at least.
    pub fn is_open(&self, edge: u32) -> bool {
        self.weights[edge as usize * 2].is_open() || self.weights[edge as usize * 2 + 1].is_open()
    }

    pub fn memory_bytes(&self) -> usize {
        size_of_val(&*self.weights)
            + self.components.memory_bytes()
            + self.dead_ends.memory_bytes()
            + self.hierarchy.memory_bytes()
    }
}

pub(super) fn weights(network: &Network, steps: Steps, prefer_well_lit: bool) -> Vec<Weight> {
    let both = |edge| [false, true].map(|backward| profile::weight(edge, backward, steps, prefer_well_lit));
    network.edges().iter().flat_map(both).collect()
}
