//! What a way takes.

use bytemuck::Zeroable;

use crate::pace::share_of;

/// No way leads there, in milliseconds. Three of them still add up without overflow.
pub(crate) const FAR: u32 = 1 << 30;

/// Bits of the time. What takes longer, 18 hours, is out of reach.
const TIME_BITS: u32 = 26;
/// A step of the cost in milliseconds: with it, the costs of all ways within reach fit into what is left of 53 bits.
const COST_STEP_MS: f64 = 4.0;
/// From this cost on, the time may have run over.
const UNSURE: u64 = (1 << TIME_BITS) / COST_STEP_MS as u64;

/// Cost, by which ways are compared, and time, which the budget counts, as one number with the cost in its upper bits:
/// one addition adds both, the smaller number is the cheaper way, and of equally cheap ones the faster.
///
/// The cost of a stretch is never less than its time, so a low cost shows that the time is right. Up to 53 bits are in
/// use, so that the same sums come out exactly in `f64`, where several are added at a time ([`Weight::lane`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Zeroable)]
pub(crate) struct Weight(u64);

impl Weight {
    pub const NOTHING: Self = Self(0);
    /// May not be walked.
    pub const CLOSED: Self = Self(1 << 60);

    /// The weight of a stretch that takes `time_ms` and feels `dearness` times as long; 1 at least.
    pub fn new(time_ms: u32, dearness: f64) -> Self {
        let cost = (f64::from(time_ms) * dearness.max(1.0) / COST_STEP_MS).ceil();
        if cost < UNSURE as f64 {
            Self((cost as u64) << TIME_BITS | u64::from(time_ms))
        } else {
            Self::CLOSED
        }
    }

    pub fn is_open(self) -> bool {
        self.0 >> TIME_BITS < UNSURE
    }

    /// Milliseconds, `FAR` for what is out of reach.
    pub fn time_ms(self) -> u32 {
        if self.is_open() { (self.0 & ((1 << TIME_BITS) - 1)) as u32 } else { FAR }
    }

    /// The cost in milliseconds of a pleasant way, `FAR` for what is out of reach.
    pub fn cost_ms(self) -> u32 {
        if self.is_open() { (self.0 >> TIME_BITS) as u32 * COST_STEP_MS as u32 } else { FAR }
    }

    /// The same time, the cost so many times as high.
    pub fn dearer(self, times: f64) -> Self {
        if self.is_open() {
            Self::new(self.time_ms(), f64::from(self.cost_ms()) * times / f64::from(self.time_ms().max(1)))
        } else {
            self
        }
    }

    /// The same stretch if only its time mattered.
    pub fn by_time(self) -> Self {
        let time_ms = u64::from(self.time_ms());
        if self.is_open() { Self(time_ms.div_ceil(COST_STEP_MS as u64) << TIME_BITS | time_ms) } else { self }
    }

    /// The part of a stretch that is so long.
    pub fn part(self, part_mm: u32, length_mm: u32) -> Self {
        if part_mm == length_mm || !self.is_open() {
            return self;
        }
        let time_ms = share_of(self.time_ms(), part_mm, length_mm);
        let cost = share_of((self.0 >> TIME_BITS) as u32, part_mm, length_mm);
        // Rounding up must not make the cost less than the time.
        let cost = u64::from(cost).max((f64::from(time_ms) / COST_STEP_MS).ceil() as u64);
        Self(cost << TIME_BITS | u64::from(time_ms))
    }

    /// One after the other.
    pub fn and(self, next: Self) -> Self {
        // A few closed ones are far from 64 bits, and stay closed.
        Self(self.0 + next.0)
    }

    /// As a number of which several are added at once.
    pub fn lane(self) -> f64 {
        if self.0 < Self::CLOSED.0 { self.0 as f64 } else { f64::INFINITY }
    }

    pub fn of_lane(lane: f64) -> Self {
        if lane < (1_u64 << 53) as f64 { Self(lane as u64) } else { Self::CLOSED }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_closed_stays_closed() {
        let stretch = Weight::new(1000, 1.3);
        for closed in [
            Weight::CLOSED,
            Weight::CLOSED.and(stretch),
            Weight::CLOSED.dearer(2.0),
            Weight::CLOSED.part(1, 2),
        ] {
            assert!(!closed.is_open() && closed.time_ms() == FAR && closed.cost_ms() == FAR);
        }
        assert!(!Weight::new(u32::MAX, 1.0).is_open());
        assert_eq!(Weight::of_lane(Weight::CLOSED.lane()).time_ms(), FAR);
    }

    proptest! {
        #[test]
        fn sums_are_exact_in_both_forms(parts in prop::collection::vec((0..100_000_u32, 1.0..60.0_f64), 0..60)) {
            let weights = parts.iter().map(|&(time_ms, dearness)| Weight::new(time_ms, dearness));
            let sum = weights.clone().fold(Weight::NOTHING, Weight::and);
            let lanes: f64 = weights.clone().map(Weight::lane).sum();
            prop_assert_eq!(Weight::of_lane(lanes), sum);
            if sum.is_open() {
                prop_assert_eq!(sum.time_ms(), parts.iter().map(|part| part.0).sum::<u32>());
                prop_assert!(sum.cost_ms() >= sum.time_ms());
            }
        }

        #[test]
        fn the_parts_of_a_stretch_are_not_less_than_the_stretch(time_ms in 0..1_000_000_u32, dearness in 1.0..9.0_f64, cut in 0..=1000_u32) {
            let whole = Weight::new(time_ms, dearness);
            let parts = [whole.part(cut, 1000), whole.part(1000 - cut, 1000)];
            prop_assert!(parts[0].time_ms() + parts[1].time_ms() >= whole.time_ms());
            prop_assert!(parts[0].cost_ms() + parts[1].cost_ms() >= whole.cost_ms());
            prop_assert!(parts.iter().all(|part| part.cost_ms() >= part.time_ms() && *part <= whole));
        }
    }
}
