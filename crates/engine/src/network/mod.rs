//! The street network: built from OSM ways, stored in cells, prepared from the cells that a walk may need, and used as it
//! lies in memory or in a file.

mod attributes;
mod builder;
mod cell;
mod chains;
mod chordal;
mod codec;
mod graph;
mod grid;
mod order;
mod prepare;
mod squares;
mod storage;
mod twins;
mod walkable;

pub use builder::{NetworkBuilder, NetworkCell};
pub use codec::NetworkError;
pub use graph::Network;

/// The bytes of a cell or of a prepared network with the checksum that they should have.
pub(crate) fn with_checksum(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    codec::write_checksum(&mut bytes);
    storage::write_checksum(&mut bytes);
    bytes
}

pub(crate) use attributes::{Attributes, Class, Lit};
pub(crate) use graph::{Arc, Edge, NO_ARC};
