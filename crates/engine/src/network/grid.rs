use crate::spot::Spot;

/// Side of a square of the grid in 1e-7 degrees: some 55 m of latitude.
const SIDE: i32 = 5_000;

/// Which edges pass through which square of a grid, before it is written down.
pub(super) struct Squares {
    /// The squares that edges pass through, sorted.
    pub keys: Vec<u64>,
    /// Where the edges of each begin; one more than there are squares.
    pub firsts: Vec<u32>,
    pub edges: Vec<u32>,
}

impl Squares {
    pub fn of<'a>(lines: impl Iterator<Item = &'a [Spot]>) -> Self {
        let mut entries: Vec<(u64, u32)> = Vec::new();
        for (edge, line) in lines.enumerate() {
            for pair in line.windows(2) {
                let span = (i64::from(pair[1].lon) - i64::from(pair[0].lon))
                    .abs()
                    .max((i64::from(pair[1].lat) - i64::from(pair[0].lat)).abs());
                // Long lines are entered bit by bit, so that a slanting one does not fill a whole rectangle.
                let bits = (span / i64::from(SIDE) + 1).min(1000);
                for bit in 0..bits {
                    let at = |share: i64| pair[0].towards(pair[1], share as f64 / bits as f64);
                    let ((x0, y0), (x1, y1)) = (square(at(bit)), square(at(bit + 1)));
                    for y in y0.min(y1)..=y0.max(y1) {
                        for x in x0.min(x1)..=x0.max(x1) {
                            let entry = (key(x, y), edge as u32);
                            if entries.last() != Some(&entry) {
                                entries.push(entry);
                            }
                        }
                    }
                }
            }
        }
        entries.sort_unstable();
        entries.dedup();
        let mut squares =
            Self { keys: Vec::new(), firsts: Vec::new(), edges: Vec::with_capacity(entries.len()) };
        for (key, edge) in entries {
            if squares.keys.last() != Some(&key) {
                squares.keys.push(key);
                squares.firsts.push(squares.edges.len() as u32);
            }
            squares.edges.push(edge);
        }
        squares.firsts.push(squares.edges.len() as u32);
        squares
    }
}

/// Finds the edges near a point.
#[derive(Clone, Copy)]
pub(crate) struct Grid<'a> {
    pub(super) keys: &'a [u64],
    pub(super) firsts: &'a [u32],
    pub(super) edges: &'a [u32],
}

impl Grid<'_> {
    pub(super) fn is_sound(&self, edges: usize) -> bool {
        self.firsts.len() == self.keys.len() + 1
            && self.firsts.is_sorted()
            && self.firsts.last().is_some_and(|&last| last as usize == self.edges.len())
            && self.edges.iter().all(|&edge| (edge as usize) < edges)
    }

    /// Edges that may pass within a distance of a point, sorted; some of them are farther away.
    pub fn near(&self, at: Spot, metres: f64) -> Vec<u32> {
        let narrow = (f64::from(at.lat) / 1e7).to_radians().cos().max(0.05);
        let reach = |metre: f64| (metre / 0.011_119_5).ceil() as i32;
        let (dx, dy) = (reach(metres / narrow), reach(metres));
        let (west, south) = square(Spot { lon: at.lon.saturating_sub(dx), lat: at.lat.saturating_sub(dy) });
        let (east, north) = square(Spot { lon: at.lon.saturating_add(dx), lat: at.lat.saturating_add(dy) });
        let mut edges = Vec::new();
        for row in south..=north {
            let first = self.keys.partition_point(|&square| square < key(west, row));
            let in_row = self.keys[first..].iter().take_while(|&&square| square <= key(east, row)).count();
            edges.extend_from_slice(
                &self.edges[self.firsts[first] as usize..self.firsts[first + in_row] as usize],
            );
        }
        edges.sort_unstable();
        edges.dedup();
        edges
    }
}

fn square(at: Spot) -> (i32, i32) {
    (at.lon.div_euclid(SIDE), at.lat.div_euclid(SIDE))
}

/// Squares of one row have keys that follow each other.
fn key(x: i32, y: i32) -> u64 {
    let up = |value: i32| (i64::from(value) + (1 << 20)) as u64;
    up(y) << 32 | up(x)
}
