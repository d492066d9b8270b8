use std::collections::{BTreeMap, HashMap};

use super::{
    extract::{Extract, Square},
    footing::Footing,
    plane::{Spot, cells_near},
};

/// How far from a way's line one is still on it, in metres.
pub(super) const ON_IT_M: f64 = 2.0;
const CELL_M: f64 = 40.0;
/// A way that hangs together with so many metres of street leads somewhere.
const LEADS_SOMEWHERE_M: f64 = 1000.0;
/// Sine of the angle up to which two directions are the same.
const SAME_WAY: f64 = 0.26;

/// A straight piece of a walkable way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub a: Spot,
    pub b: Spot,
    pub from: u32,
    pub to: u32,
    pub footing: Footing,
}

/// All that is walkable, found by place, and how it hangs together.
pub(super) struct Streets {
    stretches: Vec<Stretch>,
    cells: HashMap<(i64, i64), Vec<u32>>,
    squares: Vec<Square>,
    pub nodes: Vec<Spot>,
    pub next: Vec<Vec<Link>>,
    all: Components,
    stepless: Components,
}

/// The way from a node to a next one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub to: u32,
    pub metres: f64,
    pub footing: Footing,
}

/// Which nodes hang together, and by how many metres of street.
struct Components {
    of_node: Vec<u32>,
    metres: BTreeMap<u32, f64>,
}

impl Streets {
    pub fn of(extract: &Extract) -> Self {
        let mut stretches = Vec::new();
        for (footing, nodes) in &extract.ways {
            stretches.extend(nodes.windows(2).map(|pair| Stretch {
                a: extract.nodes[pair[0] as usize],
                b: extract.nodes[pair[1] as usize],
                from: pair[0],
                to: pair[1],
                footing: *footing,
            }));
        }
        let mut cells: HashMap<_, Vec<u32>> = HashMap::new();
        let mut next = vec![Vec::new(); extract.nodes.len()];
        for (number, stretch) in stretches.iter().enumerate() {
            for cell in cells_near(stretch.a, stretch.b, 0.0, CELL_M) {
                cells.entry(cell).or_default().push(number as u32);
            }
            let (metres, footing) = (stretch.a.distance(stretch.b), stretch.footing);
            next[stretch.from as usize].push(Link { to: stretch.to, metres, footing });
            next[stretch.to as usize].push(Link { to: stretch.from, metres, footing });
        }
        for square in &extract.squares {
            cross(square, &extract.nodes, &mut next);
        }
        let all = Components::of(extract.nodes.len(), stretches.iter());
        let open = |stretch: &&Stretch| stretch.footing.is_good(true);
        let stepless = Components::of(extract.nodes.len(), stretches.iter().filter(open));
        let (squares, nodes) = (extract.squares.clone(), extract.nodes.clone());
        Self { stretches, cells, squares, nodes, next, all, stepless }
    }

    /// All stretches within reach of a spot, with their distance.
    pub fn near(&self, spot: Spot, reach: f64) -> Vec<(f64, &Stretch)> {
        let mut numbers: Vec<u32> = cells_near(spot, spot, reach, CELL_M)
            .filter_map(|cell| self.cells.get(&cell))
            .flatten()
            .copied()
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        let stretches = numbers.iter().map(|number| &self.stretches[*number as usize]);
        let measured = stretches.map(|stretch| (spot.distance_to_line(stretch.a, stretch.b), stretch));
        measured.filter(|(distance, _)| *distance <= reach).collect()
    }

    /// What one walks on who goes this way here: several where ways lie on one another, none off the streets.
    pub fn under(&self, spot: Spot, going: Spot) -> Vec<Footing> {
        let near = self.near(spot, ON_IT_M);
        let along = |distance: f64, stretch: &Stretch| {
            let line = stretch.b.minus(stretch.a);
            // Beside it, not beyond its end.
            let beside = spot.minus(stretch.a).cross(line).abs() / line.length().max(0.01);
            distance - beside < 0.3 && line.cross(going).abs() <= SAME_WAY * line.length() * going.length()
        };
        let parallel: Vec<_> = near.iter().filter(|(distance, stretch)| along(*distance, stretch)).collect();
        let nearest = parallel.iter().map(|(distance, _)| *distance).fold(f64::INFINITY, f64::min);
        let squares: Vec<Footing> = self.squares_at(spot).map(|square| square.footing).collect();
        if nearest.is_finite() {
            let best = parallel.iter().filter(|(distance, _)| *distance <= nearest + 0.3);
            let ways = best.map(|(_, stretch)| {
                let along = stretch.b.minus(stretch.a).dot(going) >= 0.0;
                if along { stretch.footing } else { stretch.footing.reversed() }
            });
            // Beside a way that leads over a square, one may as well be crossing the square.
            return if nearest > 0.3 { ways.chain(squares).collect() } else { ways.collect() };
        }
        if squares.is_empty() { near.iter().map(|(_, stretch)| stretch.footing).collect() } else { squares }
    }

    /// On a walkable way, or on a square.
    pub fn holds(&self, spot: Spot) -> bool {
        !self.near(spot, ON_IT_M).is_empty() || self.squares_at(spot).next().is_some()
    }

    pub fn squares_at(&self, spot: Spot) -> impl Iterator<Item = &Square> {
        self.squares.iter().filter(move |square| spot.is_inside(&square.rings))
    }

    /// How far the nearest walkable way is, if it is within reach.
    pub fn nearest(&self, spot: Spot, reach: f64) -> Option<f64> {
        self.near(spot, reach).into_iter().map(|(distance, _)| distance).min_by(f64::total_cmp)
    }

    /// The same for ways that are open to all and lead somewhere, without steps where none are wanted.
    pub fn nearest_good(&self, spot: Spot, reach: f64, stepless: bool) -> Option<f64> {
        let near = self.near(spot, reach).into_iter().filter(|(_, stretch)| self.is_good(stretch, stepless));
        near.map(|(distance, _)| distance).min_by(f64::total_cmp)
    }

    fn is_good(&self, stretch: &Stretch, stepless: bool) -> bool {
        let of = if stepless { &self.stepless } else { &self.all };
        let leads_somewhere = |metres: &f64| *metres > LEADS_SOMEWHERE_M;
        stretch.footing.is_good(stepless)
            && of.metres.get(&of.of_node[stretch.from as usize]).is_some_and(leads_somewhere)
    }

    /// All stretches that are open to everybody and lead somewhere, without steps.
    pub fn good(&self) -> impl Iterator<Item = &Stretch> {
        self.stretches.iter().filter(|stretch| self.is_good(stretch, true))
    }

    /// The parts of the network without steps and private ways that one within reach of this spot can be in, each with
    /// its length.
    pub fn stepless_parts(&self, spot: Spot, reach: f64) -> BTreeMap<u32, f64> {
        self.parts(&self.stepless, spot, reach, |footing| footing.is_good(true))
    }

    /// The same for the whole network.
    pub fn all_parts(&self, spot: Spot, reach: f64) -> BTreeMap<u32, f64> {
        self.parts(&self.all, spot, reach, |_| true)
    }

    fn parts(
        &self,
        of: &Components,
        spot: Spot,
        reach: f64,
        fits: fn(Footing) -> bool,
    ) -> BTreeMap<u32, f64> {
        let near = self.near(spot, reach).into_iter().filter(|(_, stretch)| fits(stretch.footing));
        let parts = near.map(|(_, stretch)| of.of_node[stretch.from as usize]);
        parts.filter_map(|part| Some((part, *of.metres.get(&part)?))).collect()
    }
}

impl Components {
    fn of<'a>(nodes: usize, stretches: impl Iterator<Item = &'a Stretch>) -> Self {
        let mut of_node: Vec<u32> = (0..nodes as u32).collect();
        let mut lengths = Vec::new();
        for stretch in stretches {
            let (a, b) = (root(&mut of_node, stretch.from), root(&mut of_node, stretch.to));
            of_node[a as usize] = b;
            lengths.push((stretch.from, stretch.a.distance(stretch.b)));
        }
        let mut metres = BTreeMap::new();
        for (node, length) in lengths {
            *metres.entry(root(&mut of_node, node)).or_default() += length;
        }
        let of_node = (0..nodes as u32).map(|node| root(&mut of_node, node)).collect();
        Self { of_node, metres }
    }
}

/// Links the corners of a square where ways arrive, straight over it. The holes are not gone round: what comes out is
/// at most as long as the truth.
fn cross(square: &Square, nodes: &[Spot], next: &mut [Vec<Link>]) {
    let mut doors: Vec<u32> =
        square.nodes.iter().copied().filter(|node| next[*node as usize].len() > 2).collect();
    doors.sort_unstable();
    doors.dedup();
    for (index, one) in doors.iter().enumerate() {
        for other in &doors[index + 1..] {
            let (a, b) = (nodes[*one as usize], nodes[*other as usize]);
            if [0.1, 0.5, 0.9].iter().all(|share| a.along(b, *share).is_inside(&square.rings)) {
                let (metres, footing) = (a.distance(b), square.footing);
                next[*one as usize].push(Link { to: *other, metres, footing });
                next[*other as usize].push(Link { to: *one, metres, footing });
            }
        }
    }
}

fn root(parents: &mut [u32], mut node: u32) -> u32 {
    while parents[node as usize] != node {
        parents[node as usize] = parents[parents[node as usize] as usize];
        node = parents[node as usize];
    }
    node
}
