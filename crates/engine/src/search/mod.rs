//! The orienteering problem: which stops in which order give most within a budget of time. One search serves the walks
//! and, by [`crate::orienteering`], everybody else.

mod changed;
mod dice;
mod disturb;
mod exact;
mod fill;
mod improve;
mod plan;
mod reward;
mod shorten;
#[cfg(test)]
mod tests;
mod tour;
mod travel;
mod windows;

pub(crate) use dice::Dice;
pub(crate) use exact::{Bound, MOST_STOPS, better_than};
pub(crate) use reward::{Prizes, Reward};
pub(crate) use tour::{Problem, Tour, improve};
pub(crate) use travel::{LONGEST_BUDGET, Travel};
pub(crate) use windows::Windows;

/// The best order of stops found within so many rounds; `None` where nothing fits, not even to go straight from the
/// start to the end.
pub(crate) fn search<R: Reward>(
    travel: &Travel,
    reward: &R,
    first: &[u16],
    rounds: u32,
    seed: u64,
    should_stop: &(dyn Fn() -> bool + Sync),
) -> Option<Vec<u16>> {
    improve::improve(&plan::Terms { travel, reward }, first, rounds, seed, should_stop)
}
