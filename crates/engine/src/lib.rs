#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod assemble;
mod candidates;
mod dead_ends;
mod doorstep;
mod effort;
mod fill;
#[doc(hidden)]
pub mod fuzz;
mod generate_route;
mod ground;
mod legs;
mod matrix;
mod network;
mod open_times;
pub mod orienteering;
mod pace;
mod path;
mod profile;
mod quality;
mod reach;
mod region;
mod repeats;
mod score;
mod search;
mod shortest_paths;
mod snap;
mod spot;
mod spurs;
mod travel;
mod weight;
mod why;

pub use candidates::SPARSE_BELOW;
pub use effort::Effort;
pub use generate_route::generate_route;
pub use network::{Network, NetworkBuilder, NetworkCell, NetworkError};
pub use pace::{STEPS_M_PER_S, WALKING_M_PER_S, slope_factor};
pub use reach::{CellId, CellRange, Reach};
pub use region::Region;
pub use snap::Place;
pub use travel::{Path, Times, Travel};
