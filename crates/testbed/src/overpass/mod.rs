//! A stand-in for an Overpass API, which answers what we ask from a real extract. It is true in what matters to us:
//! the same language, the same form of answers, the same errors.

mod elements;
mod ql;
mod server;

pub use server::{Behaviour, Overpass};
