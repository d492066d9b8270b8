use domain::{Bounds, InterestTheme, TagCondition, TagRule};

use crate::OverpassConfig;

/// More elements than that are no sparse theme.
pub(super) const MAX_ELEMENTS: u32 = 5_000;

/// A query for all places of a theme in a rectangle, in Overpass QL. It may bring some that the rules do not want, for
/// the rules can say more than a query should; they are sorted out when the answer is read. What has a name, but none
/// under `name`, is not asked for: to look for keys that are alike costs the API much, and finds next to nothing. An
/// error where a rule names what cannot be a tag.
pub(crate) fn query(
    theme: &InterestTheme,
    bounds: Bounds,
    config: &OverpassConfig,
) -> Result<String, String> {
    let Bounds { min_lon, min_lat, max_lon, max_lat } = bounds;
    let rectangle = format!("({min_lat:.7},{min_lon:.7},{max_lat:.7},{max_lon:.7})");
    let rules: Vec<String> = theme.rules.iter().map(filters).collect::<Result<_, _>>()?;
    let statements: String = rules.iter().map(|filters| format!("nwr{filters}{rectangle};")).collect();
    let (timeout, most_bytes) = (config.overpass_timeout_seconds, config.overpass_largest_mib * 1024 * 1024);
    Ok(format!(
        "[out:json][timeout:{timeout}][maxsize:{most_bytes}];({statements});out center tags {MAX_ELEMENTS};"
    ))
}

fn filters(rule: &TagRule) -> Result<String, String> {
    let mut filters = String::new();
    for TagCondition { key, values } in &rule.all {
        let key = checked_key(key)?;
        filters += &match values.as_slice() {
            [] => format!("[\"{key}\"][\"{key}\"!=\"no\"]"),
            values => format!("[\"{key}\"~\"{}\"]", any_of(values)?),
        };
    }
    for TagCondition { key, values } in rule.none.iter().filter(|condition| !condition.values.is_empty()) {
        filters += &format!("[\"{}\"!~\"{}\"]", checked_key(key)?, any_of(values)?);
    }
    if !rule.nameless {
        filters += "[\"name\"]";
    }
    Ok(filters)
}

/// Keys of OSM are plain words; what is none is not sent anywhere.
fn checked_key(key: &str) -> Result<&str, String> {
    let is_plain = key.chars().all(|c| c.is_ascii_alphanumeric() || "_:-".contains(c));
    if is_plain && !key.is_empty() { Ok(key) } else { Err(format!("{key:?} is no key of OSM")) }
}

/// A value between quotes.
fn quoted(value: &str) -> Result<String, String> {
    if value.chars().any(char::is_control) {
        return Err(format!("{value:?} is no value of OSM"));
    }
    Ok(value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A regular expression (POSIX extended) that fits these values alone, and lists with one of them in it:
/// `artwork_type=mural; mosaic` is both.
fn any_of(values: &[String]) -> Result<String, String> {
    let escaped = values.iter().map(|value| {
        let special = |c: char| r"\^$.|?*+()[]{}".contains(c);
        let literal: String =
            value.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect();
        quoted(&literal)
    });
    Ok(format!("(^|;) *({}) *(;|$)", escaped.collect::<Result<Vec<_>, _>>()?.join("|")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use domain::ThemeCatalogue;

    fn config() -> OverpassConfig {
        let names = ["x", "--database-url", "a://b", "--nats-url", "a://b"];
        crate::Config::try_parse_from(names).unwrap_or_else(|error| panic!("{error}")).overpass
    }

    fn of(rules: &str) -> Result<String, String> {
        let yaml = format!("themes: [{{key: a, name: A, description: B, icon: c, rules: [{rules}]}}]");
        let catalogue = ThemeCatalogue::parse(&yaml).map_err(|error| error.to_string())?;
        query(
            &catalogue.themes()[0],
            Bounds { min_lon: 1.0, min_lat: 2.0, max_lon: 3.0, max_lat: 4.0 },
            &config(),
        )
    }

    #[test]
    fn rules_become_filters() {
        let rules =
            r#"{tourism: artwork, artwork_type: [mural, relief], nameless: true, not: {indoor: ["yes"]}}"#;
        assert_eq!(
            of(rules),
            Ok(concat!(
                r#"[out:json][timeout:25][maxsize:16777216];("#,
                r#"nwr["artwork_type"~"(^|;) *(mural|relief) *(;|$)"]["tourism"~"(^|;) *(artwork) *(;|$)"]"#,
                r#"["indoor"!~"(^|;) *(yes) *(;|$)"]"#,
                r#"(2.0000000,1.0000000,4.0000000,3.0000000););out center tags 5000;"#
            )
            .to_owned())
        );
        assert!(
            of(r#"{historic: "*"}"#)
                .is_ok_and(|query| query.contains(r#"nwr["historic"]["historic"!="no"]["name"]("#))
        );
    }

    #[test]
    fn nobody_breaks_out_of_a_value() {
        let quote = of(r#"{name: 'a"];node(1);out;["b'}"#);
        let literal = r#"["name"~"(^|;) *(a\"\\];node\\(1\\);out;\\[\"b) *(;|$)"]["name"]"#;
        assert!(quote.is_ok_and(|query| query.contains(literal)));
        let list = of(r#"{name: ['a.b', 'c\d', 'e"f']}"#);
        assert!(list.is_ok_and(|query| query.contains(r#"["name"~"(^|;) *(a\\.b|c\\\\d|e\"f) *(;|$)"]"#)));
        assert!(of(r#"{'a"]': b}"#).is_err());
        assert!(of(r#"{a: "b\n"}"#).is_err());
    }

    #[test]
    fn every_theme_can_be_asked_for() {
        let bounds = Bounds { min_lon: 1.0, min_lat: 2.0, max_lon: 3.0, max_lat: 4.0 };
        for theme in ThemeCatalogue::bundled().themes() {
            let query =
                query(theme, bounds, &config()).unwrap_or_else(|error| panic!("{}: {error}", theme.key));
            assert_eq!(query.matches("nwr[").count(), theme.rules.len());
        }
    }
}
