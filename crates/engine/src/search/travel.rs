use super::windows::Windows;

/// A position on no tour.
pub(super) const NOWHERE: u16 = u16::MAX;
/// The longest budget: three ways still add up in 32 bits.
pub(crate) const LONGEST_BUDGET: u32 = 80_000_000;
/// So many neighbours are looked at when a tour is made shorter.
const NEIGHBOURS: usize = 24;

/// What getting about takes. Stops come first, then the start, then the end.
///
/// All times are doubled, and half of the stay at either end is part of a way, so that the length of a path is all
/// that it takes, and the length up to a stop is the middle of the stay there.
pub(crate) struct Travel {
    pub stops: usize,
    pub time: Table,
    /// What moves make smaller, where that is not the time.
    pub strain: Option<Table>,
    pub budget: i64,
    pub dwell: Vec<u32>,
    /// Most that may be dwelt in all.
    pub dwell_limit: u64,
    pub windows: Option<Windows>,
    near: Vec<u16>,
    neighbours: usize,
}

/// A square of numbers, and its transpose where that is another one.
pub(crate) struct Table {
    size: usize,
    from: Vec<i32>,
    to: Option<Vec<i32>>,
}

impl Table {
    fn of(size: usize, entry: impl Fn(usize, usize) -> i32) -> Self {
        let square = |entry: &dyn Fn(usize, usize) -> i32| -> Vec<i32> {
            (0..size * size).map(|i| entry(i / size, i % size)).collect()
        };
        let (from, to) = (square(&entry), square(&|row, column| entry(column, row)));
        let to = (from != to).then_some(to);
        Self { size, from, to }
    }

    pub fn is_symmetric(&self) -> bool {
        self.to.is_none()
    }

    pub fn between(&self, from: u16, to: u16) -> i32 {
        self.from[usize::from(from) * self.size + usize::from(to)]
    }

    /// From a place to all.
    pub fn from(&self, place: u16) -> &[i32] {
        &self.from[usize::from(place) * self.size..][..self.size]
    }

    /// From all to a place.
    pub fn to(&self, place: u16) -> &[i32] {
        &self.to.as_ref().unwrap_or(&self.from)[usize::from(place) * self.size..][..self.size]
    }
}

impl Travel {
    /// `time` and `strain_more` (what a way costs beyond its time) are square, row by row; `dwell` is the stay at each
    /// stop. What is longer than the budget counts as just longer than it. The budget is [`LONGEST_BUDGET`] at most.
    pub fn new(time: &[u32], strain_more: Option<&[u32]>, dwell: Vec<u32>, budget: u32) -> Self {
        let (stops, size) = (dwell.len(), dwell.len() + 2);
        let budget = budget.min(LONGEST_BUDGET);
        let capped = |value: u32| value.min(budget + 1) as i32;
        let stay = |place: usize| dwell.get(place).map_or(0, |&stay| capped(stay));
        let whole = |from: usize, to: usize| {
            if from == to { 0 } else { 2 * capped(time[from * size + to]) + stay(from) + stay(to) }
        };
        let time = Table::of(size, whole);
        let strain = strain_more.filter(|more| more.iter().any(|&more| more > 0)).map(|more| {
            Table::of(size, |from, to| {
                whole(from, to) + if from == to { 0 } else { 2 * capped(more[from * size + to]) }
            })
        });
        let neighbours = NEIGHBOURS.min(size - 1);
        let near = nearest(strain.as_ref().unwrap_or(&time), neighbours);
        let budget = 2 * i64::from(budget);
        Self { stops, time, strain, budget, dwell, dwell_limit: u64::MAX, windows: None, near, neighbours }
    }

    pub fn start(&self) -> u16 {
        self.stops as u16
    }

    pub fn end(&self) -> u16 {
        self.stops as u16 + 1
    }

    /// What moves make smaller.
    pub fn strain(&self) -> &Table {
        self.strain.as_ref().unwrap_or(&self.time)
    }

    pub fn is_symmetric(&self) -> bool {
        self.time.is_symmetric() && self.strain().is_symmetric()
    }

    /// The places near a place, the nearest first.
    pub fn near(&self, place: u16) -> &[u16] {
        &self.near[usize::from(place) * self.neighbours..][..self.neighbours]
    }
}

fn nearest(table: &Table, count: usize) -> Vec<u16> {
    let mut near = Vec::with_capacity(table.size * count);
    let mut others: Vec<u16> = Vec::with_capacity(table.size);
    for place in 0..table.size as u16 {
        let (there, back) = (table.from(place), table.to(place));
        let key = |&other: &u16| {
            let other = usize::from(other);
            (i64::from(there[other]) + i64::from(back[other]), other)
        };
        others.clear();
        others.extend((0..table.size as u16).filter(|&other| other != place));
        if count < others.len() {
            others.select_nth_unstable_by_key(count, key);
            others.truncate(count);
        }
        others.sort_unstable_by_key(key);
        near.extend_from_slice(&others);
    }
    near
}
