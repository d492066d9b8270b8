use std::collections::{BTreeMap, HashMap};

use super::plane::{Spot, cells_near, lines_cross};

/// Two points of a path that are nearer than this are one place, in metres.
const ONE_PLACE_M: f64 = 0.25;
const CELL_M: f64 = 20.0;

/// A path as a sequence of places, cut wherever it comes by one of its own places again.
pub(super) struct Trace {
    places: Vec<Spot>,
    /// Numbers of places, no two neighbours the same.
    visits: Vec<usize>,
    /// Metres from the start to each visit.
    metres: Vec<f64>,
    /// For each point of the path, its visit.
    of_point: Vec<usize>,
}

/// A stretch that is walked to its tip and straight back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spur {
    pub depth_m: f64,
    /// How far it goes beyond the last stop on it.
    pub idle_m: f64,
    /// There is a stop on it.
    pub has_stop: bool,
}

impl Trace {
    pub fn of(spots: &[Spot]) -> Self {
        let (places, numbers) = places(spots);
        let mut cells: HashMap<_, Vec<usize>> = HashMap::new();
        for (number, place) in places.iter().enumerate() {
            cells.entry(place.cell(CELL_M)).or_default().push(number);
        }
        let mut trace = Self { places, visits: Vec::new(), metres: Vec::new(), of_point: Vec::new() };
        for number in numbers {
            if let Some(last) = trace.visits.last().copied() {
                for between in trace.between(last, number, &cells) {
                    trace.visit(between);
                }
            }
            trace.visit(number);
            trace.of_point.push(trace.visits.len() - 1);
        }
        trace
    }

    fn visit(&mut self, place: usize) {
        match self.visits.last() {
            Some(last) if *last == place => {}
            last => {
                let step = last.map_or(0.0, |last| self.places[*last].distance(self.places[place]));
                self.metres.push(self.metres.last().copied().unwrap_or_default() + step);
                self.visits.push(place);
            }
        }
    }

    /// The places that lie on the straight line between two others, in order.
    fn between(&self, a: usize, b: usize, cells: &HashMap<(i64, i64), Vec<usize>>) -> Vec<usize> {
        let (from, to) = (self.places[a], self.places[b]);
        let near = cells_near(from, to, ONE_PLACE_M, CELL_M).filter_map(|cell| cells.get(&cell)).flatten();
        let on_line = |place: &&usize| {
            ![a, b].contains(*place) && self.places[**place].distance_to_line(from, to) < ONE_PLACE_M
        };
        let mut found: Vec<usize> = near.filter(on_line).copied().collect();
        let share = |place: &usize| self.places[*place].share_along(from, to);
        found.sort_by(|a, b| share(a).total_cmp(&share(b)));
        found
    }

    /// Metres walked another time, in either direction.
    pub fn repeated_m(&self) -> f64 {
        let mut walked: BTreeMap<(usize, usize), u32> = BTreeMap::new();
        let mut again = 0.0;
        for pair in self.visits.windows(2) {
            let times = walked.entry((pair[0].min(pair[1]), pair[0].max(pair[1]))).or_default();
            if *times > 0 {
                again += self.places[pair[0]].distance(self.places[pair[1]]);
            }
            *times += 1;
        }
        again
    }

    /// All stretches walked to their tip and straight back; `stops` are points of the path.
    pub fn spurs(&self, stops: &[usize]) -> Vec<Spur> {
        let stops: Vec<usize> = stops.iter().filter_map(|point| self.of_point.get(*point)).copied().collect();
        let tips = 1..self.visits.len().saturating_sub(1);
        tips.filter_map(|tip| {
            let same = |reach: &usize| {
                let back = tip.checked_sub(*reach).and_then(|visit| self.visits.get(visit));
                back.is_some() && back == self.visits.get(tip + reach)
            };
            let reach = (1..).take_while(same).last()?;
            let on_it = |stop: &&usize| (tip - reach + 1..tip + reach).contains(*stop);
            let to_tip = |stop: &usize| (self.metres[tip] - self.metres[*stop]).abs();
            let depth_m = self.metres[tip] - self.metres[tip - reach];
            let nearest = stops.iter().filter(on_it).map(to_tip).min_by(f64::total_cmp);
            Some(Spur { depth_m, idle_m: nearest.unwrap_or(depth_m), has_stop: nearest.is_some() })
        })
        .collect()
    }

    /// How often the path crosses itself: at a place it comes to twice, or in mid-street.
    pub fn crossings(&self) -> usize {
        self.crossings_at_places() + self.crossings_between_places()
    }

    fn crossings_at_places(&self) -> usize {
        let mut through: BTreeMap<usize, Vec<[usize; 2]>> = BTreeMap::new();
        for three in self.visits.windows(3) {
            through.entry(three[1]).or_default().push([three[0], three[2]]);
        }
        let crosses = |at: usize, one: [usize; 2], other: [usize; 2]| {
            let angle = |to: usize| {
                let way = self.places[to].minus(self.places[at]);
                way.y.atan2(way.x)
            };
            let mut round: Vec<(f64, bool)> = one
                .map(|to| (angle(to), true))
                .into_iter()
                .chain(other.map(|to| (angle(to), false)))
                .collect();
            round.sort_by(|a, b| a.0.total_cmp(&b.0));
            let four_ways =
                !one.iter().any(|to| other.contains(to)) && one[0] != one[1] && other[0] != other[1];
            four_ways && round[0].1 != round[1].1 && round[1].1 != round[2].1
        };
        let at_one = |(at, ways): (&usize, &Vec<[usize; 2]>)| {
            let pairs =
                ways.iter().enumerate().flat_map(|(n, one)| ways[n + 1..].iter().map(move |o| (one, o)));
            pairs.filter(|(one, other)| crosses(*at, **one, **other)).count()
        };
        through.iter().map(at_one).sum()
    }

    fn crossings_between_places(&self) -> usize {
        let mut cells: BTreeMap<(i64, i64), Vec<usize>> = BTreeMap::new();
        for (number, pair) in self.visits.windows(2).enumerate() {
            for cell in cells_near(self.places[pair[0]], self.places[pair[1]], 0.0, CELL_M) {
                cells.entry(cell).or_default().push(number);
            }
        }
        let line = |number: usize| (self.places[self.visits[number]], self.places[self.visits[number + 1]]);
        let mut found = std::collections::BTreeSet::new();
        for numbers in cells.values() {
            for (index, one) in numbers.iter().enumerate() {
                for other in &numbers[index + 1..] {
                    let ((a, b), (c, d)) = (line(*one), line(*other));
                    if lines_cross(a, b, c, d) {
                        found.insert((*one, *other));
                    }
                }
            }
        }
        found.len()
    }
}

/// The places of a path, and the place of each of its points.
fn places(spots: &[Spot]) -> (Vec<Spot>, Vec<usize>) {
    let mut places: Vec<Spot> = Vec::new();
    let mut cells: HashMap<_, Vec<usize>> = HashMap::new();
    let mut numbers = Vec::with_capacity(spots.len());
    for spot in spots {
        let near =
            cells_near(*spot, *spot, ONE_PLACE_M, CELL_M).filter_map(|cell| cells.get(&cell)).flatten();
        let known = near.copied().find(|place: &usize| places[*place].distance(*spot) < ONE_PLACE_M);
        numbers.push(known.unwrap_or_else(|| {
            places.push(*spot);
            cells.entry(spot.cell(CELL_M)).or_default().push(places.len() - 1);
            places.len() - 1
        }));
    }
    (places, numbers)
}
