//! What the fuzz targets call: readers of what strangers write that have no public door of their own.

use domain::TileAddress;
use store::RouteCursor;

use crate::endpoints::{my_routes, route_tiles};

/// A place in the list of routes.
pub fn parse_cursor(text: &str) -> Option<RouteCursor> {
    my_routes::parse_cursor(text)
}

/// The same, as it is written.
pub fn write_cursor(cursor: &RouteCursor) -> String {
    my_routes::write_cursor(cursor)
}

/// Zoom, column and row of a route's tile.
pub fn parse_tile(z: &str, x: &str, y: &str) -> Option<(u8, u32, u32)> {
    route_tiles::parse_tile(z, x, y).map(|TileAddress { z, x, y }| (z, x, y))
}
