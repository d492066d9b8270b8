use super::{
    dice::{Noise, Taste},
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
        loop {
            let mut best: Option<(f64, u16)> = None;
            for position in 0..self.out.len() {
                let stop = self.out[position];
                let extra = self.least_extra(on.travel, stop);
                if !self.has_room(on.travel, stop) {
                    continue;
                }
                let price = f64::from(extra.max(0)) + LEAST_PRICE;
                let ratio = on.reward.gain(&self.sums, stop) * noise.factor(taste, stop) / price;
                if ratio > best.map_or(0.0, |(highest, _)| highest) && self.would_be_on_time(on.travel, stop) {
                    best = Some((ratio, stop));
                }
            }
            let Some((_, stop)) = best else { return };
            self.put_in(on, stop, changed);
        }
    }
}
