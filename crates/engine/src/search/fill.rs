use super::{
    changed::Changed,
    dice::{Noise, Taste},
    disturb::close_gaps_in_time,
    plan::{Plan, Terms},
    reward::Reward,
};

/// What a stop costs at least, doubled milliseconds: no stop is for nothing.
pub(super) const LEAST_PRICE: f64 = 0.02;

impl<S: Clone> Plan<S> {
    /// Puts in the stop that gains most for its strain, again and again while one fits.
    pub fn fill<R: Reward<Sums = S>>(
        &mut self,
        on: &Terms<'_, R>,
        noise: &Noise,
        taste: Taste,
        changed: &mut Changed,
    ) {
        self.fill_with(on, noise, taste, changed, |_, _| true);
    }

    /// Makes a plan lawful: takes out what there is too much of, and fills what that leaves with what may be there.
    pub fn obey<R: Reward<Sums = S>>(
        &mut self,
        on: &Terms<'_, R>,
        noise: &Noise,
        taste: Taste,
        gone: &mut Vec<u16>,
        changed: &mut Changed,
    ) {
        while !on.reward.is_lawful(&self.sums) {
            let surplus = |stop: &&u16| on.reward.is_too_many(&self.sums, **stop);
            let value = |stop: u16| on.reward.value(stop) * noise.factor(taste, stop);
            let least = |a: &&u16, b: &&u16| value(**a).total_cmp(&value(**b));
            let Some(&stop) = self.stops().iter().filter(surplus).min_by(least) else { return };
            gone.clear();
            gone.push(stop);
            self.take_out(on, gone, changed);
        }
        close_gaps_in_time(on, self, gone, changed);
        self.shorten(on.travel, changed);
        let is_lawful = |sums: &S, stop| on.reward.is_lawful_with(sums, stop);
        self.fill_with(on, noise, taste, changed, is_lawful);
        changed.clear();
    }

    fn fill_with<R: Reward<Sums = S>>(
        &mut self,
        on: &Terms<'_, R>,
        noise: &Noise,
        taste: Taste,
        changed: &mut Changed,
        may_come: impl Fn(&S, u16) -> bool,
    ) {
        loop {
            let (mut best, mut highest) = (None, 0.0);
            for position in 0..self.out.len() {
                let stop = self.out[position];
                if !self.may_have_room(on.travel, stop) {
                    continue;
                }
                let gain = on.reward.gain(&self.sums, stop) * noise.factor(taste, stop);
                let price = |extra: i32| f64::from(extra.max(0)) + LEAST_PRICE;
                // To know it exactly takes long; most stops are out of the question without.
                if gain <= highest * price(self.extra_so_far(stop)) {
                    continue;
                }
                let ratio = gain / price(self.least_extra(on.travel, stop));
                if ratio > highest
                    && self.has_room(on.travel, stop)
                    && may_come(&self.sums, stop)
                    && self.would_be_on_time(on.travel, stop)
                {
                    (best, highest) = (Some(stop), ratio);
                }
            }
            let Some(stop) = best else { return };
            self.put_in(on, stop, changed);
        }
    }
}
