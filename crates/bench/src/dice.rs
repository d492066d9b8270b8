use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{Rng, SeedableRng},
};

/// Numbers that look random and are the same in every run.
pub(crate) struct Dice(Xoshiro256PlusPlus);

impl Dice {
    /// Of a run, and of a part of it: what one part draws changes no other.
    pub fn new(seed: u64, part: u32) -> Self {
        let mut dice = Xoshiro256PlusPlus::seed_from_u64(seed);
        Self(Xoshiro256PlusPlus::seed_from_u64(dice.next_u64() ^ u64::from(part)))
    }

    /// A whole number below the limit.
    pub fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.0.next_u64()) * limit as u128) >> 64) as usize
    }

    /// From 0 to 1, without 1.
    pub fn share(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
