//! The street network: built from OSM ways, stored in cells, held in memory as a graph.

mod builder;
mod cell;
mod codec;
mod components;
mod graph;
mod grid;
mod squares;
mod walkable;

pub use builder::{NetworkBuilder, NetworkCell};
pub use codec::NetworkError;
pub use graph::Network;

pub(crate) use walkable::{Attributes, Class, Lit};
