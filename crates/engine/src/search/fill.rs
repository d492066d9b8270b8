use super::{
    dice::{Noise, Taste},
    disturb::close_gaps_in_time,
    plan::{Changed, Plan, Terms},
    reward::Reward,
};

/// What a stop costs at least, doubled milliseconds: no stop is for nothing.
const LEAST_PRICE: f64 = 0.02;

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
            let mut best: Option<(f64, u16)> = None;
            for position in 0..self.out.len() {
                let stop = self.out[position];
                let extra = self.least_extra(on.travel, stop);
                if !self.has_room(on.travel, stop) || !may_come(&self.sums, stop) {
                    continue;
                }
                let price = f64::from(extra.max(0)) + LEAST_PRICE;
                let ratio = on.reward.gain(&self.sums, stop) * noise.factor(taste, stop) / price;
                if ratio > best.map_or(0.0, |(highest, _)| highest) && self.would_be_on_time(on.travel, stop)
                {
                    best = Some((ratio, stop));
                }
            }
            let Some((_, stop)) = best else { return };
            self.put_in(on, stop, changed);
        }
    }
}
