//! Ways out of a tour that no small move makes better.

use super::{
    changed::Changed,
    dice::{Dice, Noise, Taste},
    fill::LEAST_PRICE,
    plan::{Plan, Terms},
    reward::Reward,
    travel::NOWHERE,
};

/// Most stops that are taken out as one string.
const LONGEST_STRING: usize = 8;
/// Most stops that are forced in together.
const MOST_FORCED: usize = 8;

/// Takes out up to `most` stops, in strings of the tour that pass near one place (Christiaens and Vanden Berghe 2020).
pub(super) fn ruin<R: Reward>(
    on: &Terms<'_, R>,
    plan: &mut Plan<R::Sums>,
    most: usize,
    dice: &mut Dice,
    gone: &mut Vec<u16>,
    changed: &mut Changed,
) {
    gone.clear();
    let count = plan.stops().len();
    if count == 0 {
        return;
    }
    let target = 1 + dice.below(most.min(count));
    let centre = plan.stops()[dice.below(count)];
    for &place in std::iter::once(&centre).chain(on.travel.near(centre)) {
        let position = plan.at[usize::from(place)];
        let is_stop = (1..=count).contains(&usize::from(position));
        if position == NOWHERE || !is_stop || gone.contains(&place) {
            continue;
        }
        let length = 1 + dice.below(LONGEST_STRING.min(target - gone.len()));
        let first = usize::from(position).saturating_sub(dice.below(length)).max(1);
        for &stop in &plan.path[first..=(first + length - 1).min(count)] {
            if !gone.contains(&stop) {
                gone.push(stop);
            }
        }
        if gone.len() >= target {
            break;
        }
    }
    plan.take_out(on, gone, changed);
}

/// Puts in a stop that there may be no room for, perhaps with some of its neighbours (each with the chance `company`),
/// and takes out what gives least for its strain until the tour fits again.
pub(super) fn force<R: Reward>(
    on: &Terms<'_, R>,
    plan: &mut Plan<R::Sums>,
    company: f64,
    (noise, taste): (&Noise, Taste),
    dice: &mut Dice,
    gone: &mut Vec<u16>,
    changed: &mut Changed,
) {
    if plan.out.is_empty() {
        return;
    }
    let mut forced = [NOWHERE; MOST_FORCED];
    let mut count = 0;
    let mut next = Some(plan.out[dice.below(plan.out.len())]);
    while let (Some(stop), Some(slot)) = (next, forced.get_mut(count)) {
        plan.least_extra(on.travel, stop);
        plan.put_in(on, stop, changed);
        *slot = stop;
        count += 1;
        let lonely = dice.share() > company;
        next = on.travel.near(stop).iter().copied().find(|&near| !lonely && !plan.visits(near));
    }
    make_room(on, plan, &forced[..count], (noise, taste), gone, changed);
}

/// Takes out what gives least for its strain until the tour fits; what is to be kept only when nothing else is left.
pub(super) fn make_room<R: Reward>(
    on: &Terms<'_, R>,
    plan: &mut Plan<R::Sums>,
    keep: &[u16],
    (noise, taste): (&Noise, Taste),
    gone: &mut Vec<u16>,
    changed: &mut Changed,
) {
    while !plan.fits(on.travel) && !plan.stops().is_empty() {
        let worst = |kept| worst(on, &plan.path, |stop| keep.contains(&stop) == kept, (noise, taste));
        let Some(stop) = worst(false).or_else(|| worst(true)) else { return };
        gone.clear();
        gone.push(stop);
        plan.take_out(on, gone, changed);
    }
    close_gaps_in_time(on, plan, gone, changed);
}

/// Of the stops of a path that may go, the one that gives least for the strain that is saved without it.
fn worst<R: Reward>(
    on: &Terms<'_, R>,
    path: &[u16],
    may_go: impl Fn(u16) -> bool,
    (noise, taste): (&Noise, Taste),
) -> Option<u16> {
    let strain = on.travel.strain();
    let mut way_there = strain.between(path[0], path[1]);
    let (mut worst, mut least) = (None, f64::INFINITY);
    for places in path.windows(3) {
        let (before, stop, after) = (places[0], places[1], places[2]);
        let way_on = strain.between(stop, after);
        let saved = way_there + way_on - strain.between(before, after);
        way_there = way_on;
        let price = f64::from(saved.max(0)) + LEAST_PRICE;
        let worth = on.reward.value(stop) * noise.factor(taste, stop);
        // A division takes long, and most stops are not the worst so far.
        if (worst.is_none() || worth < least * price) && may_go(stop) {
            (worst, least) = (Some(stop), worth / price);
        }
    }
    worst
}

/// Takes out the stops that are not visited in their hours.
pub(super) fn close_gaps_in_time<R: Reward>(
    on: &Terms<'_, R>,
    plan: &mut Plan<R::Sums>,
    gone: &mut Vec<u16>,
    changed: &mut Changed,
) {
    let Some(hours) = &on.travel.windows else { return };
    while let Some(stop) = hours.first_closed(on.travel, plan.path.iter().copied()) {
        gone.clear();
        gone.push(stop);
        plan.take_out(on, gone, changed);
    }
}
