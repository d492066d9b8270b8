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

pub(crate) use attributes::{Attributes, Class, Lit};
pub(crate) use graph::{Arc, Edge, NO_ARC};
