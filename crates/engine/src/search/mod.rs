//! Which stops, in which order: the orienteering problem, solved by iterated local search.

mod exchange;
mod improve;
mod local;
mod tour;

pub(crate) use improve::{Dice, improve};
pub(crate) use tour::{Problem, Tour};

#[cfg(test)]
mod tests;
