use domain::Coordinate;

/// Metres in a degree of latitude on the sphere that `domain` measures on.
const METRES_A_DEGREE: f64 = 111_195.08;

/// A flat map of a city: near enough to the truth for distances within it, and simple.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plane {
    origin: Coordinate,
    metres_east: f64,
}

/// A place on the flat map, in metres east and north of its origin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Spot {
    pub x: f64,
    pub y: f64,
}

impl Plane {
    pub fn around(origin: Coordinate) -> Self {
        Self { origin, metres_east: METRES_A_DEGREE * origin.lat().to_radians().cos() }
    }

    pub fn spot(&self, at: Coordinate) -> Spot {
        Spot {
            x: (at.lon() - self.origin.lon()) * self.metres_east,
            y: (at.lat() - self.origin.lat()) * METRES_A_DEGREE,
        }
    }

    /// Longitude and latitude of a spot.
    pub fn degrees(&self, spot: Spot) -> [f64; 2] {
        [self.origin.lon() + spot.x / self.metres_east, self.origin.lat() + spot.y / METRES_A_DEGREE]
    }
}

impl Spot {
    pub fn minus(self, other: Self) -> Self {
        Self { x: self.x - other.x, y: self.y - other.y }
    }

    pub fn along(self, other: Self, share: f64) -> Self {
        Self { x: self.x + (other.x - self.x) * share, y: self.y + (other.y - self.y) * share }
    }

    pub fn length(self) -> f64 {
        self.x.hypot(self.y)
    }

    pub fn distance(self, other: Self) -> f64 {
        self.minus(other).length()
    }

    pub fn cross(self, other: Self) -> f64 {
        self.x * other.y - self.y * other.x
    }

    pub fn dot(self, other: Self) -> f64 {
        self.x * other.x + self.y * other.y
    }

    /// How far along the straight line from `a` to `b` the nearest point is, 0-1.
    pub fn share_along(self, a: Self, b: Self) -> f64 {
        let line = b.minus(a);
        let square = line.dot(line);
        if square <= 0.0 { 0.0 } else { (self.minus(a).dot(line) / square).clamp(0.0, 1.0) }
    }

    pub fn distance_to_line(self, a: Self, b: Self) -> f64 {
        self.distance(a.along(b, self.share_along(a, b)))
    }

    /// The number of the square cell of this size that the spot is in.
    pub fn cell(self, size: f64) -> (i64, i64) {
        ((self.x / size).floor() as i64, (self.y / size).floor() as i64)
    }

    /// Inside closed rings by the even-odd rule, so that a ring in a ring is a hole.
    pub fn is_inside(self, rings: &[Vec<Self>]) -> bool {
        let edges = rings.iter().flat_map(|ring| ring.windows(2));
        let right = edges.filter(|edge| {
            let (a, b) = (edge[0], edge[1]);
            (a.y > self.y) != (b.y > self.y) && self.x < a.x + (self.y - a.y) / (b.y - a.y) * (b.x - a.x)
        });
        right.count() % 2 == 1
    }
}

/// All cells of a grid that come within `reach` of the straight line from `a` to `b`.
pub(super) fn cells_near(a: Spot, b: Spot, reach: f64, size: f64) -> impl Iterator<Item = (i64, i64)> {
    let low = Spot { x: a.x.min(b.x) - reach, y: a.y.min(b.y) - reach }.cell(size);
    let high = Spot { x: a.x.max(b.x) + reach, y: a.y.max(b.y) + reach }.cell(size);
    (low.0..=high.0).flat_map(move |x| (low.1..=high.1).map(move |y| (x, y)))
}

/// Whether the insides of two straight lines cross.
pub(super) fn lines_cross(a: Spot, b: Spot, c: Spot, d: Spot) -> bool {
    let side = |p: Spot, q: Spot, r: Spot| q.minus(p).cross(r.minus(p));
    side(a, b, c) * side(a, b, d) < 0.0 && side(c, d, a) * side(c, d, b) < 0.0
}
