use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
};

use super::{
    extract::Extract,
    footing::Footing,
    plane::{Spot, cells_near},
};

/// How far from a way's line one is still on it, in metres.
pub(super) const ON_IT_M: f64 = 2.0;
const CELL_M: f64 = 40.0;
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
    squares: Vec<(Footing, Vec<Vec<Spot>>)>,
    next: Vec<Vec<(u32, f64)>>,
    all: Components,
    stepless: Components,
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
            let metres = stretch.a.distance(stretch.b);
            next[stretch.from as usize].push((stretch.to, metres));
            next[stretch.to as usize].push((stretch.from, metres));
        }
        let all = Components::of(extract.nodes.len(), stretches.iter());
        let open = |stretch: &&Stretch| !stretch.footing.steps && !stretch.footing.private;
        let stepless = Components::of(extract.nodes.len(), stretches.iter().filter(open));
        Self { stretches, cells, squares: extract.squares.clone(), next, all, stepless }
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
        let along = |stretch: &Stretch| {
            let line = stretch.b.minus(stretch.a);
            line.cross(going).abs() <= SAME_WAY * line.length() * going.length()
        };
        let parallel: Vec<_> = near.iter().filter(|(_, stretch)| along(stretch)).collect();
        let nearest = parallel.iter().map(|(distance, _)| *distance).fold(f64::INFINITY, f64::min);
        if nearest.is_finite() {
            let best = parallel.iter().filter(|(distance, _)| *distance <= nearest + 0.3);
            return best.map(|(_, stretch)| stretch.footing).collect();
        }
        let inside = self.squares.iter().filter(|(_, rings)| spot.is_inside(rings));
        let squares: Vec<Footing> = inside.map(|(footing, _)| *footing).collect();
        if squares.is_empty() { near.iter().map(|(_, stretch)| stretch.footing).collect() } else { squares }
    }

    /// On a walkable way, or on a square.
    pub fn holds(&self, spot: Spot) -> bool {
        !self.near(spot, ON_IT_M).is_empty() || self.squares.iter().any(|(_, rings)| spot.is_inside(rings))
    }

    /// How far the nearest walkable way is, if it is within reach.
    pub fn nearest(&self, spot: Spot, reach: f64) -> Option<f64> {
        self.near(spot, reach).into_iter().map(|(distance, _)| distance).min_by(f64::total_cmp)
    }

    /// The parts of the network without steps and private ways that one within reach of this spot can be in, each with
    /// its length.
    pub fn stepless_parts(&self, spot: Spot, reach: f64) -> BTreeMap<u32, f64> {
        self.parts(&self.stepless, spot, reach, |footing| !footing.steps && !footing.private)
    }

    /// The same for the whole network.
    pub fn all_parts(&self, spot: Spot, reach: f64) -> BTreeMap<u32, f64> {
        self.parts(&self.all, spot, reach, |_| true)
    }

    fn parts(&self, of: &Components, spot: Spot, reach: f64, fits: fn(Footing) -> bool) -> BTreeMap<u32, f64> {
        let near = self.near(spot, reach).into_iter().filter(|(_, stretch)| fits(stretch.footing));
        let parts = near.map(|(_, stretch)| of.of_node[stretch.from as usize]);
        parts.filter_map(|part| Some((part, *of.metres.get(&part)?))).collect()
    }

    /// Length of the shortest way along the streets between two spots, each taken to the ends of the streets near it.
    pub fn shortest_m(&self, from: Spot, to: Spot, reach: f64) -> Option<f64> {
        let ends = |spot| {
            let near = self.near(spot, reach).into_iter();
            near.flat_map(move |(_, s)| [(s.from, s.a.distance(spot)), (s.to, s.b.distance(spot))])
        };
        let direct = self.near(from, reach).iter().any(|(_, s)| to.distance_to_line(s.a, s.b) <= reach);
        let mut goals: HashMap<u32, f64> = HashMap::new();
        for (node, metres) in ends(to) {
            let known = goals.entry(node).or_insert(metres);
            *known = known.min(metres);
        }
        let mut best = if direct { from.distance(to) } else { f64::INFINITY };
        let mut reached: HashMap<u32, f64> = HashMap::new();
        // Whole millimetres have an order; floating-point numbers have none.
        let millimetres = |metres: f64| (metres * 1000.0) as u64;
        let mut queue: BinaryHeap<_> = ends(from).map(|(node, m)| Reverse((millimetres(m), node))).collect();
        while let Some(Reverse((far, node))) = queue.pop() {
            let far = far as f64 / 1000.0;
            if far >= best {
                break;
            }
            if reached.get(&node).is_some_and(|known| *known <= far) {
                continue;
            }
            reached.insert(node, far);
            if let Some(rest) = goals.get(&node) {
                best = best.min(far + rest);
            }
            queue.extend(self.next[node as usize].iter().map(|(n, m)| Reverse((millimetres(far + m), *n))));
        }
        best.is_finite().then_some(best)
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

fn root(parents: &mut [u32], mut node: u32) -> u32 {
    while parents[node as usize] != node {
        parents[node as usize] = parents[parents[node as usize] as usize];
        node = parents[node as usize];
    }
    node
}
