//! As much of Overpass QL as we send: <https://wiki.openstreetmap.org/wiki/Overpass_API/Overpass_QL>. What goes beyond it
//! is refused, as the API itself would refuse what it does not understand.

use domain::{Bounds, OsmKind, Tags};
use regex::Regex;

/// `[out:json][timeout:25];(nwr["a"="b"](s,w,n,e);…);out center tags 100;`
pub(super) struct Query {
    pub union: Vec<Statement>,
    /// At most so many elements.
    pub most: Option<usize>,
}

/// `nwr["a"="b"](s,w,n,e);`
pub(super) struct Statement {
    pub kinds: Vec<OsmKind>,
    pub filters: Vec<Filter>,
    pub rectangle: Bounds,
}

/// `["a"="b"]` and its like.
pub(super) struct Filter {
    key: String,
    demand: Demand,
}

enum Demand {
    There,
    Not(String),
    Is(String),
    Like(Regex),
    Unlike(Regex),
}

impl Filter {
    pub fn fits(&self, tags: &Tags) -> bool {
        let value = tags.get(&self.key);
        match &self.demand {
            Demand::There => value.is_some(),
            Demand::Is(wanted) => value == Some(wanted),
            Demand::Like(pattern) => value.is_some_and(|value| pattern.is_match(value)),
            // What is not there is not this value either.
            Demand::Not(unwanted) => value != Some(unwanted),
            Demand::Unlike(pattern) => !value.is_some_and(|value| pattern.is_match(value)),
        }
    }
}

impl Query {
    /// Reads a query; the error is what the API says of it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rest = Rest(text);
        while rest.skip("[") {
            let setting = rest.until(']')?;
            if !["out:json", "timeout:", "maxsize:"].iter().any(|known| setting.starts_with(known)) {
                return Err(format!("Unknown setting: {setting}"));
            }
        }
        rest.expect(";")?;
        rest.expect("(")?;
        let mut union = Vec::new();
        while !rest.skip(")") {
            union.push(rest.statement()?);
        }
        rest.expect(";")?;
        rest.expect("out")?;
        let mut most = None;
        for word in rest.until(';')?.split_whitespace() {
            match word {
                "center" | "tags" | "qt" => {}
                number => {
                    let error = |_| format!("';' expected - '{number}' found.");
                    most = Some(number.parse().map_err(error)?);
                }
            }
        }
        if rest.0.trim().is_empty() { Ok(Self { union, most }) } else { Err(rest.found("the end")) }
    }
}

struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn skip(&mut self, token: &str) -> bool {
        self.0 = self.0.trim_start();
        let after = self.0.strip_prefix(token);
        self.0 = after.unwrap_or(self.0);
        after.is_some()
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.skip(token) { Ok(()) } else { Err(self.found(&format!("'{token}'"))) }
    }

    fn until(&mut self, end: char) -> Result<&'a str, String> {
        let (before, after) = self.0.split_once(end).ok_or_else(|| self.found(&format!("'{end}'")))?;
        self.0 = after;
        Ok(before)
    }

    fn found(&self, expected: &str) -> String {
        format!("{expected} expected - '{}' found.", self.0.chars().take(20).collect::<String>())
    }

    fn statement(&mut self) -> Result<Statement, String> {
        let kinds = [
            ("nwr", vec![OsmKind::Node, OsmKind::Way, OsmKind::Relation]),
            ("node", vec![OsmKind::Node]),
            ("way", vec![OsmKind::Way]),
            ("relation", vec![OsmKind::Relation]),
        ];
        let kinds = kinds.into_iter().find(|(word, _)| self.skip(word)).map(|(_, kinds)| kinds);
        let kinds = kinds.ok_or_else(|| self.found("a statement"))?;
        let mut filters = Vec::new();
        while self.skip("[") {
            filters.push(self.filter()?);
        }
        self.expect("(")?;
        let numbers: Option<Vec<f64>> =
            self.until(')')?.split(',').map(|number| number.trim().parse().ok()).collect();
        self.expect(";")?;
        match numbers.as_deref() {
            Some(&[min_lat, min_lon, max_lat, max_lon]) => {
                Ok(Statement { kinds, filters, rectangle: Bounds { min_lon, min_lat, max_lon, max_lat } })
            }
            _ => Err("a rectangle is south, west, north, east".into()),
        }
    }

    fn filter(&mut self) -> Result<Filter, String> {
        let key = self.string()?;
        let pattern =
            |text: String| Regex::new(&text).map_err(|error| format!("Invalid regular expression: {error}"));
        let demand = if self.skip("]") {
            return Ok(Filter { key, demand: Demand::There });
        } else if self.skip("!=") {
            Demand::Not(self.string()?)
        } else if self.skip("!~") {
            Demand::Unlike(pattern(self.string()?)?)
        } else if self.skip("=") {
            Demand::Is(self.string()?)
        } else if self.skip("~") {
            Demand::Like(pattern(self.string()?)?)
        } else {
            return Err(self.found("'!', '~', '=', '!=', or ']' "));
        };
        self.expect("]")?;
        Ok(Filter { key, demand })
    }

    fn string(&mut self) -> Result<String, String> {
        self.expect("\"")?;
        let mut text = String::new();
        let mut letters = self.0.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.0 = &self.0[at + 1..];
                    return Ok(text);
                }
                '\\' => text.extend(letters.next().map(|(_, escaped)| match escaped {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                })),
                other => text.push(other),
            }
        }
        Err("the end of a text is missing".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(filters: &str, tags: &[(&str, &str)]) -> bool {
        let text = format!("[out:json][timeout:25];(nwr{filters}(1,2,3,4););out center tags 10;");
        let query = Query::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let tags = tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        query.union[0].filters.iter().all(|filter| filter.fits(&tags))
    }

    #[test]
    fn filters_mean_what_the_manual_says() {
        assert!(fits(r#"["a"="b"]["c"~"^(d|e)$"]"#, &[("a", "b"), ("c", "e")]));
        assert!(!fits(r#"["c"~"^(d|e)$"]"#, &[("c", "de")]));
        assert!(fits(r#"["a"]["a"!="no"]"#, &[("a", "yes")]));
        assert!(!fits(r#"["a"]["a"!="no"]"#, &[("a", "no")]));
        assert!(fits(r#"["a"!~"^(x)$"]"#, &[]));
        let list = r#"["c"~"(^|;) *(d|e\\.f) *(;|$)"]"#;
        for value in ["d", "e.f", "x;d", "x; d ;y", "e.f;x"] {
            assert!(fits(list, &[("c", value)]), "{value}");
        }
        for value in ["dd", "x d", "e-f", "d,x", ""] {
            assert!(!fits(list, &[("c", value)]), "{value}");
        }
        assert!(fits(r#"["a"="b\"]\\"]"#, &[("a", "b\"]\\")]));
    }

    #[test]
    fn what_goes_beyond_is_refused() {
        for text in [
            "",
            "out;",
            "[out:xml];();out;",
            "[out:json];(nwr(1,2,3););out;",
            "[out:json];(nwr[\"a\"(1,2,3,4););out;",
        ] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
    }
}
