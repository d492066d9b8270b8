use std::{cmp::Reverse, collections::BinaryHeap};

use crate::{network::Network, pace::share_of, profile::CLOSED, snap::Place};

/// No way leads there. Three of them still add up without overflow.
pub(crate) const FAR: u32 = 1 << 30;
const NONE: u32 = u32::MAX;

/// A part of an edge, walked from one offset to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub edge: u32,
    pub from_mm: u32,
    pub to_mm: u32,
}

impl Piece {
    pub fn length_mm(self) -> u32 {
        self.from_mm.abs_diff(self.to_mm)
    }

    /// The same stretch, walked the other way.
    pub fn reversed(self) -> Self {
        Self { edge: self.edge, from_mm: self.to_mm, to_mm: self.from_mm }
    }
}

/// Dijkstra's algorithm from a place on an edge; its memory is used again and again.
pub(crate) struct ShortestPaths<'a> {
    network: &'a Network,
    labels: Vec<Label>,
    generation: u32,
    /// Cost in the upper half, node in the lower one: compared as one number.
    heap: BinaryHeap<Reverse<u64>>,
    /// Nodes that must be reached before the search may stop carry its generation.
    awaited: Vec<u32>,
    source: Option<Place>,
    backward: bool,
}

#[derive(Clone, Copy)]
struct Label {
    generation: u32,
    cost: u32,
    time_ms: u32,
    /// The node it was reached from, or `NONE` at the source's own edge, and the edge.
    parent: u32,
    edge: u32,
}

/// What to search by.
#[derive(Clone, Copy)]
pub(crate) struct Metric<'a> {
    pub time_ms: &'a [u32],
    pub cost: &'a [u32],
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
    pub fn new(network: &'a Network) -> Self {
        let label = Label { generation: 0, cost: FAR, time_ms: FAR, parent: NONE, edge: NONE };
        Self {
            network,
            labels: vec![label; network.node_count()],
            generation: 0,
            heap: BinaryHeap::new(),
            awaited: vec![0; network.node_count()],
            source: None,
            backward: false,
        }
    }

    pub fn run(&mut self, metric: Metric<'_>, search: Search<'_>) {
        self.generation += 1;
        self.heap.clear();
        (self.source, self.backward) = (Some(search.from), search.backward);
        for (node, part_mm) in self.ways_from(search.from, search.backward) {
            self.reach_in_part(metric, node, search.from.edge, part_mm);
        }
        let mut waiting = 0_usize;
        for place in search.until {
            for (node, _) in self.ways_from(*place, !search.backward) {
                let awaited = &mut self.awaited[node as usize];
                waiting += usize::from(*awaited != self.generation);
                *awaited = self.generation;
            }
        }
        let network = self.network;
        while let Some(Reverse(next)) = self.heap.pop() {
            let (cost, node) = ((next >> 32) as u32, next as u32);
            let label = self.labels[node as usize];
            if cost > label.cost || label.time_ms > search.within_ms {
                continue;
            }
            if waiting > 0 && self.awaited[node as usize] == self.generation {
                self.awaited[node as usize] = 0;
                waiting -= 1;
                if waiting == 0 {
                    return;
                }
            }
            for &arc in network.arcs(node) {
                if if self.backward { arc.leads_back() } else { arc.leads_on() } {
                    let edge = arc.edge() as usize;
                    let dearer = cost.saturating_add(metric.cost[edge]);
                    // Most arcs lead to what was reached for less; for those nothing else is looked up.
                    if metric.cost[edge] != CLOSED && self.is_cheaper(arc.head, dearer) {
                        let time_ms = label.time_ms.saturating_add(metric.time_ms[edge]);
                        self.label(arc.head, dearer, time_ms, node, arc.edge());
                    }
                }
            }
        }
    }

    /// The end nodes that can be walked to from a place (backward: that can be walked from to it), and how far.
    fn ways_from(&self, place: Place, backward: bool) -> impl Iterator<Item = (u32, u32)> + use<> {
        let edge = self.network.edge(place.edge);
        let (ahead, behind) = match backward {
            false => (edge.attributes.forward(), edge.attributes.backward()),
            true => (edge.attributes.backward(), edge.attributes.forward()),
        };
        let to = ahead.then_some((edge.to, edge.length_mm.saturating_sub(place.offset_mm)));
        let from = behind.then_some((edge.from, place.offset_mm));
        to.into_iter().chain(from)
    }

    /// Reaches a node from the source, along a part of the source's edge.
    fn reach_in_part(&mut self, metric: Metric<'_>, node: u32, edge: u32, part_mm: u32) {
        let (whole_cost, whole_time) = (metric.cost[edge as usize], metric.time_ms[edge as usize]);
        let length_mm = self.network.edge(edge).length_mm;
        let part =
            |whole: u32| if part_mm == length_mm { whole } else { share_of(whole, part_mm, length_mm) };
        if whole_time != CLOSED && self.is_cheaper(node, part(whole_cost)) {
            self.label(node, part(whole_cost), part(whole_time), NONE, edge);
        }
    }

    fn is_cheaper(&self, node: u32, cost: u32) -> bool {
        let label = &self.labels[node as usize];
        label.generation != self.generation || cost < label.cost
    }

    fn label(&mut self, node: u32, cost: u32, time_ms: u32, parent: u32, edge: u32) {
        self.labels[node as usize] = Label { generation: self.generation, cost, time_ms, parent, edge };
        self.heap.push(Reverse(u64::from(cost) << 32 | u64::from(node)));
    }

    /// Milliseconds to a node, or `FAR`.
    pub fn time_to_node(&self, node: u32) -> u32 {
        let label = &self.labels[node as usize];
        if label.generation == self.generation { label.time_ms.min(FAR) } else { FAR }
    }

    /// Cost and milliseconds to a place, `FAR` where it was not reached.
    pub fn reached(&self, metric: Metric<'_>, place: &Place) -> (u32, u32) {
        self.last_step(metric, place).map_or((FAR, FAR), |step| (step.0.min(FAR), step.1.min(FAR)))
    }

    /// Cost, time and the node from which the place is reached; `None` for the node when it lies on the source's
    /// own edge and is reached along it.
    fn last_step(&self, metric: Metric<'_>, place: &Place) -> Option<(u32, u32, Option<u32>)> {
        let edge = self.network.edge(place.edge);
        let (whole_cost, whole_time) =
            (metric.cost[place.edge as usize], metric.time_ms[place.edge as usize]);
        if whole_time == CLOSED {
            return None;
        }
        let part =
            |mm: u32| (share_of(whole_cost, mm, edge.length_mm), share_of(whole_time, mm, edge.length_mm));
        let through = self.ways_from(*place, !self.backward).filter_map(|(node, mm)| {
            let label = &self.labels[node as usize];
            let (cost, time) = part(mm);
            (label.generation == self.generation)
                .then(|| (label.cost.saturating_add(cost), label.time_ms.saturating_add(time), Some(node)))
        });
        let source = self.source?;
        let onward = (place.offset_mm >= source.offset_mm) != self.backward;
        let open = if onward { edge.attributes.forward() } else { edge.attributes.backward() };
        let same = place.offset_mm == source.offset_mm;
        let along = (source.edge == place.edge && (open || same)).then(|| {
            let (cost, time) = part(place.offset_mm.abs_diff(source.offset_mm));
            (cost, time, None)
        });
        through.chain(along).min_by_key(|&(cost, time, node)| (cost, time, node))
    }

    /// The way from the source to a place, after a forward search.
    pub fn pieces_to(&self, metric: Metric<'_>, place: &Place) -> Option<Vec<Piece>> {
        let source = self.source?;
        let (_, _, last) = self.last_step(metric, place)?;
        let Some(mut node) = last else {
            return Some(vec![Piece { edge: place.edge, from_mm: source.offset_mm, to_mm: place.offset_mm }]);
        };
        // An edge that is a loop ends twice in its node: walk to the nearer end.
        let end_at = |edge: u32, node: u32, near: u32| {
            let edge = self.network.edge(edge);
            match (edge.from == node, edge.to == node) {
                (true, true) if edge.attributes.forward() && edge.attributes.backward() => {
                    if near <= edge.length_mm / 2 { 0 } else { edge.length_mm }
                }
                (true, true) => {
                    if edge.attributes.forward() {
                        0
                    } else {
                        edge.length_mm
                    }
                }
                (true, false) => 0,
                _ => edge.length_mm,
            }
        };
        let enter = end_at(place.edge, node, place.offset_mm);
        let mut pieces = vec![Piece { edge: place.edge, from_mm: enter, to_mm: place.offset_mm }];
        loop {
            let label = &self.labels[node as usize];
            let length_mm = self.network.edge(label.edge).length_mm;
            if label.parent == NONE {
                let mut to_mm = end_at(label.edge, node, source.offset_mm);
                let edge = self.network.edge(label.edge);
                if edge.from == edge.to && !(edge.attributes.forward() && edge.attributes.backward()) {
                    to_mm = if edge.attributes.forward() { length_mm } else { 0 };
                }
                pieces.push(Piece { edge: label.edge, from_mm: source.offset_mm, to_mm });
                break;
            }
            let ends_at_last = self.network.edge(label.edge).to == node;
            let (from_mm, to_mm) = if ends_at_last { (0, length_mm) } else { (length_mm, 0) };
            pieces.push(Piece { edge: label.edge, from_mm, to_mm });
            node = label.parent;
        }
        pieces.retain(|piece| piece.length_mm() > 0);
        pieces.reverse();
        Some(pieces)
    }
}
