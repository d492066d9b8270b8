//! A tour that is being worked on, and for each stop outside of it where it would best be put in.

use super::{
    changed::Changed,
    reward::Reward,
    travel::{NOWHERE, Table, Travel},
};

/// So many visited neighbours are looked at to find where a stop is best put in.
const LOOKED_AT: usize = 5;

/// What a search is about.
pub(super) struct Terms<'a, R> {
    pub travel: &'a Travel,
    pub reward: &'a R,
}

#[derive(Clone)]
pub(super) struct Plan<S> {
    /// From the start to the end.
    pub path: Vec<u16>,
    /// Where on the path each place is.
    pub at: Vec<u16>,
    pub time: i64,
    pub strain: i64,
    pub dwell: u64,
    pub sums: S,
    /// The stops that are not visited.
    pub out: Vec<u16>,
    out_at: Vec<u16>,
    /// For each stop that is not visited, the strain it would add where that is least, and between which places.
    /// Stale where these are no longer side by side; meaningless for stops that are visited.
    extra: Vec<i32>,
    between: Vec<Between>,
}

/// Two places in one number: the loop that compares with all stops can then do several at a time.
#[derive(Clone, Copy)]
struct Between(u32);

impl Between {
    fn new(before: u16, after: u16) -> Self {
        Self(u32::from(before) << 16 | u32::from(after))
    }

    fn places(self) -> (u16, u16) {
        ((self.0 >> 16) as u16, self.0 as u16)
    }
}

impl<S: Clone> Plan<S> {
    /// From the start straight to the end.
    pub fn straight<R: Reward<Sums = S>>(on: &Terms<'_, R>) -> Self {
        let travel = on.travel;
        let (start, end, stops) = (travel.start(), travel.end(), travel.stops);
        let mut plan = Self {
            path: vec![start, end],
            at: vec![NOWHERE; stops + 2],
            time: i64::from(travel.time.between(start, end)),
            strain: i64::from(travel.strain().between(start, end)),
            dwell: 0,
            sums: on.reward.nothing(),
            out: (0..start).collect(),
            out_at: (0..start).collect(),
            extra: vec![i32::MAX; stops],
            between: vec![Between::new(start, start); stops],
        };
        (plan.at[usize::from(start)], plan.at[usize::from(end)]) = (0, 1);
        plan.joined(travel, start, end);
        plan
    }

    /// Becomes a copy without allocating.
    pub fn copy(&mut self, other: &Self) {
        self.path.clone_from(&other.path);
        self.at.clone_from(&other.at);
        (self.time, self.strain, self.dwell) = (other.time, other.strain, other.dwell);
        self.sums.clone_from(&other.sums);
        self.out.clone_from(&other.out);
        self.out_at.clone_from(&other.out_at);
        self.extra.clone_from(&other.extra);
        self.between.clone_from(&other.between);
    }

    pub fn stops(&self) -> &[u16] {
        &self.path[1..self.path.len() - 1]
    }

    pub fn visits(&self, place: u16) -> bool {
        self.at[usize::from(place)] != NOWHERE
    }

    pub fn fits(&self, travel: &Travel) -> bool {
        self.time <= travel.budget && self.dwell <= travel.dwell_limit
    }

    /// Whether no stop is visited while it is closed.
    pub fn is_on_time(&self, travel: &Travel) -> bool {
        travel
            .windows
            .as_ref()
            .is_none_or(|hours| hours.first_closed(travel, self.path.iter().copied()).is_none())
    }

    /// As [`least_extra`](Self::least_extra), without a look at whether it is out of date.
    pub fn extra_so_far(&self, stop: u16) -> i32 {
        self.extra[usize::from(stop)]
    }

    /// Whether the stop is worth a look: what of [`has_room`](Self::has_room) can be told without one.
    pub fn may_have_room(&self, travel: &Travel, stop: u16) -> bool {
        let number = usize::from(stop);
        self.dwell + u64::from(travel.dwell[number]) <= travel.dwell_limit
            && (travel.strain.is_some() || self.time + i64::from(self.extra[number]) <= travel.budget)
    }

    /// The strain that a stop adds where that is least.
    pub fn least_extra(&mut self, travel: &Travel, stop: u16) -> i32 {
        if !self.are_joined(travel, self.between[usize::from(stop)].places()) {
            self.look_again(travel, stop);
        }
        self.extra[usize::from(stop)]
    }

    /// Whether the stop fits where [`least_extra`](Self::least_extra) would have it.
    pub fn has_room(&self, travel: &Travel, stop: u16) -> bool {
        let number = usize::from(stop);
        let extra = match &travel.strain {
            None => self.extra[number],
            Some(_) => {
                let (before, after) = self.ordered(self.between[number].places());
                let time = &travel.time;
                time.between(before, stop) + time.between(stop, after) - time.between(before, after)
            }
        };
        self.time + i64::from(extra) <= travel.budget
            && self.dwell + u64::from(travel.dwell[number]) <= travel.dwell_limit
    }

    /// Whether all stops are still visited in their hours with this one where it adds least strain.
    pub fn would_be_on_time(&self, travel: &Travel, stop: u16) -> bool {
        let Some(hours) = &travel.windows else { return true };
        let (_, after) = self.ordered(self.between[usize::from(stop)].places());
        let (front, back) = self.path.split_at(usize::from(self.at[usize::from(after)]));
        hours.first_closed(travel, front.iter().copied().chain([stop]).chain(back.iter().copied())).is_none()
    }

    /// Puts a stop in where it adds least strain, as found by [`least_extra`](Self::least_extra).
    pub fn put_in<R: Reward<Sums = S>>(&mut self, on: &Terms<'_, R>, stop: u16, changed: &mut Changed) {
        let number = usize::from(stop);
        let (before, after) = self.ordered(self.between[number].places());
        let position = usize::from(self.at[usize::from(after)]);
        let time = &on.travel.time;
        self.time +=
            i64::from(time.between(before, stop) + time.between(stop, after) - time.between(before, after));
        self.strain += i64::from(self.extra[number]);
        self.dwell += u64::from(on.travel.dwell[number]);
        on.reward.add(&mut self.sums, stop);
        self.path.insert(position, stop);
        self.number_from(position, self.path.len());
        let gap = usize::from(self.out_at[number]);
        self.out.swap_remove(gap);
        if let Some(&moved) = self.out.get(gap) {
            self.out_at[usize::from(moved)] = gap as u16;
        }
        self.joined(on.travel, before, stop);
        self.joined(on.travel, stop, after);
        [before, stop, after].into_iter().for_each(|place| changed.push(place));
    }

    /// Puts a stop in before the end, or nowhere if it is visited already.
    pub fn append<R: Reward<Sums = S>>(&mut self, on: &Terms<'_, R>, stop: u16, changed: &mut Changed) {
        if !self.visits(stop) {
            let last = self.path.len() - 2;
            self.extra[usize::from(stop)] = i32::MAX;
            consider(&mut self.extra, &mut self.between, &self.path, on.travel, stop, last);
            self.put_in(on, stop, changed);
        }
    }

    /// Takes visited stops out.
    pub fn take_out<R: Reward<Sums = S>>(&mut self, on: &Terms<'_, R>, stops: &[u16], changed: &mut Changed) {
        for &stop in stops {
            let number = usize::from(stop);
            self.at[number] = NOWHERE;
            self.dwell -= u64::from(on.travel.dwell[number]);
            on.reward.remove(&mut self.sums, stop);
            self.out_at[number] = self.out.len() as u16;
            self.out.push(stop);
            self.extra[number] = i32::MAX;
            self.between[number] = Between::new(stop, stop);
        }
        let leg = |table: &Table, from, to| i64::from(table.between(from, to));
        let (mut kept, mut previous) = (1, self.path[0]);
        for position in 1..self.path.len() {
            let place = self.path[position];
            let was_after = std::mem::replace(&mut previous, place);
            let stays = self.visits(place);
            let is_after = self.path[kept - 1];
            if !stays || is_after != was_after {
                self.time -= leg(&on.travel.time, was_after, place);
                self.strain -= leg(on.travel.strain(), was_after, place);
            }
            if !stays {
                continue;
            }
            self.path[kept] = place;
            self.at[usize::from(place)] = kept as u16;
            kept += 1;
            if is_after != was_after {
                self.time += leg(&on.travel.time, is_after, place);
                self.strain += leg(on.travel.strain(), is_after, place);
                self.joined(on.travel, is_after, place);
                changed.push(is_after);
                changed.push(place);
            }
        }
        self.path.truncate(kept);
    }

    /// Numbers a part of the path anew.
    pub fn number_from(&mut self, first: usize, after_last: usize) {
        for position in first..after_last {
            self.at[usize::from(self.path[position])] = position as u16;
        }
    }

    /// Two places have come to be one after the other: for some stops that is the best place.
    pub fn joined(&mut self, travel: &Travel, before: u16, after: u16) {
        let strain = travel.strain();
        let (direct, here) = (strain.between(before, after), Between::new(before, after));
        let ways = strain.from(before).iter().zip(strain.to(after));
        for ((extra, between), (there, on)) in self.extra.iter_mut().zip(&mut self.between).zip(ways) {
            let via = there + on - direct;
            let is_less = via < *extra;
            *extra = if is_less { via } else { *extra };
            between.0 = if is_less { here.0 } else { between.0 };
        }
    }

    fn are_joined(&self, travel: &Travel, (before, after): (u16, u16)) -> bool {
        let (from, to) = (self.at[usize::from(before)], self.at[usize::from(after)]);
        from != NOWHERE && to != NOWHERE && (from + 1 == to || to + 1 == from && travel.is_symmetric())
    }

    /// The same two places in the order of the path: parts of it may have been turned round since.
    fn ordered(&self, (one, other): (u16, u16)) -> (u16, u16) {
        if self.at[usize::from(one)] < self.at[usize::from(other)] { (one, other) } else { (other, one) }
    }

    /// Finds where a stop adds least: beside one of its nearest visited neighbours.
    fn look_again(&mut self, travel: &Travel, stop: u16) {
        self.extra[usize::from(stop)] = i32::MAX;
        let mut seen = 0;
        for &place in travel.near(stop).iter().filter(|&&place| self.at[usize::from(place)] != NOWHERE) {
            let position = usize::from(self.at[usize::from(place)]);
            for first in [position.wrapping_sub(1), position] {
                consider(&mut self.extra, &mut self.between, &self.path, travel, stop, first);
            }
            seen += 1;
            if seen == LOOKED_AT {
                break;
            }
        }
        if seen == 0 {
            for first in 0..self.path.len() {
                consider(&mut self.extra, &mut self.between, &self.path, travel, stop, first);
            }
        }
    }
}

/// Whether a stop is better put in after this position than where it was best so far.
fn consider(
    extra: &mut [i32],
    between: &mut [Between],
    path: &[u16],
    travel: &Travel,
    stop: u16,
    first: usize,
) {
    let (Some(&before), Some(&after)) = (path.get(first), path.get(first.wrapping_add(1))) else { return };
    let strain = travel.strain();
    let via = strain.between(before, stop) + strain.between(stop, after) - strain.between(before, after);
    if via < extra[usize::from(stop)] {
        extra[usize::from(stop)] = via;
        between[usize::from(stop)] = Between::new(before, after);
    }
}
