//! Moves that visit the same stops with less strain: 2-opt and Or-opt, tried only at places whose surroundings have
//! changed and only towards near neighbours (Bentley 1992).

use super::{
    changed::Changed,
    plan::Plan,
    travel::{NOWHERE, Table, Travel},
};

/// Stops that move together.
const LONGEST_SEGMENT: usize = 3;

/// What a move does to the path.
#[derive(Clone, Copy)]
enum Move {
    /// Turns a stretch round.
    Turn { first: usize, last: usize },
    /// Moves a segment into the gap after a position outside of it, perhaps turned round.
    Shift { first: usize, last: usize, gap: usize, turned: bool },
}

impl<S: Clone> Plan<S> {
    /// Applies moves as long as they help; afterwards nothing counts as changed.
    pub fn shorten(&mut self, travel: &Travel, changed: &mut Changed) {
        while let Some(place) = changed.pop() {
            while self.visits(place) && self.shorten_at(travel, place, changed) {}
        }
    }

    fn shorten_at(&mut self, travel: &Travel, place: u16, changed: &mut Changed) -> bool {
        self.turn_at(travel, place, changed) || self.shift_at(travel, place, changed)
    }

    /// 2-opt: two ways are exchanged for two others, one of them from `place` to a neighbour.
    fn turn_at(&mut self, travel: &Travel, a: u16, changed: &mut Changed) -> bool {
        let strain = travel.strain();
        let here = usize::from(self.at[usize::from(a)]);
        for ahead in [true, false] {
            let Some(&b) = self.path.get(if ahead { here + 1 } else { here.wrapping_sub(1) }) else {
                continue;
            };
            let old = strain.between(a, b);
            for &c in travel.near(a) {
                let new = strain.between(a, c);
                if new >= old {
                    break;
                }
                let there = self.at[usize::from(c)];
                if there == NOWHERE {
                    continue;
                }
                let there = usize::from(there);
                let Some(&d) = self.path.get(if ahead { there + 1 } else { there.wrapping_sub(1) }) else {
                    continue;
                };
                let (low, high) = (here.min(there), here.max(there));
                let turn = if ahead {
                    Move::Turn { first: low + 1, last: high }
                } else {
                    Move::Turn { first: low, last: high - 1 }
                };
                let looks_good = new + strain.between(b, d) < old + strain.between(c, d);
                if (looks_good || !travel.is_symmetric()) && self.make(travel, turn, changed) {
                    return true;
                }
            }
        }
        false
    }

    /// Or-opt: up to three stops, of which `a` is the first or the last, move to beside a neighbour of `a`.
    fn shift_at(&mut self, travel: &Travel, a: u16, changed: &mut Changed) -> bool {
        let strain = travel.strain();
        let (here, last_stop) = (usize::from(self.at[usize::from(a)]), self.path.len() - 2);
        if here == 0 || here > last_stop {
            return false;
        }
        for length in 1..=LONGEST_SEGMENT.min(last_stop) {
            for a_is_first in [true, false] {
                let (first, last) = if a_is_first {
                    (here, here + length - 1)
                } else {
                    (here.wrapping_sub(length - 1), here)
                };
                if (length == 1 && !a_is_first) || !(1..=last_stop).contains(&first) || last > last_stop {
                    continue;
                }
                let other = if a_is_first { self.path[last] } else { self.path[first] };
                let (before, after) = (self.path[first - 1], self.path[last + 1]);
                let saved = strain.between(before, self.path[first]) + strain.between(self.path[last], after)
                    - strain.between(before, after);
                if saved <= 0 {
                    continue;
                }
                for &c in travel.near(a) {
                    if strain.between(a, c).min(strain.between(c, a)) >= saved {
                        break;
                    }
                    let there = self.at[usize::from(c)];
                    if there == NOWHERE || (first..=last).contains(&usize::from(there)) {
                        continue;
                    }
                    let there = usize::from(there);
                    // Into the gap after c, with a next to c, or into the one before it.
                    for (gap, turned) in [(there, !a_is_first), (there.wrapping_sub(1), a_is_first)] {
                        let d = if gap == there { there.wrapping_add(1) } else { gap };
                        let Some(&d) = self.path.get(d) else { continue };
                        if gap + 1 == first || gap == last {
                            continue;
                        }
                        let extra = strain.between(a, c) + strain.between(other, d) - strain.between(c, d);
                        let shift = Move::Shift { first, last, gap, turned };
                        if (extra < saved || !travel.is_symmetric()) && self.make(travel, shift, changed) {
                            return true;
                        }
                    }
                }
            }
        }
        false
    }

    /// Makes a move if it takes strain away and the plan remains what it must be.
    fn make(&mut self, travel: &Travel, mv: Move, changed: &mut Changed) -> bool {
        let (low, high) = mv.range();
        let strain = self.change(travel.strain(), mv);
        if strain >= 0 {
            return false;
        }
        let time = if travel.strain.is_some() { self.change(&travel.time, mv) } else { strain };
        if time > 0 && self.time + time > travel.budget {
            return false;
        }
        self.apply(mv);
        if !self.is_on_time(travel) {
            self.apply(mv.undone());
            return false;
        }
        self.number_from(low, high + 1);
        self.time += time;
        self.strain += strain;
        let ends: &[usize] = match mv {
            Move::Turn { .. } => &[low - 1, high],
            Move::Shift { first, last, gap, .. } if gap > last => &[low - 1, gap + first - last - 1, high],
            Move::Shift { first, last, .. } => &[low - 1, low + last - first, high],
        };
        for &end in ends {
            self.joined(travel, self.path[end], self.path[end + 1]);
            changed.push(self.path[end]);
            changed.push(self.path[end + 1]);
        }
        true
    }

    /// What a move does to the length of the path.
    fn change(&self, table: &Table, mv: Move) -> i64 {
        let way = |from: u16, to: u16| i64::from(table.between(from, to));
        let turned = |first: usize, last: usize| -> i64 {
            if table.is_symmetric() {
                return 0;
            }
            self.path[first..=last].windows(2).map(|pair| way(pair[1], pair[0]) - way(pair[0], pair[1])).sum()
        };
        let path = &self.path;
        match mv {
            Move::Turn { first, last } => {
                way(path[first - 1], path[last]) + way(path[first], path[last + 1])
                    - way(path[first - 1], path[first])
                    - way(path[last], path[last + 1])
                    + turned(first, last)
            }
            Move::Shift { first, last, gap, turned: is_turned } => {
                let (head, tail) =
                    if is_turned { (path[last], path[first]) } else { (path[first], path[last]) };
                way(path[gap], head) + way(tail, path[gap + 1]) - way(path[gap], path[gap + 1])
                    + way(path[first - 1], path[last + 1])
                    - way(path[first - 1], path[first])
                    - way(path[last], path[last + 1])
                    + if is_turned { turned(first, last) } else { 0 }
            }
        }
    }

    fn apply(&mut self, mv: Move) {
        match mv {
            Move::Turn { first, last } => self.path[first..=last].reverse(),
            Move::Shift { first, last, gap, turned } => {
                if turned {
                    self.path[first..=last].reverse();
                }
                let length = last + 1 - first;
                if gap > last {
                    self.path[first..=gap].rotate_left(length);
                } else {
                    self.path[gap + 1..=last].rotate_right(length);
                }
            }
        }
    }
}

impl Move {
    /// The positions that change.
    fn range(self) -> (usize, usize) {
        match self {
            Self::Turn { first, last } => (first, last),
            Self::Shift { first, last, gap, .. } if gap > last => (first, gap),
            Self::Shift { last, gap, .. } => (gap + 1, last),
        }
    }

    /// The move that takes it back.
    fn undone(self) -> Self {
        match self {
            Self::Turn { .. } => self,
            Self::Shift { first, last, gap, turned } if gap > last => {
                Self::Shift { first: gap + first - last, last: gap, gap: first - 1, turned }
            }
            Self::Shift { first, last, gap, turned } => {
                Self::Shift { first: gap + 1, last: gap + 1 + last - first, gap: last, turned }
            }
        }
    }
}
