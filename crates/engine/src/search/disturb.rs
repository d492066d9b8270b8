//! Ways out of a tour that no small move makes better.

use super::{
    dice::{Dice, Noise, Taste},
    plan::{Changed, Plan, Terms},
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
    let strain = on.travel.strain();
    while !plan.fits(on.travel) && !plan.stops().is_empty() {
        let worth = |path: &[u16]| {
            let stop = path[1];
            let saved = strain.between(path[0], stop) + strain.between(stop, path[2])
                - strain.between(path[0], path[2]);
            on.reward.value(stop) * noise.factor(taste, stop) / (f64::from(saved.max(0)) + 0.02)
        };
        let worst = |kept: bool| {
            let stops = plan.path.windows(3).filter(|path| keep.contains(&path[1]) == kept);
            stops.map(|path| (worth(path), path[1])).min_by(|a, b| a.0.total_cmp(&b.0))
        };
        let Some((_, stop)) = worst(false).or_else(|| worst(true)) else { return };
        gone.clear();
        gone.push(stop);
        plan.take_out(on, gone, changed);
    }
    close_gaps_in_time(on, plan, gone, changed);
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
