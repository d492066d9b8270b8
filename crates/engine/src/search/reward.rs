/// What stops are worth together. The search knows nothing else of it.
pub(crate) trait Reward {
    /// Running sums of a set of stops.
    type Sums: Clone;

    fn nothing(&self) -> Self::Sums;
    fn add(&self, sums: &mut Self::Sums, stop: u16);
    fn remove(&self, sums: &mut Self::Sums, stop: u16);
    /// What one more stop would add. A stop that adds nothing is not put in.
    fn gain(&self, sums: &Self::Sums, stop: u16) -> f64;
    /// What a stop gives by itself.
    fn value(&self, stop: u16) -> f64;
    fn score(&self, sums: &Self::Sums) -> f64;
    /// Whether such a set may be the answer; the search may pass through those that may not.
    fn is_lawful(&self, sums: &Self::Sums) -> bool;
    /// Whether it may be with one more stop.
    fn is_lawful_with(&self, sums: &Self::Sums, stop: u16) -> bool;
    /// Whether a stop of the set is of those that there are too many of.
    fn is_too_many(&self, sums: &Self::Sums, stop: u16) -> bool;
}

/// Each stop has its prize, whatever else is visited.
pub(crate) struct Prizes<'a>(pub &'a [f64]);

impl Reward for Prizes<'_> {
    type Sums = f64;

    fn nothing(&self) -> f64 {
        0.0
    }

    fn add(&self, sums: &mut f64, stop: u16) {
        *sums += self.value(stop);
    }

    fn remove(&self, sums: &mut f64, stop: u16) {
        *sums -= self.value(stop);
    }

    fn gain(&self, _: &f64, stop: u16) -> f64 {
        self.value(stop)
    }

    fn value(&self, stop: u16) -> f64 {
        self.0[usize::from(stop)]
    }

    fn score(&self, sums: &f64) -> f64 {
        *sums
    }

    fn is_lawful(&self, _: &f64) -> bool {
        true
    }

    fn is_lawful_with(&self, _: &f64, _: u16) -> bool {
        true
    }

    fn is_too_many(&self, _: &f64, _: u16) -> bool {
        false
    }
}
