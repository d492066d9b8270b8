//! The reader of extracts, on files that somebody or something has damaged.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod damaged_extracts;
