//! A sentence or two about a place, written from its tags in plain English. Every word is either one of ours, chosen
//! by a tag, or stands in a tag; what the tags do not say is left out.

use crate::{Tags, noun::noun_of_place, poi::name_of_place};

/// Sentences after the first one.
const MOST_FACTS: usize = 2;
/// What mappers quote may be a whole stele; a walker who stands there can read on.
const LONGEST_QUOTE: usize = 220;

/// What is worth knowing about a place: what it is, by whom, since when, and why one would stop. `None` where the tags
/// do not even tell what it is.
pub fn narrative(tags: &Tags) -> Option<String> {
    let mut sentences = vec![first_sentence(tags)?];
    sentences.extend(facts(tags).into_iter().take(MOST_FACTS));
    Some(sentences.join(" "))
}

/// What a place is, by whom and since when, without a full stop: "a church designed by Carl Ludvig Engel".
pub fn in_brief(tags: &Tags) -> Option<String> {
    let noun = noun_of_place(tags)?;
    let material = MATERIALS.iter().find(|material| tag(tags, "material") == Some(material));
    let noun = match material.filter(|_| is_made(tags)) {
        Some(&"wood") => format!("wooden {noun}"),
        Some(material) => format!("{material} {noun}"),
        None => noun,
    };
    let mut brief = format!("{} {noun}", article(&noun));
    if let Some(artist) = people(tags, "artist_name") {
        brief += &format!(" by {artist}");
    } else if let Some(architect) = people(tags, "architect") {
        brief += &format!(" designed by {architect}");
    }
    if let Some(date) = tag(tags, "start_date").and_then(in_words) {
        brief += &format!(", dating from {date}");
    }
    Some(brief)
}

fn first_sentence(tags: &Tags) -> Option<String> {
    let mut sentence = in_brief(tags)?;
    if let Some(street) =
        text(tags, "addr:street").filter(|_| tag(tags, "start_date").and_then(in_words).is_none())
    {
        sentence += &format!(" on {street}");
    }
    // The English name, where it says more than the local one.
    let english =
        text(tags, "name:en").filter(|name| name_of_place(tags).is_none_or(|local| !same(local, name)));
    if let Some(english) = english {
        return Some(format!("{english} is {sentence}."));
    }
    let mut letters = sentence.chars();
    let first = letters.next()?.to_uppercase();
    Some(format!("{first}{}.", letters.as_str()))
}

/// What there is to add, the most telling first.
fn facts(tags: &Tags) -> Vec<String> {
    let get = |key: &str| tag(tags, key);
    let is = |key: &str, value: &str| get(key) == Some(value);
    let mut facts = Vec::new();
    let mut add = |fact: Option<String>| facts.extend(fact);
    add(text(tags, "description:en").filter(|text| text.len() <= LONGEST_QUOTE).map(as_sentence));
    add(inscription(tags));
    let world = is("heritage", "1") || tags.keys().any(|key| key == "ref:whc" || key.starts_with("whc:"));
    add(world.then(|| "It is part of the world's heritage.".into()));
    add((!world && is("heritage", "2")).then(|| "It is protected as national heritage.".into()));
    add(text(tags, "subject")
        .or_else(|| text(tags, "artwork_subject"))
        .map(|whom| format!("It shows {whom}.")));
    add(text(tags, "name:etymology").map(|whom| format!("It is named after {whom}.")));
    add(get("building:architecture")
        .and_then(words)
        .map(|style| format!("Its architectural style: {style}.")));
    add(text(tags, "old_name").map(|name| format!("It was once called {name}.")));
    add(get("ele")
        .filter(|_| is("natural", "peak"))
        .and_then(metres)
        .map(|m| format!("Its top is {m} m above the sea.")));
    add(get("height").filter(|_| is_made(tags)).and_then(metres).map(|m| format!("It is {m} m high.")));
    add(is("microbrewery", "yes").then(|| "It brews its own beer.".into()));
    add(get("cuisine").filter(|_| get("amenity").is_some()).and_then(menu));
    add(is("live_music", "yes").then(|| "There is live music.".into()));
    add(text(tags, "species:en").map(|species| format!("Its species: {species}.")));
    let entry =
        ["museum", "gallery", "attraction", "zoo", "viewpoint"].iter().any(|kind| is("tourism", kind));
    add((entry && is("fee", "no")).then(|| "Entry is free.".into()));
    add(is("outdoor_seating", "yes").then(|| "One can sit outside.".into()));
    add((is("disused", "yes") || is("abandoned", "yes")).then(|| "It is no longer in use.".into()));
    facts
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

/// Kitchens that are named after a people.
const PEOPLES: [&str; 24] = [
    "american",
    "asian",
    "british",
    "chinese",
    "finnish",
    "french",
    "georgian",
    "german",
    "greek",
    "indian",
    "irish",
    "italian",
    "japanese",
    "korean",
    "lebanese",
    "maltese",
    "mediterranean",
    "mexican",
    "nepalese",
    "russian",
    "scottish",
    "spanish",
    "thai",
    "turkish",
];

/// Made by hand and seen from all sides, so that its material and its height are its own and not those of its roof.
fn is_made(tags: &Tags) -> bool {
    let is = |key: &str, values: &[&str]| tag(tags, key).is_some_and(|value| values.contains(&value));
    is("tourism", &["artwork"])
        || is("historic", &["memorial", "monument", "wayside_cross", "wayside_shrine"])
        || is("man_made", &["tower", "lighthouse", "obelisk", "cross", "chimney"])
        || is("amenity", &["fountain", "clock"])
}

fn inscription(tags: &Tags) -> Option<String> {
    let text = text(tags, "inscription:en").or_else(|| text(tags, "inscription"))?;
    let text = text.replace(['“', '”', '"'], "'");
    if text.chars().count() <= LONGEST_QUOTE {
        return Some(format!("The inscription: “{text}”"));
    }
    let cut: String = text.chars().take(LONGEST_QUOTE).collect();
    let whole_words = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    Some(format!("The inscription begins: “{whole_words} …”"))
}

/// The people in a tag: "A", "A and B".
fn people(tags: &Tags, key: &str) -> Option<String> {
    let text = text(tags, key)?;
    let names: Vec<&str> = text.split(';').map(str::trim).filter(|name| !name.is_empty()).collect();
    let unknown = |name: &&str| ["unknown", "?", "-"].contains(&name.to_lowercase().as_str());
    (!names.is_empty() && !names.iter().any(unknown)).then(|| and(&names))
}

fn menu(cuisine: &str) -> Option<String> {
    let capital = |dish: String| {
        if PEOPLES.contains(&dish.as_str()) { dish[..1].to_uppercase() + &dish[1..] } else { dish }
    };
    let kitchens = cuisine.split(';').filter_map(words).filter(|dish| dish != "coffee shop");
    let dishes: Vec<String> = kitchens.map(capital).collect();
    let list = and(&dishes.iter().map(String::as_str).collect::<Vec<_>>());
    (!dishes.is_empty()).then(|| format!("The kitchen: {list}."))
}

fn and(items: &[&str]) -> String {
    match items {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A date as OSM writes it, in words; `None` for forms that are not understood.
/// <https://wiki.openstreetmap.org/wiki/Key:start_date>
fn in_words(date: &str) -> Option<String> {
    if let Some(about) = date.strip_prefix('~') {
        return in_words(about).map(|date| format!("about {date}"));
    }
    if let Some(century) = date.strip_prefix('C') {
        let number: u32 = century.parse().ok().filter(|number| (1..=21).contains(number))?;
        let ending = match number {
            1 | 21 => "st",
            2 => "nd",
            3 => "rd",
            _ => "th",
        };
        return Some(format!("the {number}{ending} century"));
    }
    let is_year = |text: &str| text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(decade) = date.strip_suffix('s') {
        return is_year(decade).then(|| format!("the {date}"));
    }
    let year = date.split('-').next().filter(|year| is_year(year))?;
    // 1908, 1908-05 and 1908-05-03; but 1908-1912 is no month.
    let rest_is_date = date[year.len()..].split('-').skip(1).all(|part| part.len() == 2);
    rest_is_date.then(|| year.to_owned())
}

fn metres(text: &str) -> Option<f64> {
    let number = text.trim().trim_end_matches('m').trim();
    number.parse::<f64>().ok().filter(|metres| (2.0..9_000.0).contains(metres))
}

fn tag<'a>(tags: &'a Tags, key: &str) -> Option<&'a str> {
    tags.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
}

/// A value written for people, on one line; `None` for one that is a link.
fn text(tags: &Tags, key: &str) -> Option<String> {
    let line = tag(tags, key)?.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.contains("://") && !line.contains("www.")).then_some(line)
}

/// A value written for machines, as words: `art_nouveau` is "art nouveau".
fn words(value: &str) -> Option<String> {
    let words = value.trim().replace('_', " ").to_lowercase();
    (!words.is_empty() && words.chars().all(|c| c.is_alphabetic() || " -'".contains(c))).then_some(words)
}

fn as_sentence(text: String) -> String {
    if text.ends_with(['.', '!', '?', '”']) { text } else { format!("{text}.") }
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

fn article(noun: &str) -> &'static str {
    let sounds_like_you = ["uni", "use", "eu"].iter().any(|start| noun.starts_with(start));
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']);
    match noun {
        "graffiti" => "some",
        _ if vowel && !sounds_like_you => "an",
        _ => "a",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tags: &[(&str, &str)]) -> String {
        narrative(&tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect())
            .unwrap_or_default()
    }

    #[test]
    fn it_tells_what_by_whom_and_since_when() {
        let statue = [
            ("tourism", "artwork"),
            ("artwork_type", "statue"),
            ("material", "bronze"),
            ("artist_name", "Felix Nylund"),
            ("start_date", "1932"),
            ("name", "Kolme seppää"),
            ("name:en", "Three Smiths"),
        ];
        assert_eq!(of(&statue), "Three Smiths is a bronze statue by Felix Nylund, dating from 1932.");
        let church =
            [("amenity", "place_of_worship"), ("religion", "christian"), ("denomination", "lutheran")];
        assert_eq!(of(&church), "A Lutheran church.");
        assert_eq!(
            of(&[("amenity", "arts_centre"), ("addr:street", "Lönnrotinkatu")]),
            "A centre for the arts on Lönnrotinkatu."
        );
    }

    #[test]
    fn it_tells_why_one_would_stop() {
        assert_eq!(
            of(&[("historic", "fort"), ("heritage", "1"), ("fee", "no")]),
            "A fort. It is part of the world's heritage."
        );
        assert_eq!(
            of(&[("historic", "memorial"), ("memorial", "plaque"), ("inscription", "Here lived \"A\".")]),
            "A memorial plaque. The inscription: “Here lived 'A'.”"
        );
        assert_eq!(of(&[("amenity", "pub"), ("microbrewery", "yes")]), "A pub. It brews its own beer.");
    }

    #[test]
    fn it_is_a_sentence_or_two_and_no_essay() {
        let long = "word ".repeat(200);
        let text = of(&[
            ("historic", "monument"),
            ("inscription", &long),
            ("heritage", "2"),
            ("height", "12"),
            ("old_name", "X"),
        ]);
        assert!(text.len() < 400 && text.contains("word …”"), "{text}");
        assert!(!text.contains("once called"), "{text}");
    }

    #[test]
    fn what_is_not_understood_is_left_out() {
        assert_eq!(
            of(&[
                ("amenity", "cafe"),
                ("start_date", "before the war"),
                ("artist_name", "https://x.example")
            ]),
            "A café."
        );
        assert_eq!(
            of(&[("tourism", "artwork"), ("artist_name", "unknown"), ("material", "granite; metal")]),
            "A work of art."
        );
        assert_eq!(of(&[("boundary", "yes")]), "");
        assert_eq!(of(&[("shop", "Scan computer Store")]), "");
    }

    #[test]
    fn dates_are_read_as_osm_writes_them() {
        for (date, words) in [
            ("1908", Some("1908")),
            ("1908-05-03", Some("1908")),
            ("~1850", Some("about 1850")),
            ("1890s", Some("the 1890s")),
            ("C19", Some("the 19th century")),
            ("C21", Some("the 21st century")),
            ("1908-1912", None),
            ("mid C18", None),
            ("soon", None),
        ] {
            assert_eq!(in_words(date).as_deref(), words, "{date}");
        }
    }
}
