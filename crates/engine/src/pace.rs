//! How fast one walks.

/// Walking speed on the level in metres a second: 4.8 km/h is our choice. Bohannon (Age and Ageing 26, 1997) measured
/// mean comfortable speeds from 1.27 m/s (women in their seventies) to 1.46 m/s (men in their forties).
pub const WALKING_M_PER_S: f64 = 1.33;

/// Speed along a flight of steps in metres a second, on the map: our choice, a bit less than half of that on the level.
pub const STEPS_M_PER_S: f64 = 0.6;

/// Milliseconds for a length in millimetres, rounded up.
pub(crate) fn walking_ms(length_mm: u32, steps: bool) -> u32 {
    let speed = if steps { STEPS_M_PER_S } else { WALKING_M_PER_S };
    (f64::from(length_mm) / speed).ceil() as u32
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
        assert_eq!(walking_ms(133_000, false), 100_000);
        assert!(walking_ms(133_000, true) > 200_000);
    }

    #[test]
    fn a_part_is_never_less_than_its_share() {
        assert_eq!(share_of(10, 1, 3), 4);
        assert_eq!(share_of(10, 3, 3), 10);
        assert_eq!(share_of(10, 3, 0), 0);
    }
}
