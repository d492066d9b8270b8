use chrono::{Datelike, NaiveDateTime, Timelike};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Accessibility, Coordinate, FieldError, Fields, Point, Read, ThemeId};

/// A walker's wish: where from, how long, what for. A value of this type is a legal one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value")]
pub struct RouteRequest {
    start_location: Point,
    duration_minutes: u16,
    interest_theme_ids: Vec<ThemeId>,
    popularity_bias: f64,
    accessibility: Accessibility,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_location: Option<Point>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<NaiveDateTime>,
}

impl RouteRequest {
    /// Bias of a request that states none: neither gems nor hotspots.
    pub const DEFAULT_POPULARITY_BIAS: f64 = 0.5;
    /// Shortest and longest walk.
    pub const DURATION_MINUTES: std::ops::RangeInclusive<u16> = 5..=480;
    /// Most themes of one request.
    pub const MOST_THEMES: usize = 20;

    /// Years in which a walk may start: what opening hours say of others nobody knows.
    pub const START_YEARS: std::ops::RangeInclusive<i32> = 2000..=2099;

    const FIELDS: [&'static str; 8] = [
        "start_location",
        "duration_minutes",
        "interest_theme_ids",
        "popularity_bias",
        "accessibility",
        "end_location",
        "seed",
        "start_time",
    ];

    /// Reads the public JSON form; everything wrong with it is told at once.
    pub fn parse(value: &Value) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::of(value, "", &Self::FIELDS);
        let start = fields.required("start_location", Point::parse);
        let duration = fields.required("duration_minutes", duration);
        let themes = fields.required("interest_theme_ids", themes);
        let bias = fields.optional("popularity_bias", share).unwrap_or(Self::DEFAULT_POPULARITY_BIAS);
        let accessibility = fields.optional("accessibility", accessibility).unwrap_or_default();
        let end_location = fields.optional("end_location", Point::parse);
        let seed = fields.optional("seed", seed);
        let start_time = fields.optional("start_time", local_time);
        fields.finish(|| {
            Some(Self {
                start_location: start?,
                duration_minutes: duration?,
                interest_theme_ids: themes?,
                popularity_bias: bias,
                accessibility,
                end_location,
                seed,
                start_time,
            })
        })
    }

    /// Where the walk starts.
    pub fn start(&self) -> Coordinate {
        self.start_location.coordinates
    }

    /// Where the walk ends: where it started, unless the walker said otherwise.
    pub fn end(&self) -> Coordinate {
        self.end_location.map_or(self.start(), |point| point.coordinates)
    }

    /// The walk comes back to its start.
    pub fn is_loop(&self) -> bool {
        self.end_location.is_none()
    }

    /// Time for walking and dwelling together, in minutes.
    pub fn duration_minutes(&self) -> u16 {
        self.duration_minutes
    }

    /// The same in seconds.
    pub fn budget_s(&self) -> u32 {
        u32::from(self.duration_minutes) * 60
    }

    /// What for: at least one theme, none twice, sorted.
    pub fn themes(&self) -> &[ThemeId] {
        &self.interest_theme_ids
    }

    /// 0 hidden gems, 1 hotspots.
    pub fn popularity_bias(&self) -> f64 {
        self.popularity_bias
    }

    /// What the walker needs of the streets.
    pub fn accessibility(&self) -> Accessibility {
        self.accessibility
    }

    /// Another seed, another good walk for the same wish.
    pub fn seed(&self) -> u32 {
        self.seed.unwrap_or(0)
    }

    /// When the walk starts, by the clocks at its start. With it, places are visited while they are open; without
    /// it, opening hours play no part.
    pub fn start_time(&self) -> Option<NaiveDateTime> {
        self.start_time
    }

    /// Work that its search is expected to take; 1 is a walk of an hour for up to three themes. Fitted to what
    /// `cargo xtask bench queue` measures: it grows with the time there is to fill, less than in proportion, and with the
    /// places there are to choose from.
    pub fn cost(&self) -> f32 {
        let hours = f32::from(self.duration_minutes) / 60.0;
        let further_themes = self.interest_theme_ids.len().saturating_sub(3) as f32;
        0.5 + 0.5 * hours.powf(0.75) + 0.05 * further_themes
    }

    /// A text that is equal for requests that deserve the same route: coordinates rounded to 1e-5 degrees (about a
    /// metre), defaults spelled out, themes sorted.
    pub fn canonical(&self) -> String {
        let round = |at: Coordinate| {
            let round = |degrees: f64| (degrees * 1e5).round() as i64;
            format!("{},{}", round(at.lon()), round(at.lat()))
        };
        let themes: Vec<String> = self.interest_theme_ids.iter().map(ToString::to_string).collect();
        format!(
            "start={};end={};minutes={};themes={};bias={};stairs={};lit={};seed={}",
            round(self.start()),
            self.end_location.map_or_else(|| "loop".into(), |end| round(end.coordinates)),
            self.duration_minutes,
            themes.join(","),
            self.popularity_bias,
            self.accessibility.avoid_stairs,
            self.accessibility.prefer_well_lit,
            self.seed()
        ) + &self.start_time.map_or_else(String::new, |time| format!(";at={time:?}"))
    }
}

impl TryFrom<Value> for RouteRequest {
    type Error = String;
    fn try_from(value: Value) -> Result<Self, String> {
        Self::parse(&value).map_err(|errors| {
            let errors: Vec<String> = errors.iter().map(|e| format!("{} {}", e.pointer, e.detail)).collect();
            errors.join("; ")
        })
    }
}

fn duration(value: &Value, pointer: &str) -> Read<u16> {
    let range = RouteRequest::DURATION_MINUTES;
    let minutes = whole_number(value).and_then(|minutes| u16::try_from(minutes).ok());
    minutes.filter(|minutes| range.contains(minutes)).ok_or_else(|| {
        let detail = format!("must be a whole number of minutes from {} to {}", range.start(), range.end());
        vec![FieldError::new(pointer, detail)]
    })
}

/// An integer as JSON Schema understands it: `45.0` and `4.5e1` are one, as they are to every JavaScript.
fn whole_number(value: &Value) -> Option<u64> {
    let exact = |number: f64| (0.0..=MAX_EXACT).contains(&number) && number.fract() == 0.0;
    value.as_u64().or_else(|| value.as_f64().filter(|number| exact(*number)).map(|number| number as u64))
}

/// The greatest integer up to which a double holds all of them: 2^53.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads a list of theme ids: each a UUID, none twice. Whether they exist is for the caller to ask.
pub(crate) fn theme_ids(
    value: &Value,
    pointer: &str,
    count: std::ops::RangeInclusive<usize>,
) -> Read<Vec<ThemeId>> {
    let list = value.as_array().filter(|list| count.contains(&list.len())).ok_or_else(|| {
        let detail = format!("must be a list of {} to {} theme ids", count.start(), count.end());
        vec![FieldError::new(pointer, detail)]
    })?;
    let (mut themes, mut errors) = (Vec::with_capacity(list.len()), Vec::new());
    for (index, value) in list.iter().enumerate() {
        let mut wrong = |detail: &str| errors.push(FieldError::new(format!("{pointer}/{index}"), detail));
        match value.as_str().and_then(|text| text.parse::<ThemeId>().ok()) {
            None => wrong("must be a UUID"),
            Some(theme) if themes.contains(&theme) => wrong("is in the list twice"),
            Some(theme) => themes.push(theme),
        }
    }
    themes.sort_unstable();
    if errors.is_empty() { Ok(themes) } else { Err(errors) }
}

fn themes(value: &Value, pointer: &str) -> Read<Vec<ThemeId>> {
    theme_ids(value, pointer, 1..=RouteRequest::MOST_THEMES)
}

fn share(value: &Value, pointer: &str) -> Read<f64> {
    value
        .as_f64()
        .filter(|share| (0.0..=1.0).contains(share))
        .map(|share| share + 0.0)
        .ok_or_else(|| vec![FieldError::new(pointer, "must be a number from 0 to 1")])
}

fn accessibility(value: &Value, pointer: &str) -> Read<Accessibility> {
    let mut fields = Fields::of(value, pointer, &["avoid_stairs", "prefer_well_lit"]);
    let flag = |value: &Value, pointer: &str| {
        value.as_bool().ok_or_else(|| vec![FieldError::new(pointer, "must be true or false")])
    };
    let avoid_stairs = fields.optional("avoid_stairs", flag).unwrap_or_default();
    let prefer_well_lit = fields.optional("prefer_well_lit", flag).unwrap_or_default();
    fields.finish(|| Some(Accessibility { avoid_stairs, prefer_well_lit }))
}

fn seed(value: &Value, pointer: &str) -> Read<u32> {
    whole_number(value)
        .and_then(|seed| u32::try_from(seed).ok())
        .ok_or_else(|| vec![FieldError::new(pointer, "must be a whole number from 0 to 4294967295")])
}

/// Reads a date and a time to the minute or the second, as the clocks at the place show it.
fn local_time(value: &Value, pointer: &str) -> Read<NaiveDateTime> {
    let read = |text: &str| {
        // The library forgives blanks, signs and missing digits; others who read the same text may not.
        let form = text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
        let is_in_form = form.clone().eq(*b"0000-00-00T00:00") || form.eq(*b"0000-00-00T00:00:00");
        let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
        let read = |format: &&str| NaiveDateTime::parse_from_str(text, format).ok();
        formats.iter().find_map(read).filter(|time| is_in_form && time.nanosecond() < 1_000_000_000)
    };
    let time = value.as_str().and_then(read).ok_or_else(|| {
        let detail = "must be a local date and time without a zone, such as \"2026-05-17T10:30\"";
        vec![FieldError::new(pointer, detail)]
    })?;
    let years = RouteRequest::START_YEARS;
    if years.contains(&time.year()) {
        return Ok(time);
    }
    Err(vec![FieldError::new(pointer, format!("must be in the years {} to {}", years.start(), years.end()))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wish() -> Value {
        json!({
            "start_location": {"type": "Point", "coordinates": [24.9414, 60.1699]},
            "duration_minutes": 60,
            "interest_theme_ids": ["f47ac10b-58cc-4372-a567-0e02b2c3d479", "00000000-0000-4000-8000-000000000001"],
            "popularity_bias": 0.7,
            "accessibility": {"avoid_stairs": true}
        })
    }

    fn pointers(value: &Value) -> Vec<String> {
        RouteRequest::parse(value).unwrap_err().into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn longer_walks_for_more_themes_cost_more() {
        let cost = |minutes: u16, themes: u32| {
            let mut wish = wish();
            wish["duration_minutes"] = json!(minutes);
            let id = |n| format!("00000000-0000-4000-8000-{n:012}");
            wish["interest_theme_ids"] = (0..themes).map(|n| json!(id(n))).collect();
            RouteRequest::parse(&wish).unwrap().cost()
        };
        assert_eq!((cost(60, 1), cost(60, 3)), (1.0, 1.0));
        assert!(cost(5, 1) > 0.5 && cost(480, 20) < 4.0);
        assert!(cost(30, 3) < cost(60, 3) && cost(60, 3) < cost(60, 4) && cost(60, 20) < cost(480, 20));
    }

    #[test]
    fn a_request_reads_back_as_it_was_written() {
        let request = RouteRequest::parse(&wish()).unwrap();
        let again = RouteRequest::parse(&serde_json::to_value(&request).unwrap()).unwrap();
        assert_eq!(request, again);
        assert!(request.is_loop() && request.accessibility().avoid_stairs);
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let value = json!({
            "start_location": {"type": "Point", "coordinates": [60.1699, 124.9414]},
            "duration_minutes": 1e9,
            "interest_theme_ids": ["street art"],
            "popularity_bias": "high",
            "accessibility": {"avoid_stair": true},
            "colour": "red"
        });
        assert_eq!(
            pointers(&value),
            [
                "/colour",
                "/start_location/coordinates/1",
                "/duration_minutes",
                "/interest_theme_ids/0",
                "/popularity_bias",
                "/accessibility/avoid_stair"
            ]
        );
        assert_eq!(pointers(&json!({})), ["/start_location", "/duration_minutes", "/interest_theme_ids"]);
        assert_eq!(pointers(&json!([])), [""]);
    }

    #[test]
    fn requests_that_mean_the_same_have_one_canonical_form() {
        let request = RouteRequest::parse(&wish()).unwrap();
        let mut same = wish();
        same["interest_theme_ids"].as_array_mut().unwrap().reverse();
        same["start_location"]["coordinates"][0] = json!(24.941_401);
        same["seed"] = json!(0);
        same["accessibility"]["prefer_well_lit"] = json!(false);
        assert_eq!(request.canonical(), RouteRequest::parse(&same).unwrap().canonical());
        let mut zero = wish();
        zero["popularity_bias"] = json!(0.0);
        let mut minus_zero = wish();
        minus_zero["popularity_bias"] = json!(-0.0);
        let canonical = |value| RouteRequest::parse(value).unwrap().canonical();
        assert_eq!(canonical(&zero), canonical(&minus_zero));
        assert_ne!(canonical(&zero), request.canonical());
    }
    #[test]
    fn a_start_is_a_local_time_and_nothing_else() {
        let at = |text: &str| {
            let mut wish = wish();
            wish["start_time"] = json!(text);
            RouteRequest::parse(&wish)
        };
        let minute = at("2026-05-17T10:30").unwrap();
        let second = at("2026-05-17T10:30:00").unwrap();
        assert_eq!(minute, second);
        assert_eq!(minute.canonical(), second.canonical());
        assert_ne!(minute.canonical(), at("2026-05-17T10:31").unwrap().canonical());
        assert_ne!(minute.canonical(), RouteRequest::parse(&wish()).unwrap().canonical());
        let again = RouteRequest::parse(&serde_json::to_value(&minute).unwrap()).unwrap();
        assert_eq!(again, minute);
        for wrong in [
            "2026-05-17T10:30Z",
            "2026-05-17T10:30+03:00",
            "2026-05-17 10:30",
            "2026-05-17T10:30:00.5",
            "2026-05-17T1:30",
            "2026-05-17T 1:30",
            "2026-02-29T10:30",
            "2026-05-17T24:00",
            "2026-05-17T10:30:60",
            "2026-05-17",
            "10:30",
            "",
            "1999-12-31T23:59",
            "2100-01-01T00:00",
            "+026-05-17T10:30",
        ] {
            let errors = at(wrong).unwrap_err();
            assert_eq!(errors.len(), 1, "{wrong}");
            assert_eq!(errors[0].pointer, "/start_time");
        }
    }
}
