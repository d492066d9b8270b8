use domain::Coordinate;
use std::{fmt, str::FromStr};

/// A part of a city.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Around {
    center: Coordinate,
    metres: f64,
}

impl Around {
    pub fn holds(&self, at: Coordinate) -> bool {
        self.center.distance_m(at) <= self.metres
    }
}

impl FromStr for Around {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<f64>, _> = text.split(',').map(|number| number.trim().parse()).collect();
        let around = match numbers.as_deref() {
            Ok(&[lon, lat, metres]) if metres > 0.0 && metres.is_finite() => {
                Coordinate::new(lon, lat).map(|center| Self { center, metres })
            }
            _ => None,
        };
        around.ok_or_else(|| "longitude, latitude and metres, such as 14.5125,35.8985,600, are wanted".into())
    }
}

impl fmt::Display for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.center.lon(), self.center.lat(), self.metres)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_city_is_a_disc() {
        let valletta: Around = "14.5125,35.8985,600".parse().unwrap();
        assert!(valletta.holds(Coordinate::new(14.5125, 35.9030).unwrap()));
        assert!(!valletta.holds(Coordinate::new(14.5125, 35.9050).unwrap()));
        for wrong in ["", "14.5,35.9", "14.5,35.9,0", "14.5,95.9,600", "14.5,35.9,a"] {
            assert!(wrong.parse::<Around>().is_err(), "{wrong}");
        }
    }
}
