//! Reads an extract of OpenStreetMap: its streets, and the places that belong to a theme.
//!
//! `blobs` takes the file apart within bounds, `guard` makes an error of whatever a damaged one leads to. [`read`] goes through
//! the file in passes (`pbf`): relations first, since they name the ways they are made of, then
//! ways, which name their nodes, then nodes. `places` keeps what a theme wants, `streets` what the engine wants, and
//! the memory needed follows what is kept, not the size of the file.

#![warn(missing_docs)]

mod blobs;
mod content;
mod guard;
mod nodes;
mod outlines;
mod pbf;
mod places;
mod polygon;
mod progress;
mod streets;
mod wire;

pub use content::{Content, read};
pub use pbf::{Extract, sha256_of};
pub use polygon::{Area, MultiPolygon};
pub use progress::{Progress, Step};
