/// How TSPLIB measures (Reinelt 1995): always whole numbers, each kind with its own rounding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Distance {
    Euclidean,
    EuclideanUp,
    Manhattan,
    Maximum,
    PseudoEuclidean,
    Geographical,
}

impl Distance {
    /// By the name of an `EDGE_WEIGHT_TYPE`.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "EUC_2D" => Self::Euclidean,
            "CEIL_2D" => Self::EuclideanUp,
            "MAN_2D" => Self::Manhattan,
            "MAX_2D" => Self::Maximum,
            "ATT" => Self::PseudoEuclidean,
            "GEO" => Self::Geographical,
            _ => return None,
        })
    }

    pub fn between(self, a: (f64, f64), b: (f64, f64)) -> f64 {
        let (x, y) = ((a.0 - b.0).abs(), (a.1 - b.1).abs());
        match self {
            Self::Euclidean => nearest(x.hypot(y)),
            Self::EuclideanUp => x.hypot(y).ceil(),
            Self::Manhattan => nearest(x + y),
            Self::Maximum => nearest(x).max(nearest(y)),
            Self::PseudoEuclidean => {
                let exact = ((x * x + y * y) / 10.0).sqrt();
                let rounded = nearest(exact);
                if rounded < exact { rounded + 1.0 } else { rounded }
            }
            Self::Geographical => geographical(a, b),
        }
    }
}

fn nearest(value: f64) -> f64 {
    (value + 0.5).floor()
}

/// Degrees and minutes as DDD.MM; radius of the earth and number pi are TSPLIB's.
fn geographical(a: (f64, f64), b: (f64, f64)) -> f64 {
    #[expect(clippy::approx_constant, reason = "the distances of TSPLIB are defined with so many digits")]
    const PI: f64 = 3.141592;
    const RADIUS_KM: f64 = 6378.388;
    let radians = |value: f64| PI * (value.trunc() + 5.0 * value.fract() / 3.0) / 180.0;
    let (north_a, east_a, north_b, east_b) = (radians(a.0), radians(a.1), radians(b.0), radians(b.1));
    let q1 = (east_a - east_b).cos();
    let (q2, q3) = ((north_a - north_b).cos(), (north_a + north_b).cos());
    (RADIUS_KM * (0.5 * ((1.0 + q1) * q2 - (1.0 - q1) * q3)).acos() + 1.0).trunc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_rounded_as_tsplib_says() {
        assert_eq!(Distance::Euclidean.between((0.0, 0.0), (1.0, 1.0)), 1.0);
        assert_eq!(Distance::EuclideanUp.between((0.0, 0.0), (1.0, 1.0)), 2.0);
        assert_eq!(Distance::PseudoEuclidean.between((0.0, 0.0), (10.0, 0.0)), 4.0);
        assert_eq!(Distance::Manhattan.between((0.0, 0.0), (1.2, 1.2)), 2.0);
        assert_eq!(Distance::Maximum.between((0.0, 0.0), (1.2, 3.0)), 3.0);
        // A degree of latitude: 6378.388 km * pi / 180 = 111.32 km, plus one, cut off.
        assert_eq!(Distance::Geographical.between((10.0, 5.0), (11.0, 5.0)), 112.0);
        assert_eq!(Distance::Geographical.between((10.0, 5.0), (10.30, 5.0)), 56.0);
    }
}
