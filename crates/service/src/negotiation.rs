//! What a caller accepts (RFC 9110, 12.5.1 and 12.5.3): names with weights, on any number of lines.

use http::{HeaderMap, HeaderName, header};

/// Weight of what nobody named and nobody refused: behind everything that was named.
const UNNAMED: f32 = 0.000_1;

/// Which of `offers`, each with its media type in lower case, the caller likes best; the first of several that are
/// equal. `None` where the caller accepts none of them.
pub fn preferred_media_type<T: Copy>(headers: &HeaderMap, offers: &[(&str, T)]) -> Option<T> {
    let ranges = weighted(headers, &header::ACCEPT);
    let weight = |media_type: &str| {
        if ranges.is_empty() {
            return 1.0;
        }
        let family = media_type.split_once('/').map_or(media_type, |(family, _)| family);
        let of_family = |range: &str| range.strip_suffix("/*").is_some_and(|range| range == family);
        let matching = ranges.iter().filter_map(|(range, weight)| match range.as_str() {
            range if range == media_type => Some((3, *weight)),
            range if of_family(range) => Some((2, *weight)),
            // A star alone is no media range, but what an old HTTP client of Java sends for one.
            "*/*" | "*" => Some((1, *weight)),
            _ => None,
        });
        matching.max_by_key(|(precision, _)| *precision).map_or(0.0, |(_, weight)| weight)
    };
    best(offers.iter().map(|(media_type, offer)| (weight(media_type), *offer)))
}

/// Which of `offers`, content codings in lower case, the caller likes best; the first of several that are equal.
/// `identity` is acceptable unless it is refused, but comes behind what is named. `None` where the caller accepts none.
pub fn preferred_coding<'a>(headers: &HeaderMap, offers: &[&'a str]) -> Option<&'a str> {
    let codings = weighted(headers, &header::ACCEPT_ENCODING);
    let weight = |coding: &str| {
        let named =
            |name: &str| codings.iter().find(|(named, _)| named.strip_prefix("x-").unwrap_or(named) == name);
        let unnamed = if coding == "identity" { UNNAMED } else { 0.0 };
        named(coding).or_else(|| named("*")).map_or(unnamed, |(_, weight)| *weight)
    };
    best(offers.iter().map(|coding| (weight(coding), *coding)))
}

fn best<T>(offers: impl Iterator<Item = (f32, T)>) -> Option<T> {
    let acceptable = offers.filter(|(weight, _)| *weight > 0.0);
    acceptable.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, offer)| offer)
}

/// The elements of all lines of a header: a name in lower case and its weight. One that is not legal counts as 0:
/// it is no way of asking for anything.
fn weighted(headers: &HeaderMap, name: &HeaderName) -> Vec<(String, f32)> {
    let lines: Vec<_> =
        headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    let elements = lines.iter().flat_map(|line| split(line, ','));
    let read = elements.filter_map(|element| {
        let mut parts = split(element, ';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?;
        let weight =
            parts.filter_map(|part| part.split_once('=')).find(|(key, _)| key.eq_ignore_ascii_case("q"));
        Some((name.to_ascii_lowercase(), weight.map_or(1.0, |(_, value)| quality(value).unwrap_or(0.0))))
    });
    read.collect()
}

/// A weight: 0 to 1, with at most three decimals. The zero before the point may be missing, as it often is.
fn quality(text: &str) -> Option<f32> {
    let is_plain = text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let weight: f32 = is_plain.then(|| text.parse().ok()).flatten()?;
    (weight <= 1.0).then_some(weight)
}

/// Splits at a separator that does not stand within double quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |letter| {
        let after_backslash = std::mem::take(&mut escaped);
        match letter {
            '"' if !after_backslash => quoted = !quoted,
            '\\' => escaped = quoted && !after_backslash,
            _ => {}
        }
        letter == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &HeaderName, lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (name.clone(), line.parse().unwrap())).collect()
    }

    #[test]
    fn the_media_type_is_the_one_that_the_caller_likes_best() {
        let offers = [("application/json", "json"), ("application/geo+json", "geo"), ("text/csv", "csv")];
        let preferred = |lines: &[&str]| preferred_media_type(&headers(&header::ACCEPT, lines), &offers);
        for (lines, expected) in [
            (&[][..], Some("json")),
            (&[""], Some("json")),
            (&["*/*"], Some("json")),
            (&["text/*"], Some("csv")),
            (&["application/geo+json"], Some("geo")),
            (&["Application/GEO+JSON"], Some("geo")),
            (&["text/csv", "application/json;q=0.9"], Some("csv")),
            (&["application/json;q=0.5, application/geo+json"], Some("geo")),
            (&["application/json ; charset=\"a,b;q=0\" ; Q=0.1, text/csv;q=0.2"], Some("csv")),
            (&["*/*, application/json;q=0"], Some("geo")),
            (&["application/*;q=0, */*;q=0.1"], Some("csv")),
            (&["text/html, image/gif, *; q=.2, */*; q=.2"], Some("json")),
            (&["text/csv;q=1.000, application/json;q=0.999"], Some("csv")),
            (&["application/json;q=0"], None),
            (&["*/*;q=0"], None),
            (&["*/*;q=0.000"], None),
            (&["text/html"], None),
            (&["csv"], None),
            (&["text/csv;q=NaN, application/json;q=2, application/geo+json;q=-1"], None),
        ] {
            assert_eq!(preferred(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn the_coding_is_the_one_that_the_caller_likes_best() {
        let preferred = |lines: &[&str]| {
            preferred_coding(&headers(&header::ACCEPT_ENCODING, lines), &["gzip", "br", "identity"])
        };
        for (lines, expected) in [
            (&[][..], Some("identity")),
            (&[""], Some("identity")),
            (&["gzip, deflate, br, zstd"], Some("gzip")),
            (&["br", "gzip;q=0.5"], Some("br")),
            (&["GZIP"], Some("gzip")),
            (&["x-gzip"], Some("gzip")),
            (&["zstd"], Some("identity")),
            (&["gzip;q=0.1"], Some("gzip")),
            (&["gzip;q=0.1, identity"], Some("identity")),
            (&["gzip;q=0"], Some("identity")),
            (&["gzip;q=0, *"], Some("br")),
            (&["*"], Some("gzip")),
            (&["identity;q=0"], None),
            (&["*;q=0"], None),
            (&["identity;q=0, zstd"], None),
            (&["identity;q=0, *;q=0.5"], Some("gzip")),
            (&["*;q=0, br;q=0.3"], Some("br")),
            (&["*;q=0", "identity"], Some("identity")),
        ] {
            assert_eq!(preferred(lines), expected, "{lines:?}");
        }
    }
}
