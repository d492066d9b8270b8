//! A sentence or two about a place, written from its tags in plain English. Every word is either one of ours, chosen
//! by a tag, or stands in a tag; what the tags do not say is left out.

mod facts;
#[cfg(test)]
mod tests;
mod words;

use crate::{Tags, noun::noun_of_place, poi::english_name};
use words::{and, article, capitalised, in_words, list, tag, text};

/// Sentences after the first one.
const MOST_FACTS: usize = 2;

/// What is worth knowing about a place: what it is, by whom, since when, and why one would stop. `None` where the tags
/// do not even tell what it is.
pub fn narrative(tags: &Tags) -> Option<String> {
    let mut sentences = vec![first_sentence(tags, &Brief::of(tags)?)];
    sentences.extend(joined(facts::facts(tags).into_iter().take(MOST_FACTS)));
    Some(sentences.join(" "))
}

/// What a place is, by whom and since when, without a full stop: "a church designed by Carl Ludvig Engel".
pub fn in_brief(tags: &Tags) -> Option<String> {
    Some(Brief::of(tags)?.phrase(None))
}

/// What the first sentence tells.
struct Brief {
    noun: String,
    material: Option<&'static str>,
    /// "by A", "designed by B".
    origin: Option<String>,
    date: Option<String>,
}

impl Brief {
    fn of(tags: &Tags) -> Option<Self> {
        let material = MATERIALS.into_iter().find(|material| tag(tags, "material") == Some(material));
        let artist = people(tags, "artist_name").map(|artist| format!("by {artist}"));
        let architect = || people(tags, "architect").map(|architect| format!("designed by {architect}"));
        Some(Self {
            noun: noun_of_place(tags)?,
            material: material.filter(|_| facts::is_made(tags)),
            origin: artist.or_else(architect),
            date: tag(tags, "start_date").and_then(in_words),
        })
    }

    /// "a bronze statue by Felix Nylund, dating from 1932"
    fn phrase(&self, street: Option<&str>) -> String {
        let noun = match self.material {
            Some("wood") => format!("wooden {}", self.noun),
            Some(material) => format!("{material} {}", self.noun),
            None => self.noun.clone(),
        };
        let mut phrase = format!("{} {noun}", article(&noun));
        phrase += &match (&self.origin, street) {
            // Nobody designs on a street.
            (Some(origin), Some(street)) if origin.starts_with("designed") => {
                format!(" on {street}, {origin}")
            }
            (Some(origin), Some(street)) => format!(" {origin} on {street}"),
            (Some(origin), None) => format!(" {origin}"),
            (None, Some(street)) => format!(" on {street}"),
            (None, None) => String::new(),
        };
        phrase += &self.date.as_ref().map_or_else(String::new, |date| format!(", dating from {date}"));
        phrase
    }

    /// The same of a place whose name tells already what it is: "is Lutheran and dates from 1852".
    fn predicates(&self, name: &str, street: Option<&str>) -> String {
        let denomination: Vec<&str> = self.noun.split(' ').take_while(|word| is_proper(word)).collect();
        let is_told = denomination.iter().all(|word| name.contains(word));
        let origin = |origin: &String| match origin.starts_with("designed") {
            true => format!("was {origin}"),
            false => format!("is {origin}"),
        };
        let predicates = [
            (!is_told).then(|| format!("is {}", denomination.join(" "))),
            self.material.map(|material| format!("is made of {material}")),
            street.filter(|_| is_told).map(|street| format!("is on {street}")),
            self.origin.as_ref().map(origin),
            self.date.as_ref().map(|date| format!("dates from {date}")),
        ];
        and(&predicates.into_iter().flatten().collect::<Vec<_>>())
    }

    /// The noun stands in the name: a Swedish Theatre is a theatre, nobody needs to be told.
    fn is_told_by(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let of_name: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).collect();
        self.noun.split(' ').filter(|word| !is_proper(word)).all(|word| of_name.contains(&word))
    }
}

fn first_sentence(tags: &Tags, brief: &Brief) -> String {
    let street = text(tags, "addr:street").filter(|_| brief.date.is_none());
    let Some(name) = english_name(tags).map(|name| list(name).join("; ")) else {
        return format!("{}.", capitalised(&brief.phrase(street.as_deref())));
    };
    if !brief.is_told_by(&name) {
        // A title may be anything, a sentence even, or speak of many.
        let name = if has_title(tags) { format!("“{name}”") } else { name };
        return format!("{name} is {}.", brief.phrase(street.as_deref()));
    }
    match brief.predicates(&name, street.as_deref()).as_str() {
        "" => format!("Its name in English is {name}."),
        predicates => format!("{} {predicates}.", capitalised(&name)),
    }
}

/// Sentences that begin alike are one: "It is 12 m high and no longer in use."
fn joined(facts: impl Iterator<Item = String>) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for fact in facts {
        let more = fact.strip_prefix("It is ");
        match (sentences.last_mut().filter(|last| last.starts_with("It is ")), more) {
            (Some(last), Some(more)) => *last = format!("{} and {more}", last.trim_end_matches('.')),
            _ => sentences.push(fact),
        }
    }
    sentences
}

/// Of what a thing is made, in words that go before a noun.
const MATERIALS: [&str; 14] = [
    "brass",
    "brick",
    "bronze",
    "ceramic",
    "concrete",
    "copper",
    "glass",
    "granite",
    "iron",
    "limestone",
    "marble",
    "metal",
    "steel",
    "wood",
];

/// The people in a tag: "A", "A and B".
fn people(tags: &Tags, key: &str) -> Option<String> {
    let text = text(tags, key)?;
    let names = list(&text);
    let unknown = |name: &&str| ["unknown", "?", "-"].contains(&name.to_lowercase().as_str());
    (!names.is_empty() && !names.iter().any(unknown)).then(|| and(&names))
}

fn has_title(tags: &Tags) -> bool {
    tag(tags, "artwork_type").is_some()
        || tag(tags, "tourism") == Some("artwork")
        || tag(tags, "historic").is_some_and(|value| ["memorial", "monument"].contains(&value))
}

fn is_proper(word: &str) -> bool {
    word.starts_with(char::is_uppercase)
}
