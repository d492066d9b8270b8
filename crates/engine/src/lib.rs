//! Finds the best walk through a street network within a time budget.
//!
//! Three doors. [`NetworkBuilder`] turns OpenStreetMap ways into [`NetworkCell`]s, which somebody stores.
//! [`generate_route`] takes a [`Network`] of the cells around a request (see [`Reach`]) and the places within
//! reach, and answers with a walk. [`orienteering`] is the search behind it for anybody's matrix of times.
//!
//! Everything here is a pure function of its arguments: no I/O, clock, environment, thread or ambient randomness.
//! The same network, places, request and [`Effort`] give the same walk. No input makes it panic.
//!
//! Inside: times are milliseconds, lengths millimetres and angles 1e-7 degrees, all whole numbers, so that sums
//! are exact and the budget is kept to the second.

#![warn(missing_docs)]

mod assemble;
mod candidates;
mod dead_ends;
mod effort;
mod fill;
mod generate_route;
mod ground;
mod legs;
mod matrix;
mod network;
pub mod orienteering;
mod pace;
mod profile;
mod quality;
mod reach;
mod score;
mod search;
mod shortest_paths;
mod snap;
mod spot;
mod spurs;
mod why;

pub use candidates::SPARSE_BELOW;
pub use effort::Effort;
pub use generate_route::generate_route;
pub use network::{Network, NetworkBuilder, NetworkCell, NetworkError};
pub use pace::{STEPS_M_PER_S, WALKING_M_PER_S};
pub use reach::{CellId, CellRange, Reach};
