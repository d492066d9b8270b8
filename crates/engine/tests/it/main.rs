//! Walks through a town that is small enough to be understood.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod cells;
mod properties;
mod town;
mod travel;
mod walks;
