//! Dijkstra's algorithm from a place on an edge: for what is near, and for ways whose weights change from leg to leg.

use std::{cmp::Reverse, collections::BinaryHeap};

use bytemuck::Zeroable;

use crate::{network::Network, path::Piece, snap::Place, travel::Profile, weight::Weight};

const SOURCE: u32 = u32::MAX;

/// Searches one after the other, with the same memory.
pub(crate) struct ShortestPaths<'a> {
    network: &'a Network,
    profile: &'a Profile,
    labels: Vec<Label>,
    generation: u32,
    heap: BinaryHeap<Reverse<(Weight, u32)>>,
    source: Option<Place>,
    backward: bool,
}

/// What is known of a node; from an earlier search where the generation is another.
#[derive(Clone, Copy, Zeroable)]
struct Label {
    generation: u32,
    /// The search has to reach it before it may stop.
    awaited: u32,
    /// The edge by which it was reached, seen from where the search came; `SOURCE` for the edge of the source.
    arc: u32,
    /// The node from which it was reached.
    parent: u32,
    weight: Weight,
}

/// What one search is to find.
#[derive(Clone, Copy)]
pub(crate) struct Search<'a> {
    pub from: Place,
    /// Search against the direction of walking: what reaches `from` instead of what it reaches.
    pub backward: bool,
    /// Places farther than this are of no interest.
    pub within_ms: u32,
    /// Stop as soon as all these places are reached; with none, go on to the end.
    pub until: &'a [Place],
}

impl<'a> ShortestPaths<'a> {
    pub fn new(network: &'a Network, profile: &'a Profile) -> Self {
        Self {
            network,
            profile,
            // Memory of nothing but zeros costs nothing until it is used: a large network costs what is near.
            labels: bytemuck::zeroed_vec(network.node_count()),
            generation: 0,
            heap: BinaryHeap::new(),
            source: None,
            backward: false,
        }
    }

    /// By cost.
    pub fn run(&mut self, search: Search<'_>) {
        let profile = self.profile;
        self.run_by(|directed| profile.weight(directed), search);
    }

    /// By weights of one's own.
    pub fn run_by(&mut self, weight: impl Fn(u32) -> Weight + Copy, search: Search<'_>) {
        self.generation += 1;
        self.heap.clear();
        (self.source, self.backward) = (Some(search.from), search.backward);
        for (node, weight) in self.ends(&search.from, search.backward, weight) {
            self.reach(node, weight, SOURCE, SOURCE);
        }
        let mut waiting = 0_usize;
        for place in search.until {
            for (node, _) in
                self.ends(place, !search.backward, weight).into_iter().filter(|(_, w)| w.is_open())
            {
                let awaited = &mut self.labels[node as usize].awaited;
                waiting += usize::from(*awaited != self.generation);
                *awaited = self.generation;
            }
        }
        let network = self.network;
        while let Some(Reverse((so_far, node))) = self.heap.pop() {
            let label = &mut self.labels[node as usize];
            if so_far > label.weight || so_far.time_ms() > search.within_ms {
                continue;
            }
            if waiting > 0 && label.awaited == self.generation {
                label.awaited = 0;
                waiting -= 1;
                if waiting == 0 {
                    return;
                }
            }
            for arc in network.arcs(node) {
                let step = weight(if search.backward { arc.reversed() } else { arc.directed });
                if step.is_open() {
                    self.reach(arc.head, so_far.and(step), arc.directed, node);
                }
            }
        }
    }

    fn ends(&self, place: &Place, backward: bool, weight: impl Fn(u32) -> Weight) -> [(u32, Weight); 2] {
        if backward { place.entrances(self.network, weight) } else { place.exits(self.network, weight) }
    }

    fn reach(&mut self, node: u32, weight: Weight, arc: u32, parent: u32) {
        let label = &mut self.labels[node as usize];
        if weight.is_open() && (label.generation != self.generation || weight < label.weight) {
            *label = Label { generation: self.generation, awaited: label.awaited, arc, parent, weight };
            self.heap.push(Reverse((weight, node)));
        }
    }

    /// What it takes to a node.
    pub fn to_node(&self, node: u32) -> Weight {
        let label = &self.labels[node as usize];
        if label.generation == self.generation { label.weight } else { Weight::CLOSED }
    }

    /// What it takes to a place.
    pub fn to_place(&self, place: &Place) -> Weight {
        let profile = self.profile;
        self.last_step(place, |directed| profile.weight(directed)).0
    }

    /// What it takes to a place, and the node from which it is reached; none where it lies on the source's own edge and is
    /// reached along it.
    fn last_step(&self, place: &Place, weight: impl Fn(u32) -> Weight + Copy) -> (Weight, Option<u32>) {
        let through = self
            .ends(place, !self.backward, weight)
            .into_iter()
            .map(|(node, last)| (self.to_node(node).and(last), Some(node)));
        let along = self.source.map(|source| {
            let (from, to) = if self.backward { (place, &source) } else { (&source, place) };
            (from.along(to, self.network, weight), None)
        });
        through.chain(along).min().unwrap_or((Weight::CLOSED, None))
    }

    /// The way from the source to a place, after a forward search by the same weights.
    pub fn pieces_to(&self, place: &Place, weight: impl Fn(u32) -> Weight + Copy) -> Option<Vec<Piece>> {
        let source = self.source?;
        let (total, last) = self.last_step(place, weight);
        if !total.is_open() {
            return None;
        }
        let Some(mut node) = last else {
            return Some(Piece::between(&source, place).into_iter().collect());
        };
        let mut pieces: Vec<Piece> = Piece::arriving(self.network, weight, place, node).into_iter().collect();
        loop {
            let label = &self.labels[node as usize];
            if label.arc == SOURCE {
                pieces.extend(Piece::leaving(self.network, weight, &source, node));
                pieces.reverse();
                return Some(pieces);
            }
            pieces.push(Piece::whole(self.network, label.arc));
            node = label.parent;
        }
    }
}
