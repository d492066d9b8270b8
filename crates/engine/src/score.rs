//! What a set of stops is worth: the sum of its stops, each kind and theme with falling returns, so that variety
//! wins.

use std::rc::Rc;

use crate::{
    candidates::{Candidate, Candidates},
    search::Reward,
};

const THEME_WEIGHT: f64 = 0.6;
/// On a walk of fewer stops than this two of a kind will do.
pub(crate) const A_FEW_STOPS: usize = 5;
/// A kind of which a larger part of the offer is than this is what was asked for.
const ASKED_FOR: f64 = 2.0 / 3.0;
const MOST_THEMES: usize = 32;
/// What each stop too many of one kind costs while the search is on its way.
const EXCESS_PRICE: f64 = 1.5;

/// Falling returns: the first unit counts in full, the tenth hardly half.
fn returns(sum: f64) -> f64 {
    sum / (1.0 + sum / 6.0)
}

/// The rules of variety for one request.
#[derive(Clone)]
pub(crate) struct Variety {
    /// What part of the offer each kind is.
    shares: Rc<[f64]>,
    /// A varied walk would be a short one: kinds may come as they are offered.
    pub as_offered: bool,
}

impl Variety {
    pub fn of(candidates: &Candidates) -> Self {
        Self { shares: candidates.kind_shares.as_slice().into(), as_offered: false }
    }

    #[cfg(test)]
    pub fn among(kinds: usize) -> Self {
        Self { shares: vec![1.0 / kinds as f64; kinds].into(), as_offered: false }
    }

    /// Most stops of a kind among so many: two fifths, or half of a few. Whoever asks for what is nearly all of one kind, or
    /// of two, has asked for them as they come; so they do where there is little else.
    fn most(&self, kind: usize, stops: usize) -> usize {
        let share = self.shares[kind];
        let asked_for = share > ASKED_FOR || self.shares.len() <= 2;
        let as_they_come = match share * stops as f64 {
            fair if asked_for => fair.round() as usize,
            // Who looks at the same town in another way may see other shares.
            fair if self.as_offered => (0.85 * fair) as usize,
            _ => 0,
        };
        let varied = if stops < A_FEW_STOPS { stops.div_ceil(2) } else { stops * 2 / 5 };
        varied.max(as_they_come)
    }
}

/// The running sums of a set of stops.
pub(crate) struct Tally {
    variety: Variety,
    kind_sums: Vec<f64>,
    kind_counts: Vec<usize>,
    theme_sums: [f64; MOST_THEMES],
    stops: usize,
}

impl Tally {
    pub fn new(variety: &Variety) -> Self {
        Self {
            variety: variety.clone(),
            kind_sums: vec![0.0; variety.shares.len()],
            kind_counts: vec![0; variety.shares.len()],
            theme_sums: [0.0; MOST_THEMES],
            stops: 0,
        }
    }

    pub fn of<'a>(variety: &Variety, stops: impl Iterator<Item = &'a Candidate>) -> Self {
        let mut tally = Self::new(variety);
        stops.for_each(|stop| tally.add(stop));
        tally
    }

    pub fn add(&mut self, stop: &Candidate) {
        self.kind_sums[stop.kind] += stop.value;
        self.kind_counts[stop.kind] += 1;
        bits(stop.themes).for_each(|theme| self.theme_sums[theme] += stop.value);
        self.stops += 1;
    }

    fn remove(&mut self, stop: &Candidate) {
        self.kind_sums[stop.kind] -= stop.value;
        self.kind_counts[stop.kind] -= 1;
        bits(stop.themes).for_each(|theme| self.theme_sums[theme] -= stop.value);
        self.stops -= 1;
    }

    /// What one more stop would add, rules aside.
    pub fn gain(&self, stop: &Candidate) -> f64 {
        // returns(sum + value) - returns(sum), with one division.
        let rise = |sum: f64| 36.0 * stop.value / ((6.0 + sum) * (6.0 + sum + stop.value));
        let themes: f64 = bits(stop.themes).map(|theme| rise(self.theme_sums[theme])).sum();
        let full = self.kind_counts[stop.kind] + 1 > self.variety.most(stop.kind, self.stops + 1);
        let price = if full { 0.25 } else { 1.0 };
        (rise(self.kind_sums[stop.kind]) + THEME_WEIGHT * themes) * price
    }

    /// Stops that are too many of their kind.
    pub fn excess(&self) -> usize {
        self.excess_of(self.stops, None)
    }

    /// The same with one more stop.
    fn excess_with(&self, stop: &Candidate) -> usize {
        self.excess_of(self.stops + 1, Some(stop.kind))
    }

    fn excess_of(&self, stops: usize, more: Option<usize>) -> usize {
        let counts = self.kind_counts.iter().enumerate();
        let over = |(kind, &count): (usize, &usize)| {
            (count + usize::from(more == Some(kind))).saturating_sub(self.variety.most(kind, stops))
        };
        counts.map(over).sum()
    }

    fn has_too_many_of(&self, kind: usize) -> bool {
        self.kind_counts[kind] > self.variety.most(kind, self.stops)
    }

    /// What the stops are worth together.
    pub fn score(&self) -> f64 {
        let kinds: f64 = self.kind_sums.iter().map(|&sum| returns(sum)).sum();
        let themes: f64 = self.theme_sums.iter().map(|&sum| returns(sum)).sum();
        kinds + THEME_WEIGHT * themes - EXCESS_PRICE * self.excess() as f64
    }
}

impl Clone for Tally {
    fn clone(&self) -> Self {
        Self {
            variety: self.variety.clone(),
            kind_sums: self.kind_sums.clone(),
            kind_counts: self.kind_counts.clone(),
            ..*self
        }
    }

    /// Without allocating: the search copies often.
    fn clone_from(&mut self, other: &Self) {
        self.variety.clone_from(&other.variety);
        self.kind_sums.clone_from(&other.kind_sums);
        self.kind_counts.clone_from(&other.kind_counts);
        (self.theme_sums, self.stops) = (other.theme_sums, other.stops);
    }
}

/// What the search maximises for a walk: stops by the rules of variety.
pub(crate) struct Varied<'a> {
    pub variety: &'a Variety,
    pub stops: &'a [Candidate],
}

impl Varied<'_> {
    fn stop(&self, stop: u16) -> &Candidate {
        &self.stops[usize::from(stop)]
    }
}

impl Reward for Varied<'_> {
    type Sums = Tally;

    fn nothing(&self) -> Tally {
        Tally::new(self.variety)
    }

    fn add(&self, sums: &mut Tally, stop: u16) {
        sums.add(self.stop(stop));
    }

    fn remove(&self, sums: &mut Tally, stop: u16) {
        sums.remove(self.stop(stop));
    }

    fn gain(&self, sums: &Tally, stop: u16) -> f64 {
        sums.gain(self.stop(stop))
    }

    fn value(&self, stop: u16) -> f64 {
        self.stop(stop).value
    }

    fn score(&self, sums: &Tally) -> f64 {
        sums.score()
    }

    fn is_lawful(&self, sums: &Tally) -> bool {
        sums.excess() == 0
    }

    fn is_lawful_with(&self, sums: &Tally, stop: u16) -> bool {
        sums.excess_with(self.stop(stop)) == 0
    }

    fn is_too_many(&self, sums: &Tally, stop: u16) -> bool {
        sums.has_too_many_of(self.stop(stop).kind)
    }
}

fn bits(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = mask.trailing_zeros();
        mask &= mask.wrapping_sub(1);
        (bit < u32::BITS).then_some(bit as usize)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_come_as_they_are_offered_only_where_little_else_is() {
        let most = |shares: &[f64], as_offered| Variety { shares: shares.into(), as_offered }.most(0, 10);
        assert_eq!(most(&[0.6, 0.2, 0.2], false), 4);
        assert_eq!(most(&[0.6, 0.2, 0.2], true), 5);
        assert_eq!(most(&[0.2, 0.4, 0.4], true), 4);
        assert_eq!(most(&[0.8, 0.1, 0.1], false), 8);
        assert_eq!(most(&[0.5, 0.5], false), 5);
        assert_eq!(Variety::among(4).most(0, 3), 2);
    }
}
