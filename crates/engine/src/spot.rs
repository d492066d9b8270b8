use bytemuck::{Pod, Zeroable};
use domain::Coordinate;

/// A point on Earth in whole 1e-7 degrees: OSM's own resolution, about a centimetre.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Spot {
    pub lon: i32,
    pub lat: i32,
}

const PER_DEGREE: f64 = 1e7;
const LARGEST_LON: i32 = 1_800_000_000;
const LARGEST_LAT: i32 = 900_000_000;

impl Spot {
    /// `None` for what is not on Earth.
    pub fn new(lon: i64, lat: i64) -> Option<Self> {
        let (lon, lat) = (i32::try_from(lon).ok()?, i32::try_from(lat).ok()?);
        let legal =
            (-LARGEST_LON..=LARGEST_LON).contains(&lon) && (-LARGEST_LAT..=LARGEST_LAT).contains(&lat);
        legal.then_some(Self { lon, lat })
    }

    pub fn of(at: Coordinate) -> Self {
        Self { lon: (at.lon() * PER_DEGREE).round() as i32, lat: (at.lat() * PER_DEGREE).round() as i32 }
    }

    pub fn coordinate(self) -> Coordinate {
        Coordinate::new(f64::from(self.lon) / PER_DEGREE, f64::from(self.lat) / PER_DEGREE)
            .expect("a spot is made from a legal coordinate or checked")
    }

    /// Great-circle millimetres.
    pub fn distance_mm(self, other: Self) -> u32 {
        (self.coordinate().distance_m(other.coordinate()) * 1000.0).round().min(f64::from(u32::MAX / 4))
            as u32
    }

    /// The point at a share of the straight way to `other`.
    pub fn towards(self, other: Self, share: f64) -> Self {
        let between = |a: i32, b: i32| (f64::from(a) + (f64::from(b) - f64::from(a)) * share).round() as i32;
        Self { lon: between(self.lon, other.lon), lat: between(self.lat, other.lat) }
    }

    /// Interleaved bits of both axes: sorting by it puts neighbours near each other in memory.
    pub fn morton(self) -> u64 {
        let spread = |value: i32| {
            let mut bits = u64::from((i64::from(value) + (1 << 31)) as u32);
            for (shift, mask) in [
                (16, 0x0000_ffff_0000_ffff),
                (8, 0x00ff_00ff_00ff_00ff),
                (4, 0x0f0f_0f0f_0f0f_0f0f),
                (2, 0x3333_3333_3333_3333),
                (1, 0x5555_5555_5555_5555),
            ] {
                bits = (bits | (bits << shift)) & mask;
            }
            bits
        };
        spread(self.lon) | (spread(self.lat) << 1)
    }
}

/// A plane that touches the Earth at a point; good to a millimetre over some hundred metres.
#[derive(Clone, Copy)]
pub(crate) struct Plane {
    origin: Spot,
    x_m: f64,
    y_m: f64,
}

impl Plane {
    pub fn at(origin: Spot) -> Self {
        let y_m = 6_371_008.8_f64.to_radians() / PER_DEGREE;
        Self { origin, x_m: y_m * (f64::from(origin.lat) / PER_DEGREE).to_radians().cos(), y_m }
    }

    /// Metres east and north of the origin.
    pub fn metres(&self, spot: Spot) -> (f64, f64) {
        let (lon, lat) = (f64::from(spot.lon), f64::from(spot.lat));
        ((lon - f64::from(self.origin.lon)) * self.x_m, (lat - f64::from(self.origin.lat)) * self.y_m)
    }

    /// Distance in metres from the origin to the straight line between two spots, and the share of the line at
    /// which the nearest point lies.
    pub fn nearest(&self, a: Spot, b: Spot) -> (f64, f64) {
        let ((ax, ay), (bx, by)) = (self.metres(a), self.metres(b));
        let (dx, dy) = (bx - ax, by - ay);
        let squared = dx * dx + dy * dy;
        let share = if squared > 0.0 { (-(ax * dx + ay * dy) / squared).clamp(0.0, 1.0) } else { 0.0 };
        ((ax + share * dx).hypot(ay + share * dy), share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spot_keeps_a_coordinate_to_a_centimetre() {
        let at = Coordinate::new(24.941_412_34, -60.169_912_36).unwrap();
        assert!(Spot::of(at).coordinate().distance_m(at) < 0.01);
        assert_eq!(Spot::new(1_800_000_001, 0), None);
    }

    #[test]
    fn the_nearest_point_of_a_line_is_found() {
        let spot = |lon, lat| Spot { lon, lat };
        let (off, share) = Plane::at(spot(0, 0)).nearest(spot(-10_000, 10_000), spot(10_000, 10_000));
        assert!((off - 111.2).abs() < 0.1 && (share - 0.5).abs() < 1e-9, "{off} {share}");
    }

    #[test]
    fn neighbours_have_near_morton_codes() {
        let spot = |lon, lat| Spot { lon, lat }.morton();
        assert!(spot(5, 5) ^ spot(5, 4) < spot(5, 5) ^ spot(-5, 900));
    }
}
