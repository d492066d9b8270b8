//! What a set of stops is worth: the sum of its stops, each kind and theme with falling returns, so that variety
//! wins.

use std::rc::Rc;

use crate::candidates::{Candidate, Candidates};

const THEME_WEIGHT: f64 = 0.6;
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
}

impl Variety {
    pub fn of(candidates: &Candidates) -> Self {
        Self { shares: candidates.kind_shares.as_slice().into() }
    }

    #[cfg(test)]
    pub fn among(kinds: usize) -> Self {
        Self { shares: vec![1.0 / kinds as f64; kinds].into() }
    }

    /// Most stops of a kind among so many: two fifths, one at least. Whoever asks for what is nearly all of one kind, or of
    /// two, has asked for them as they come.
    fn most(&self, kind: usize, stops: usize) -> usize {
        let share = self.shares[kind];
        let asked_for = share > ASKED_FOR || self.shares.len() <= 2;
        let as_they_come = if asked_for { (share * stops as f64).ceil() as usize } else { 0 };
        (stops * 2 / 5).max(1).max(as_they_come)
    }
}

/// The running sums of a set of stops.
#[derive(Clone)]
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

    /// What one more stop would add, rules aside.
    pub fn gain(&self, stop: &Candidate) -> f64 {
        let rise = |sum: f64| returns(sum + stop.value) - returns(sum);
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
    pub fn excess_with(&self, stop: &Candidate) -> usize {
        self.excess_of(self.stops + 1, Some(stop.kind))
    }

    fn excess_of(&self, stops: usize, more: Option<usize>) -> usize {
        let counts = self.kind_counts.iter().enumerate();
        let over = |(kind, &count): (usize, &usize)| {
            (count + usize::from(more == Some(kind))).saturating_sub(self.variety.most(kind, stops))
        };
        counts.map(over).sum()
    }

    /// What the stops are worth together.
    pub fn score(&self) -> f64 {
        let kinds: f64 = self.kind_sums.iter().map(|&sum| returns(sum)).sum();
        let themes: f64 = self.theme_sums.iter().map(|&sum| returns(sum)).sum();
        kinds + THEME_WEIGHT * themes - EXCESS_PRICE * self.excess() as f64
    }
}

fn bits(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = mask.trailing_zeros();
        mask &= mask.wrapping_sub(1);
        (bit < u32::BITS).then_some(bit as usize)
    })
}
