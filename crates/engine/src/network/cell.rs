use super::Attributes;
use crate::spot::Spot;

/// A piece of street between two junctions, as a cell holds it. Pieces of different cells meet where their end
/// nodes have the same id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// OSM id of the way.
    pub way: i64,
    /// Which piece of the way; crossings of a square come after its outline.
    pub index: u32,
    /// OSM id of the first node; negative where a barrier ends the piece.
    pub from: i64,
    /// OSM id of the last node.
    pub to: i64,
    pub attributes: Attributes,
    /// The line, both ends included; two points at least.
    pub points: Vec<Spot>,
}
