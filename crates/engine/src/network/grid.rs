use crate::spot::Spot;

/// Side of a square of the grid in 1e-7 degrees: some 110 m of latitude.
const SIDE: i32 = 10_000;

/// Finds the edges near a point: which edges pass through which square of a grid.
pub(crate) struct Grid {
    /// (square, edge), sorted.
    entries: Vec<(u64, u32)>,
}

impl Grid {
    pub fn of<'a>(lines: impl Iterator<Item = &'a [Spot]>) -> Self {
        let mut entries = Vec::new();
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
        Self { entries }
    }

    /// Edges that may pass within a distance of a point, sorted; some of them are farther away.
    pub fn near(&self, at: Spot, metres: f64) -> Vec<u32> {
        let side_m = f64::from(SIDE) * 0.011_119_5;
        let rows = (metres / side_m).ceil() as i32;
        let narrow = (f64::from(at.lat) / 1e7).to_radians().cos().max(0.05);
        let columns = (metres / (side_m * narrow)).ceil() as i32;
        let (x, y) = square(at);
        let mut edges = Vec::new();
        for row in y - rows..=y + rows {
            let first = self.entries.partition_point(|&(square, _)| square < key(x - columns, row));
            let in_row =
                self.entries[first..].iter().take_while(|&&(square, _)| square <= key(x + columns, row));
            edges.extend(in_row.map(|&(_, edge)| edge));
        }
        edges.sort_unstable();
        edges.dedup();
        edges
    }

    pub fn memory_bytes(&self) -> usize {
        self.entries.len() * 16
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
