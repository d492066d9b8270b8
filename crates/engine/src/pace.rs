//! How fast one walks.

/// Walking speed on the level in metres a second: 4.8 km/h is our choice. Bohannon (Age and Ageing 26, 1997) measured
/// mean comfortable speeds from 1.27 m/s (women in their seventies) to 1.46 m/s (men in their forties).
pub const WALKING_M_PER_S: f64 = 1.33;

/// Speed along a flight of steps in metres a second, on the map: our choice, a bit less than half of that on the level.
pub const STEPS_M_PER_S: f64 = 0.6;

/// Milliseconds for a length in millimetres that rises by so many percent, rounded up.
pub(crate) fn walking_ms(length_mm: u32, steps: bool, incline_percent: i8) -> u32 {
    let speed = if steps { STEPS_M_PER_S } else { WALKING_M_PER_S * slope_factor(incline_percent) };
    (f64::from(length_mm) / speed).ceil() as u32
}

/// How fast one walks on a slope, as a share of the speed on the level: Tobler's hiking function (Three presentations on
/// geographical analysis and modeling, NCGIA 1993), 6 km/h * exp(-3.5 |slope + 0.05|). It has walkers fastest where it goes
/// down gently; we do not count on that.
pub fn slope_factor(incline_percent: i8) -> f64 {
    let slope = f64::from(incline_percent) / 100.0;
    (-3.5 * ((slope + 0.05).abs() - 0.05)).exp().min(1.0)
}

/// The part of a whole that belongs to a part of a length, rounded up.
pub(crate) fn share_of(whole: u32, part_mm: u32, length_mm: u32) -> u32 {
    if length_mm == 0 {
        return 0;
    }
    let share = (u64::from(whole) * u64::from(part_mm)).div_ceil(u64::from(length_mm));
    u32::try_from(share).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_take_longer_than_the_level() {
        assert_eq!(walking_ms(133_000, false, 0), 100_000);
        assert!(walking_ms(133_000, true, 0) > 200_000);
    }

    #[test]
    fn climbing_takes_longer_than_descending() {
        assert!(walking_ms(133_000, false, 10) > 140_000);
        assert_eq!(walking_ms(133_000, false, -10), 100_000);
        assert!(walking_ms(133_000, false, -30) > 150_000);
    }

    #[test]
    fn a_part_is_never_less_than_its_share() {
        assert_eq!(share_of(10, 1, 3), 4);
        assert_eq!(share_of(10, 3, 3), 10);
        assert_eq!(share_of(10, 3, 0), 0);
    }
}
