use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, fmt};

use crate::{Tags, poi::name_of_place};

/// What the OSM tags of a place must be for it to belong to a theme. The syntax is explained in `config/themes.yaml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<String, Value>")]
pub struct TagRule {
    /// Each of these holds.
    pub all: Vec<TagCondition>,
    /// None of these holds.
    pub none: Vec<TagCondition>,
    /// Such a place is worth a stop even where nobody gave it a name.
    pub nameless: bool,
}

/// A demand on one tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagCondition {
    /// The key.
    pub key: String,
    /// The values that fit; none listed means every value but `no`.
    pub values: Vec<String>,
}

impl TagRule {
    /// The tags fulfil the rule.
    pub fn holds(&self, tags: &Tags) -> bool {
        self.all.iter().all(|condition| condition.holds(tags))
            && !self.none.iter().any(|condition| condition.holds(tags))
            && (self.nameless || name_of_place(tags).is_some())
    }
}

impl TagCondition {
    fn holds(&self, tags: &Tags) -> bool {
        let Some(value) = tags.get(&self.key) else { return false };
        match self.values.as_slice() {
            [] => value != "no",
            // OSM lists several values with semicolons: artwork_type=mural;mosaic is both.
            values => value.split(';').any(|one| values.iter().any(|wanted| wanted == one.trim())),
        }
    }

    fn read(key: &str, value: &Value) -> Result<Self, String> {
        let text = |value: &Value| match value {
            Value::String(text) if !text.trim().is_empty() => Ok(text.clone()),
            other => Err(format!("{key}: {other} is not a tag value; quote numbers and booleans")),
        };
        let values = match value {
            Value::String(any) if any == "*" => Vec::new(),
            Value::Array(values) if !values.is_empty() => {
                values.iter().map(text).collect::<Result<_, _>>()?
            }
            Value::Array(_) => return Err(format!("{key}: an empty list fits nothing")),
            one => vec![text(one)?],
        };
        Ok(Self { key: key.into(), values })
    }
}

/// As in a themes file.
impl fmt::Display for TagRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |conditions: &[TagCondition]| {
            conditions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        write!(f, "{{{}", list(&self.all))?;
        if !self.none.is_empty() {
            write!(f, ", not: {{{}}}", list(&self.none))?;
        }
        f.write_str(if self.nameless { ", nameless: true}" } else { "}" })
    }
}

impl fmt::Display for TagCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.values.as_slice() {
            [] => write!(f, "{}: \"*\"", self.key),
            [one] => write!(f, "{}: {one}", self.key),
            several => write!(f, "{}: [{}]", self.key, several.join(", ")),
        }
    }
}

impl TryFrom<BTreeMap<String, Value>> for TagRule {
    type Error = String;

    fn try_from(members: BTreeMap<String, Value>) -> Result<Self, String> {
        let mut rule = Self { all: Vec::new(), none: Vec::new(), nameless: false };
        for (key, value) in &members {
            match (key.as_str(), value) {
                ("nameless", Value::Bool(nameless)) => rule.nameless = *nameless,
                ("nameless", other) => return Err(format!("nameless is true or false, not {other}")),
                ("not", Value::Object(conditions)) => {
                    rule.none = conditions
                        .iter()
                        .map(|(key, value)| TagCondition::read(key, value))
                        .collect::<Result<_, _>>()?;
                }
                ("not", other) => return Err(format!("not holds a map of tags, not {other}")),
                _ => rule.all.push(TagCondition::read(key, value)?),
            }
        }
        if rule.all.is_empty() {
            return Err("a rule must demand at least one tag".into());
        }
        Ok(rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poi::tags;
    use serde_json::json;

    fn rule(value: Value) -> TagRule {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn all_of_a_rule_must_hold() {
        let rule =
            rule(json!({"tourism": "artwork", "artwork_type": ["mural", "graffiti"], "nameless": true}));
        assert!(rule.holds(&tags("tourism=artwork artwork_type=graffiti")));
        assert!(rule.holds(&tags("tourism=artwork artwork_type=mosaic;mural")));
        assert!(!rule.holds(&tags("tourism=artwork artwork_type=statue")));
        assert!(!rule.holds(&tags("tourism=artwork")));
    }

    #[test]
    fn a_rule_is_shown_as_it_is_written() {
        let rule =
            rule(json!({"tourism": "artwork", "artwork_type": ["mural", "relief"], "not": {"indoor": "*"}}));
        assert_eq!(
            rule.to_string(),
            r#"{artwork_type: [mural, relief], tourism: artwork, not: {indoor: "*"}}"#
        );
    }

    #[test]
    fn a_star_fits_every_value_but_no() {
        let rule = rule(json!({"historic": "*", "nameless": true}));
        assert!(rule.holds(&tags("historic=castle")));
        assert!(!rule.holds(&tags("historic=no")));
    }

    #[test]
    fn what_is_under_not_takes_away() {
        let rule = rule(json!({"leisure": "park", "not": {"access": ["private", "no"]}}));
        assert!(rule.holds(&tags("leisure=park name=Esplanadi")));
        assert!(!rule.holds(&tags("leisure=park name=Esplanadi access=private")));
    }

    #[test]
    fn a_place_has_a_name_unless_the_rule_does_without() {
        assert!(!rule(json!({"leisure": "park"})).holds(&tags("leisure=park")));
        assert!(rule(json!({"leisure": "park", "nameless": true})).holds(&tags("leisure=park")));
    }
}
