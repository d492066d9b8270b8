//! Ways as the parts of edges that they walk.

use crate::{network::Network, snap::Place, spot::Spot, weight::Weight};

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

    /// The edge with its direction.
    pub fn directed(self) -> u32 {
        self.edge << 1 | u32::from(self.from_mm > self.to_mm)
    }

    /// What walking it takes.
    pub fn weight(self, network: &Network, weight: impl Fn(u32) -> Weight) -> Weight {
        weight(self.directed()).part(self.length_mm(), network.edge(self.edge).length_mm)
    }

    /// All of an edge.
    pub fn whole(network: &Network, directed: u32) -> Self {
        let edge = directed >> 1;
        let length_mm = network.edge(edge).length_mm;
        let piece = Self { edge, from_mm: 0, to_mm: length_mm };
        if directed & 1 == 1 { piece.reversed() } else { piece }
    }

    /// From one place to another on the same edge; `None` where they are the same.
    pub fn between(from: &Place, to: &Place) -> Option<Self> {
        let piece = Self { edge: from.edge, from_mm: from.offset_mm, to_mm: to.offset_mm };
        (piece.length_mm() > 0).then_some(piece)
    }

    /// From a place to a node at an end of its edge, the better way where both ends are that node.
    pub fn leaving(
        network: &Network,
        weight: impl Fn(u32) -> Weight,
        from: &Place,
        node: u32,
    ) -> Option<Self> {
        let ends = from.exits(network, weight);
        let onward = ends[0].0 == node && (ends[1].0 != node || ends[0].1 <= ends[1].1);
        let to_mm = if onward { network.edge(from.edge).length_mm } else { 0 };
        let piece = Self { edge: from.edge, from_mm: from.offset_mm, to_mm };
        (piece.length_mm() > 0).then_some(piece)
    }

    /// From a node at an end of its edge to a place.
    pub fn arriving(
        network: &Network,
        weight: impl Fn(u32) -> Weight,
        to: &Place,
        node: u32,
    ) -> Option<Self> {
        let ends = to.entrances(network, weight);
        let onward = ends[0].0 == node && (ends[1].0 != node || ends[0].1 <= ends[1].1);
        let from_mm = if onward { 0 } else { network.edge(to.edge).length_mm };
        let piece = Self { edge: to.edge, from_mm, to_mm: to.offset_mm };
        (piece.length_mm() > 0).then_some(piece)
    }

    /// Adds the points of the piece, in the direction of walking, to a line that ends where it begins.
    pub fn draw(self, network: &Network, path: &mut Vec<Spot>) {
        let points = self.points(network);
        for spot in points {
            if path.last() != Some(&spot) {
                path.push(spot);
            }
        }
    }

    fn points(self, network: &Network) -> Vec<Spot> {
        let line = network.line(self.edge);
        let mut points: Vec<Spot> = if self.length_mm() == network.edge(self.edge).length_mm {
            line.to_vec()
        } else {
            cut(line, self.from_mm.min(self.to_mm), self.from_mm.max(self.to_mm))
        };
        if self.from_mm > self.to_mm {
            points.reverse();
        }
        points
    }
}

/// The part of a line between two distances from its beginning.
fn cut(line: &[Spot], low: u32, high: u32) -> Vec<Spot> {
    let (low, high) = (u64::from(low), u64::from(high));
    let mut points = Vec::new();
    let mut walked = 0_u64;
    for pair in line.windows(2) {
        let length = u64::from(pair[0].distance_mm(pair[1]));
        let at = |mm: u64| pair[0].towards(pair[1], mm.saturating_sub(walked) as f64 / length.max(1) as f64);
        let until = walked + length;
        if points.is_empty() && low <= until {
            points.push(if low <= walked { pair[0] } else { at(low) });
        }
        if !points.is_empty() {
            if high >= until {
                points.push(pair[1]);
            } else if high > walked {
                points.push(at(high));
            }
        }
        walked = until;
        if high <= walked {
            break;
        }
    }
    points
}
