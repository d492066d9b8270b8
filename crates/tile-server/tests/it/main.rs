//! The tile server as those outside see it: the real program, a real file, real tiles.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
#![allow(clippy::print_stdout, reason = "a test tells what it did not look at, and how much it did")]

mod a_new_file_is_taken_up;
mod a_tile_is_answered_as_asked;
mod addresses;
mod an_archive_holds_what_is_served;
mod every_tile_can_be_decoded;
mod server;
mod shutdown;
mod what_is_broken_is_not_served;
