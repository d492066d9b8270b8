use super::travel::Travel;

/// When each stop may be visited: the middle of the stay lies in one of the ranges (doubled times from the start of
/// the tour, both ends included). A stop without a list is always open.
pub(crate) struct Windows(Vec<Option<Vec<(i64, i64)>>>);

impl Windows {
    /// From opening hours in the times of the start: the whole stay lies within one of them.
    pub fn new(hours: &[Option<Vec<(u32, u32)>>], dwell: &[u32]) -> Option<Self> {
        hours.iter().any(Option::is_some).then(|| {
            let middles = |hours: &Vec<(u32, u32)>, dwell: u32| {
                let ranges = hours.iter().map(|&(opens, closes)| {
                    (2 * i64::from(opens) + i64::from(dwell), 2 * i64::from(closes) - i64::from(dwell))
                });
                ranges.filter(|(first, last)| first <= last).collect()
            };
            let hours = hours.iter().zip(dwell);
            Self(hours.map(|(hours, &dwell)| hours.as_ref().map(|hours| middles(hours, dwell))).collect())
        })
    }

    pub fn is_open(&self, stop: u16, middle: i64) -> bool {
        // Start and end are not stops: they have no hours.
        let ranges = self.0.get(usize::from(stop)).and_then(Option::as_ref);
        ranges.is_none_or(|ranges| ranges.iter().any(|&(first, last)| (first..=last).contains(&middle)))
    }

    /// The first stop of a path that is reached or left while it is closed.
    pub fn first_closed(&self, travel: &Travel, path: impl IntoIterator<Item = u16>) -> Option<u16> {
        let (mut now, mut here) = (0, travel.start());
        path.into_iter().find(|&next| {
            if next != here {
                now += i64::from(travel.time.between(here, next));
            }
            here = next;
            !self.is_open(next, now)
        })
    }
}
