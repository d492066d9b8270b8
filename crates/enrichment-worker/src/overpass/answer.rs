use chrono::{DateTime, Utc};
use domain::{
    Bounds, Coordinate, OsmKind, Place, Poi, PoiId, PopularityScale, Tags, ThemeCatalogue, ThemeId,
    merge_duplicates, osm_timestamp, prominence,
};
use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::Value;
use std::fmt;
use thiserror::Error;

use super::{Raw, query::MAX_ELEMENTS};

/// Characters of a key or a value; OSM takes no longer ones.
const MAX_TAG_CHARS: usize = 255;

/// Why there are no places.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum AnswerError {
    /// Nothing came, or not in time.
    #[error("no answer: {0}")]
    Silent(String),
    /// It has too much to do, or we asked too often.
    #[error("not now: {0}")]
    Busy(String),
    /// The answer broke off.
    #[error("the answer broke off")]
    CutOff,
    /// It did not understand us, or we it.
    #[error("not understood: {0}")]
    NotUnderstood(String),
    /// The question was too large for it, or the answer for us.
    #[error("too much: {0}")]
    TooMuch(String),
}

impl AnswerError {
    /// Better leave the API alone for a while, whatever the question was.
    pub(crate) fn is_unwelcome(&self) -> bool {
        !matches!(self, Self::TooMuch(_))
    }
}

/// An element that stands for something.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Element {
    pub id: PoiId,
    pub location: Coordinate,
    pub tags: Tags,
}

/// An answer that is one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub elements: Vec<Element>,
    /// Elements that make no sense.
    pub skipped: usize,
    /// How new the data is.
    pub timestamp: Option<DateTime<Utc>>,
    /// What the API had to say beside.
    pub remark: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    osm3s: Osm3s,
    elements: Elements,
    remark: Option<String>,
}

/// Elements, each read as it comes: what is no element takes no memory, however much of it there is.
#[derive(Default)]
struct Elements {
    found: Vec<Element>,
    skipped: usize,
    /// There are more than were asked for.
    too_many: bool,
}

impl<'de> Deserialize<'de> for Elements {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ElementsVisitor)
    }
}

struct ElementsVisitor;

impl<'de> Visitor<'de> for ElementsVisitor {
    type Value = Elements;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Elements, A::Error> {
        let mut elements = Elements::default();
        while let Some(value) = list.next_element::<Value>()? {
            match element(&value) {
                Some(Some(_)) if elements.found.len() == MAX_ELEMENTS as usize => elements.too_many = true,
                Some(Some(element)) => elements.found.push(element),
                // Corners of outlines and the like.
                Some(None) => {}
                None => elements.skipped += 1,
            }
        }
        Ok(elements)
    }
}

#[derive(Default, Deserialize)]
struct Osm3s {
    timestamp_osm_base: Option<String>,
}

impl Answer {
    /// Makes sense of what came. Errors come as a status, as a page of HTML, as plain text, and as a remark in an answer
    /// that looks well.
    pub(crate) fn read(raw: &Raw) -> Result<Self, AnswerError> {
        let text = String::from_utf8_lossy(&raw.body);
        match raw.status {
            200 => {}
            408 | 429 | 500..=599 => {
                return Err(AnswerError::Busy(format!("{}: {}", raw.status, told(&text))));
            }
            status => return Err(AnswerError::NotUnderstood(format!("{status}: {}", told(&text)))),
        }
        if !text.trim_start().starts_with('{') {
            let told = told(&text);
            let is_busy = ["too busy", "rate_limited", "server is down", "Dispatcher"]
                .iter()
                .any(|it| text.contains(it));
            return Err(if is_busy { AnswerError::Busy(told) } else { AnswerError::NotUnderstood(told) });
        }
        // A number that ends with its point is no end of file to the parser.
        let is_cut = |error: &serde_json::Error| error.is_eof() || !text.trim_end().ends_with('}');
        let document: Document = serde_json::from_str(&text).map_err(|error| {
            if is_cut(&error) { AnswerError::CutOff } else { AnswerError::NotUnderstood(error.to_string()) }
        })?;
        let remark = document.remark;
        if let Some(error) = remark.as_ref().filter(|remark| remark.contains("error")) {
            let is_large = ["out of memory", "timed out"].iter().any(|it| error.contains(it));
            let error = error.clone();
            return Err(if is_large { AnswerError::TooMuch(error) } else { AnswerError::Busy(error) });
        }
        if document.elements.too_many {
            return Err(AnswerError::TooMuch(format!("more than {MAX_ELEMENTS} elements")));
        }
        let timestamp = document.osm3s.timestamp_osm_base.and_then(|text| text.parse().ok());
        let timestamp = timestamp.and_then(|stated| osm_timestamp(stated, Utc::now()));
        let Elements { found: elements, skipped, .. } = document.elements;
        Ok(Self { elements, skipped, timestamp, remark })
    }

    /// The places of a theme within a rectangle. The rules have the last word, not the query.
    pub(crate) fn places(
        &self,
        catalogue: &ThemeCatalogue,
        theme: ThemeId,
        bounds: Bounds,
        scale: &PopularityScale,
    ) -> Vec<Place> {
        let within = |at: Coordinate| {
            (bounds.min_lon..=bounds.max_lon).contains(&at.lon())
                && (bounds.min_lat..=bounds.max_lat).contains(&at.lat())
        };
        let fitting = self.elements.iter().filter(|element| within(element.location)).filter_map(|element| {
            let Element { id, location, tags } = element;
            let themes = catalogue.themes_of(tags);
            let poi = themes.contains(&theme).then(|| Poi::from_tags(*id, *location, tags, themes, scale))?;
            Some(Place { poi, tags: tags.clone(), also: Vec::new() })
        });
        let mut places = merge_duplicates(fitting);
        for place in &mut places {
            place.poi.popularity_score = scale.score(prominence(&place.tags));
        }
        places
    }
}

/// `None` for one that makes no sense, `Some(None)` for one that stands for nothing.
fn element(value: &Value) -> Option<Option<Element>> {
    let kind = match value["type"].as_str()? {
        "node" => OsmKind::Node,
        "way" => OsmKind::Way,
        "relation" => OsmKind::Relation,
        _ => return None,
    };
    let id = PoiId::of_element(kind, value["id"].as_i64()?)?;
    let Some(tags) = value.get("tags") else { return Some(None) };
    // PostgreSQL cannot store a NUL, which only a broken editor writes.
    let text = |text: &str| (text.chars().count() <= MAX_TAG_CHARS).then(|| text.replace('\0', ""));
    let tags = tags.as_object()?.iter().map(|(key, value)| Some((text(key)?, text(value.as_str()?)?)));
    let tags: Tags = tags.collect::<Option<_>>()?;
    let point = |value: &Value| Coordinate::new(value["lon"].as_f64()?, value["lat"].as_f64()?);
    let middle = |value: &Value| {
        let edge = |name: &str| value[name].as_f64();
        Coordinate::new((edge("minlon")? + edge("maxlon")?) / 2.0, (edge("minlat")? + edge("maxlat")?) / 2.0)
    };
    let location = point(value).or_else(|| point(&value["center"])).or_else(|| middle(&value["bounds"]))?;
    Some(Some(Element { id, location, tags }))
}

/// What a page or a text says is wrong, in short.
fn told(text: &str) -> String {
    let errors: Vec<&str> = text
        .split("Error</strong>:")
        .skip(1)
        .filter_map(|part| part.split("</p>").next())
        .map(str::trim)
        .collect();
    let told =
        if errors.is_empty() && !text.contains('<') { text.trim().to_owned() } else { errors.join("; ") };
    match told.as_str() {
        "" => "no word of what is wrong".into(),
        told => told.chars().take(300).collect(),
    }
}

#[cfg(test)]
mod tests;
