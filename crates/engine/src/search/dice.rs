use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{Rng, SeedableRng},
};

/// Luck that is the same for the same seed.
pub(crate) struct Dice(pub Xoshiro256PlusPlus);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// A whole number below `bound`; 0 for no bound.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.0.next_u64()) * bound as u128) >> 64) as usize
    }

    /// From 0 to just under 1.
    pub fn share(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Random factors around 1, drawn once: drawing anew for each stop would take longer than what they are for.
pub(super) struct Noise(Vec<f64>);

/// A stretch of the noise.
#[derive(Clone, Copy)]
pub(super) struct Taste {
    from: usize,
    strength: usize,
}

const FACTORS: usize = 1024;
/// Natural logarithms: factors lie between e^(-s/2) and e^(s/2).
const STRENGTHS: [f64; 4] = [0.0, 0.3, 0.6, 1.2];
/// More than that makes first plans so poor that a short look does not mend them.
const STRONG: usize = 2;

impl Noise {
    pub fn new(dice: &mut Dice) -> Self {
        let factor = |strength: f64, share: f64| (strength * (share - 0.5)).exp();
        let mut row = |strength| (0..FACTORS).map(|_| factor(strength, dice.share())).collect::<Vec<_>>();
        Self(STRENGTHS.into_iter().flat_map(&mut row).collect())
    }

    pub fn factor(&self, taste: Taste, stop: u16) -> f64 {
        self.0[taste.strength * FACTORS + (taste.from + usize::from(stop)) % FACTORS]
    }
}

impl Taste {
    /// No noise at all.
    pub const PLAIN: Self = Self { from: 0, strength: 0 };

    pub fn strong(dice: &mut Dice) -> Self {
        Self { strength: STRONG, from: dice.below(FACTORS) }
    }

    pub fn any(dice: &mut Dice) -> Self {
        Self { strength: dice.below(STRENGTHS.len()), from: dice.below(FACTORS) }
    }
}
