//! How values become words.

use crate::Tags;

/// A value, where there is one.
pub(super) fn tag<'a>(tags: &'a Tags, key: &str) -> Option<&'a str> {
    tags.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
}

/// A value written for people, on one line; `None` for one that is a link.
pub(super) fn text(tags: &Tags, key: &str) -> Option<String> {
    let line = tag(tags, key)?.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.contains("://") && !line.contains("www.")).then_some(line)
}

/// The values in one: OSM lists several with semicolons.
pub(super) fn list(value: &str) -> Vec<&str> {
    value.split(';').map(str::trim).filter(|one| !one.is_empty()).collect()
}

/// A value written for machines, as words: `art_nouveau` is "art nouveau".
pub(super) fn words(value: &str) -> Option<String> {
    let words = value.trim().replace('_', " ").to_lowercase();
    (!words.is_empty() && words.chars().all(|c| c.is_alphabetic() || " -'".contains(c))).then_some(words)
}

/// "A", "A and B", "A, B and C".
pub(super) fn and(items: &[impl AsRef<str>]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match items.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

pub(super) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

pub(super) fn as_sentence(text: String) -> String {
    if text.ends_with(['.', '!', '?', '”']) { text } else { format!("{text}.") }
}

pub(super) fn article(noun: &str) -> &'static str {
    let sounds_like_you = ["uni", "use", "eu"].iter().any(|start| noun.starts_with(start));
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']);
    match noun {
        "graffiti" => "some",
        _ if vowel && !sounds_like_you => "an",
        _ => "a",
    }
}

/// A date as OSM writes it, in words; `None` for forms that are not understood.
/// <https://wiki.openstreetmap.org/wiki/Key:start_date>
pub(super) fn in_words(date: &str) -> Option<String> {
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

pub(super) fn metres(text: &str) -> Option<f64> {
    let number = text.trim().trim_end_matches('m').trim();
    number.parse::<f64>().ok().filter(|metres| (2.0..9_000.0).contains(metres))
}

#[cfg(test)]
mod tests {
    use super::*;

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
