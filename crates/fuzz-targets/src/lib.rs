//! Hands arbitrary bytes to everything that reads what strangers write. No input may make a reader panic, hang or ask for
//! memory beyond measure; what it takes for legal must be what it would write itself.
//!
//! `cargo xtask fuzz` searches for such inputs (`fuzz/`), and a test of this crate reads all that are in `fuzz/corpus`, so
//! that what was found once stays found.

#![warn(missing_docs)]

mod doors;
mod files;

/// A reader, by the name of its corpus.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 9] = [
    ("cursor", doors::cursor),
    ("extract", files::extract),
    ("network", files::network),
    ("opening_hours", files::opening_hours),
    ("overpass_answer", files::overpass_answer),
    ("route_request", doors::route_request),
    ("session_cookie", doors::session_cookie),
    ("tile_path", doors::tile_path),
    ("yaml", files::yaml),
];

/// Hands an input to the reader of this name.
///
/// # Panics
/// Where the reader does, and where there is none of this name.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = target.unwrap_or_else(|| panic!("there is no target {name}"));
    target(input);
}

/// The text of an input; `None` where it is none.
fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}
