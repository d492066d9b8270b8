//! What the fuzz targets call: readers of what others write that have no public door of their own.

use chrono::NaiveDateTime;
use domain::Coordinate;

use crate::{Network, network, open_times};

/// When a place is open in the `seconds` from `start` on, in milliseconds; `None` where that cannot be understood.
pub fn open_times(stated: &str, start: NaiveDateTime, seconds: u32) -> Option<Vec<(u32, u32)>> {
    open_times::open_times(stated, start, seconds)
}

/// Writes the checksum anew that a prepared network or a cell should have: damage that it would find hides what is behind.
pub fn with_checksum(bytes: &[u8]) -> Vec<u8> {
    network::with_checksum(bytes)
}

/// Where a network has a junction.
pub fn some_junction(network: &Network) -> Option<Coordinate> {
    network.spots().first().map(|spot| spot.coordinate())
}
