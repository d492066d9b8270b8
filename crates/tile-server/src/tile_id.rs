use std::f64::consts::PI;

/// Half the width of the web mercator world, in its metres.
pub(crate) const WORLD: f64 = 20_037_508.342_789_244;

/// The deepest zoom that an address may have.
const DEEPEST: u8 = 30;

/// Which tile: a square of web mercator, counted from the north-west.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TileId {
    pub z: u8,
    pub x: u32,
    pub y: u32,
}

/// A box in web mercator metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Envelope {
    pub xmin: f64,
    pub ymin: f64,
    pub xmax: f64,
    pub ymax: f64,
}

impl TileId {
    /// A tile that exists.
    pub fn new(z: u8, x: u32, y: u32) -> Option<Self> {
        (z <= DEEPEST && x < 1 << z && y < 1 << z).then_some(Self { z, x, y })
    }

    /// The tile that an address names. Not as Rust reads numbers: one tile has one address.
    pub fn parse(z: &str, x: &str, y: &str) -> Option<Self> {
        let number = |text: &str| {
            let plain =
                text.bytes().all(|digit| digit.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
            plain.then(|| text.parse::<u32>().ok()).flatten()
        };
        Self::new(u8::try_from(number(z)?).ok()?, number(x)?, number(y)?)
    }

    /// The square itself.
    pub fn envelope(self) -> Envelope {
        let side = 2.0 * WORLD / f64::from(1_u32 << self.z);
        let west = -WORLD + f64::from(self.x) * side;
        let north = WORLD - f64::from(self.y) * side;
        Envelope { xmin: west, ymin: north - side, xmax: west + side, ymax: north }
    }

    /// The one in the middle of a box.
    pub fn in_the_middle(z: u8, box_: &Envelope) -> Self {
        let (columns, rows) = Self::range(z, box_);
        Self {
            z,
            x: u32::midpoint(*columns.start(), *columns.end()),
            y: u32::midpoint(*rows.start(), *rows.end()),
        }
    }

    /// The columns and rows of the tiles of one zoom that a box touches.
    pub fn range(z: u8, box_: &Envelope) -> (std::ops::RangeInclusive<u32>, std::ops::RangeInclusive<u32>) {
        let count = f64::from(1_u32 << z);
        let side = 2.0 * WORLD / count;
        // Bounded to the world, so it fits.
        let step = |metres: f64| (metres / side).floor().clamp(0.0, count - 1.0) as u32;
        (step(box_.xmin + WORLD)..=step(box_.xmax + WORLD), step(WORLD - box_.ymax)..=step(WORLD - box_.ymin))
    }
}

impl Envelope {
    /// From degrees: west, south, east, north.
    pub fn of_degrees([west, south, east, north]: [f64; 4]) -> Self {
        let ((xmin, ymin), (xmax, ymax)) = (project(west, south), project(east, north));
        Self { xmin, ymin, xmax, ymax }
    }

    /// In degrees: west, south, east, north.
    pub fn degrees(&self) -> [f64; 4] {
        let lat = |y: f64| (2.0 * (y / WORLD * PI).exp().atan() - PI / 2.0).to_degrees();
        let lon = |x: f64| x / WORLD * 180.0;
        [lon(self.xmin), lat(self.ymin), lon(self.xmax), lat(self.ymax)]
    }

    /// Made wider by so much on each side.
    pub fn widened(&self, metres: f64) -> Self {
        Self {
            xmin: self.xmin - metres,
            ymin: self.ymin - metres,
            xmax: self.xmax + metres,
            ymax: self.ymax + metres,
        }
    }

    /// What two boxes that touch have in common.
    pub fn common(&self, other: &Self) -> Self {
        Self {
            xmin: self.xmin.max(other.xmin),
            ymin: self.ymin.max(other.ymin),
            xmax: self.xmax.min(other.xmax),
            ymax: self.ymax.min(other.ymax),
        }
    }

    /// Whether two boxes touch.
    pub fn touches(&self, other: &Self) -> bool {
        self.xmin <= other.xmax
            && other.xmin <= self.xmax
            && self.ymin <= other.ymax
            && other.ymin <= self.ymax
    }
}

/// Degrees to web mercator metres.
pub(crate) fn project(lon: f64, lat: f64) -> (f64, f64) {
    let lat = lat.clamp(-85.051_128_779_806_59, 85.051_128_779_806_59);
    (lon / 180.0 * WORLD, (PI / 4.0 + lat.to_radians() / 2.0).tan().ln() / PI * WORLD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_that_does_not_exist_cannot_be_named() {
        assert!(TileId::new(0, 0, 0).is_some() && TileId::new(16, 65_535, 65_535).is_some());
        assert!(TileId::new(0, 1, 0).is_none() && TileId::new(16, 0, 65_536).is_none());
        assert!(TileId::new(31, 0, 0).is_none() && TileId::new(255, 0, 0).is_none());
    }

    #[test]
    fn the_world_is_divided_from_the_north_west() {
        let tile = TileId::new(1, 1, 0).unwrap().envelope();
        assert_eq!((tile.xmin, tile.ymin, tile.xmax, tile.ymax), (0.0, 0.0, WORLD, WORLD));
        let [west, south, east, north] = tile.degrees();
        assert!((west, south, east) == (0.0, 0.0, 180.0) && (north - 85.051_128_78).abs() < 1e-8, "{north}");
    }

    #[test]
    fn a_box_names_its_tiles() {
        let helsinki = Envelope::of_degrees([24.9352, 60.1642, 24.9534, 60.1791]);
        let (columns, rows) = TileId::range(14, &helsinki);
        assert_eq!((columns, rows), (9326..=9327, 4741..=4742));
    }
}
