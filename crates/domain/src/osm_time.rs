use chrono::{DateTime, TimeDelta, Utc};

/// When OpenStreetMap began (2004-08-09), in seconds since 1970: no data is older.
const OSM_BEGAN_S: i64 = 1_092_009_600;
/// How far the clock of whoever wrote the data may be ahead of ours.
const CLOCK_SKEW: TimeDelta = TimeDelta::days(1);

/// How new OpenStreetMap data is, as its writer says; `None` for a time at which there was no such data. What claimed to be
/// of the year 2343 would count as newer than everything that comes after it.
pub fn osm_timestamp(stated: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let is_possible = stated.timestamp() >= OSM_BEGAN_S && stated - now <= CLOCK_SKEW;
    is_possible.then_some(stated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_neither_older_than_openstreetmap_nor_of_the_future() {
        let now: DateTime<Utc> = "2026-11-29T12:00:00Z".parse().unwrap();
        let read = |text: &str| osm_timestamp(text.parse().unwrap(), now).is_some();
        for possible in ["2004-08-09T00:00:00Z", "2019-01-01T00:00:00Z", "2026-11-30T11:59:59Z"] {
            assert!(read(possible), "{possible}");
        }
        for impossible in
            ["1970-01-01T00:00:00Z", "2004-08-08T23:59:59Z", "2026-11-30T12:00:01Z", "2343-01-01T00:00:00Z"]
        {
            assert!(!read(impossible), "{impossible}");
        }
        for limit in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert_eq!(osm_timestamp(limit, now), None);
        }
    }
}
