use serde::Deserialize;
use serde_json::Value;
use std::collections::HashSet;
use thiserror::Error;
use uuid::Uuid;

use crate::{TagRule, Tags, ThemeId};

/// Themes live in this namespace (version 5 UUIDs). It never changes: the ids are in walkers' profiles.
const THEMES: Uuid = Uuid::from_u128(0x8f1c_6a5e_2d47_5b0a_9c63_71e0_4b8d_2f95);

/// The themes that this build knows by itself.
const BUNDLED: &str = include_str!("../../../config/themes.yaml");

/// A reason to stop: what a walker picks, and which places belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterestTheme {
    /// Made from the key.
    pub id: ThemeId,
    /// Short and lasting, such as `street_art`.
    pub key: String,
    /// What a walker reads, such as "Street Art".
    pub name: String,
    /// One sentence more.
    pub description: String,
    /// Name of an icon of the Maki set.
    pub icon: String,
    /// A place belongs here where one of these holds.
    pub rules: Vec<TagRule>,
}

impl InterestTheme {
    /// The id of the theme with this key, on every installation.
    pub fn id_of(key: &str) -> ThemeId {
        ThemeId(Uuid::new_v5(&THEMES, key.as_bytes()))
    }
}

/// All themes, in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThemeCatalogue {
    themes: Vec<InterestTheme>,
    never: Vec<TagRule>,
    keys: HashSet<String>,
}

/// What is wrong with a themes file, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ThemesError {
    /// The file as a whole.
    #[error("not a themes file: {0}")]
    File(String),
    /// A theme in it.
    #[error("theme {theme}: {why}")]
    Theme {
        /// Its key, or its place in the list where it has none.
        theme: String,
        /// What is wrong.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    never: Vec<Value>,
    themes: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    key: String,
    name: String,
    description: String,
    icon: String,
    rules: Vec<Value>,
}

impl ThemeCatalogue {
    /// Reads a themes file.
    pub fn parse(yaml: &str) -> Result<Self, ThemesError> {
        // Each theme is read by itself, so that an error can name it.
        let File { never, themes } =
            serde_saphyr::from_str(yaml).map_err(|error| ThemesError::File(error.to_string()))?;
        let never = rules(&never).map_err(|why| ThemesError::File(format!("never: {why}")))?;
        let mut catalogue = Self { themes: Vec::new(), never, keys: HashSet::new() };
        for (index, value) in themes.into_iter().enumerate() {
            let key = value.get("key").and_then(Value::as_str).map(str::to_owned);
            let label = key.unwrap_or_else(|| format!("number {}", index + 1));
            catalogue.add(value).map_err(|why| ThemesError::Theme { theme: label, why })?;
        }
        if catalogue.themes.is_empty() {
            return Err(ThemesError::File("it has no themes".into()));
        }
        Ok(catalogue)
    }

    /// The catalogue of `config/themes.yaml`, as it was when this program was built.
    pub fn bundled() -> Self {
        Self::parse(BUNDLED).expect("a test reads the bundled themes")
    }

    /// The themes, in the order in which they are shown.
    pub fn themes(&self) -> &[InterestTheme] {
        &self.themes
    }

    /// The themes a place with these tags belongs to, sorted.
    pub fn themes_of(&self, tags: &Tags) -> Vec<ThemeId> {
        let fits = |theme: &&InterestTheme| theme.rules.iter().any(|rule| rule.holds(tags));
        if self.never.iter().any(|rule| rule.holds(tags)) {
            return Vec::new();
        }
        let mut ids: Vec<ThemeId> = self.themes.iter().filter(fits).map(|theme| theme.id).collect();
        ids.sort_unstable();
        ids
    }

    /// Some rule demands this key: a place without any such key belongs to no theme, which is quickly seen.
    pub fn asks_about(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    fn add(&mut self, value: Value) -> Result<(), String> {
        let entry: Entry = serde_json::from_value(value).map_err(|error| error.to_string())?;
        let is_key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if entry.key.is_empty() || !entry.key.chars().all(is_key) {
            return Err("a key is made of a-z, 0-9 and _".into());
        }
        for (field, text) in
            [("name", &entry.name), ("description", &entry.description), ("icon", &entry.icon)]
        {
            if text.trim().is_empty() {
                return Err(format!("{field} is empty"));
            }
        }
        if self.themes.iter().any(|theme| theme.key == entry.key) {
            return Err("another theme has the same key".into());
        }
        if self.themes.iter().any(|theme| theme.name == entry.name) {
            return Err(format!("another theme is also called {}", entry.name));
        }
        let rules = rules(&entry.rules)?;
        if rules.is_empty() {
            return Err("it has no rules".into());
        }
        self.keys.extend(rules.iter().filter_map(|rule| Some(rule.all.first()?.key.clone())));
        self.themes.push(InterestTheme {
            id: InterestTheme::id_of(&entry.key),
            key: entry.key,
            name: entry.name,
            description: entry.description,
            icon: entry.icon,
            rules,
        });
        Ok(())
    }
}

fn rules(values: &[Value]) -> Result<Vec<TagRule>, String> {
    let read = |(index, value): (usize, &Value)| {
        TagRule::deserialize(value).map_err(|error| format!("rule {}: {error}", index + 1))
    };
    values.iter().enumerate().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poi::tags;

    fn names_of(text: &str) -> Vec<String> {
        let catalogue = ThemeCatalogue::bundled();
        let ids = catalogue.themes_of(&tags(text));
        let named = catalogue.themes().iter().filter(|theme| ids.contains(&theme.id));
        named.map(|theme| theme.name.clone()).collect()
    }

    fn wrong(yaml: &str) -> String {
        ThemeCatalogue::parse(yaml).unwrap_err().to_string()
    }

    fn theme(fields: &str) -> String {
        format!("{{key: art, name: Art, description: Things, icon: museum, {fields}}}")
    }

    #[test]
    fn the_bundled_themes_are_about_twenty_and_street_art_is_one() {
        let catalogue = ThemeCatalogue::bundled();
        assert!((18..=24).contains(&catalogue.themes().len()));
        assert!(catalogue.themes().iter().any(|theme| theme.name == "Street Art"));
    }

    #[test]
    fn a_theme_keeps_its_id_for_ever() {
        assert_eq!(InterestTheme::id_of("street_art").to_string(), "65a6a9ef-0a93-5eaa-85d5-b22bb886a87f");
    }

    #[test]
    fn places_find_their_themes() {
        assert_eq!(names_of("tourism=artwork artwork_type=mural"), ["Street Art"]);
        assert_eq!(names_of("amenity=cafe name=Engel"), ["Cafés"]);
        assert!(names_of("tourism=museum name=Ateneum").contains(&"Museums".to_owned()));
        assert!(names_of("historic=castle name=Häme").contains(&"History".to_owned()));
    }

    #[test]
    fn street_furniture_is_no_place() {
        for text in
            ["amenity=bench name=Ann", "amenity=parking name=Stockmann", "amenity=toilets", "amenity=atm"]
        {
            assert!(names_of(text).is_empty(), "{text}");
        }
        assert!(names_of("amenity=cafe").is_empty(), "a café without a name is not worth a detour");
        assert!(names_of("historic=memorial memorial=bench name=Ann").is_empty());
    }

    #[test]
    fn errors_name_the_theme_at_fault() {
        let art = theme("rules: [{tourism: artwork}]");
        let same_name = art.replace("key: art", "key: art2");
        for (yaml, error) in [
            (format!("themes: [{art}, {art}]"), "theme art: another theme has the same key"),
            (format!("themes: [{art}, {same_name}]"), "theme art2: another theme is also called Art"),
            (format!("themes: [{}]", theme("rules: []")), "theme art: it has no rules"),
            (format!("themes: [{}]", theme("rules: [{}]")), "theme art: rule 1: a rule must demand"),
            (format!("themes: [{}]", theme("rules: [{a: []}]")), "theme art: rule 1: a: an empty list"),
            (format!("themes: [{}]", theme("rules: [{a: 1}]")), "theme art: rule 1: a: 1 is not a tag value"),
            (
                format!("themes: [{}]", theme("colour: red, rules: [{a: b}]")),
                "theme art: unknown field `colour`",
            ),
            ("themes: [{name: Art}]".into(), "theme number 1: missing field `key`"),
            ("themes: []".into(), "not a themes file: it has no themes"),
            ("themes: [".into(), "not a themes file: "),
            (format!("theme: 1\nthemes: [{art}]"), "not a themes file: "),
        ] {
            assert!(wrong(&yaml).starts_with(error), "{yaml}: {}", wrong(&yaml));
        }
    }
}
