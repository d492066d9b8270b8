//! When places are open while a walk goes on.

use chrono::{NaiveDateTime, TimeDelta};
use opening_hours::{DateTimeRange, OpeningHours, RuleKind};

use crate::{assemble::Walk, candidates::Candidate};

/// Stretches of time in milliseconds from the start of a walk: apart from each other, sorted.
pub(crate) type OpenTimes = Vec<(u32, u32)>;

/// When a place is open in the `seconds` from `start` on, by what OSM says (`12:00-18:00; Mo off`). What is open
/// perhaps, or with a note that may be a condition (`"by appointment"`), is not. `None` where that cannot be understood: nobody is kept out for want of knowledge.
pub(crate) fn open_times(stated: &str, start: NaiveDateTime, seconds: u32) -> Option<OpenTimes> {
    let hours: OpeningHours = stated.parse().ok()?;
    let end = start.checked_add_signed(TimeDelta::seconds(seconds.into()))?;
    let ms = |time: NaiveDateTime| {
        let since = (time.clamp(start, end) - start).num_milliseconds();
        u32::try_from(since).unwrap_or(u32::MAX)
    };
    let mut open = OpenTimes::new();
    let is_open = |stretch: &DateTimeRange| stretch.kind == RuleKind::Open && stretch.comment.is_empty();
    for stretch in hours.iter_range(start, end).filter(is_open) {
        let (from, until) = (ms(stretch.range.start), ms(stretch.range.end));
        match open.last_mut() {
            Some(last) if last.1 >= from => last.1 = last.1.max(until),
            _ => open.push((from, until)),
        }
    }
    Some(open)
}

/// The position among the stops of the first that is reached or left while it is closed.
pub(crate) fn first_closed(walk: &Walk, candidates: &[Candidate]) -> Option<usize> {
    let mut now_ms = 0_u32;
    let mut stops = walk.stops.iter().map(|&stop| &candidates[stop]).enumerate();
    for (way, anchor) in walk.ways.iter().zip(walk.anchors.iter().skip(1)) {
        now_ms = now_ms.saturating_add(way.time_ms);
        if anchor.via {
            continue;
        }
        let Some((number, stop)) = stops.next() else { break };
        let leaves_ms = now_ms.saturating_add(stop.dwell_ms);
        if !stop.is_open(now_ms, leaves_ms) {
            return Some(number);
        }
        now_ms = leaves_ms;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR_MS: u32 = 3_600_000;

    fn open(stated: &str, start: &str, hours: u32) -> Option<Vec<(f64, f64)>> {
        let start = NaiveDateTime::parse_from_str(start, "%Y-%m-%dT%H:%M").unwrap();
        let hour = |ms: u32| f64::from(ms) / f64::from(HOUR_MS);
        let open = open_times(stated, start, hours * 3600)?;
        Some(open.into_iter().map(|(from, until)| (hour(from), hour(until))).collect())
    }

    #[test]
    fn hours_are_those_of_the_day() {
        // The 17th of May 2026 is a Sunday.
        let museum = "Tu-Fr 10:00-18:00; Sa,Su 11:00-17:00; Mo off";
        assert_eq!(open(museum, "2026-05-17T10:00", 8), Some(vec![(1.0, 7.0)]));
        assert_eq!(open(museum, "2026-05-18T10:00", 8), Some(vec![]));
        assert_eq!(open(museum, "2026-05-19T12:30", 2), Some(vec![(0.0, 2.0)]));
        assert_eq!(
            open("Mo-Su 12:00-14:00,18:00-02:00", "2026-05-17T11:00", 8),
            Some(vec![(1.0, 3.0), (7.0, 8.0)])
        );
        assert_eq!(open("18:00-02:00", "2026-05-17T01:00", 3), Some(vec![(0.0, 1.0)]));
        assert_eq!(open("May-Sep 09:00-21:00", "2026-04-30T20:00", 2), Some(vec![]));
        assert_eq!(open("24/7", "2026-05-17T23:00", 2), Some(vec![(0.0, 2.0)]));
    }

    #[test]
    fn perhaps_open_is_closed_and_nonsense_says_nothing() {
        assert_eq!(open("10:00-18:00 unknown", "2026-05-17T10:00", 8), Some(vec![]));
        let tours = "10:00-12:00 \"tours\", 12:00-14:00";
        assert_eq!(open(tours, "2026-05-17T10:00", 8), Some(vec![(2.0, 4.0)]));
        assert_eq!(open("\"by appointment\"", "2026-05-17T10:00", 8), Some(vec![]));
        assert_eq!(open("when the flag is up", "2026-05-17T10:00", 8), None);
        assert_eq!(open("", "2026-05-17T10:00", 8), None);
    }

    proptest! {
        /// Anybody may write anything into OSM, and no walk may fail by it.
        #[test]
        fn whatever_is_stated_is_read_or_left(
            parts in prop::collection::vec(prop::sample::select(vec![
                "Mo", "Tu-Fr", "Su", "PH", "SH", " off", " closed", "10:00", "-", "18:00", "26:00", "24:00-24:00",
                "24/7", ";", ",", " ", "||", "sunset", "(sunrise+01:00)", "Jan", "week 01-53/2", "2026", "2026-2024",
                "easter", "Mo[1]", "[-1]", "+", "\"note\"", "unknown", "Feb 29", "Dec 31-Jan 1", "/90", "99:99", ":",
            ]), 0..12),
            minutes in 0..60_000_i64,
        ) {
            let start = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap().and_hms_opt(0, 0, 0).unwrap();
            let open = open_times(&parts.concat(), start + TimeDelta::minutes(minutes), 8 * 3600);
            let edges: Vec<u32> = open.into_iter().flatten().flat_map(|(from, until)| [from, until]).collect();
            prop_assert!(edges.is_sorted_by(|a, b| a < b) && edges.iter().all(|&ms| ms <= 8 * HOUR_MS));
        }
    }
}
