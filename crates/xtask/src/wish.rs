use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};
use testbed::Walker;

/// In the middle of the bundled city: by the Three Smiths in Helsinki.
const START: [f64; 2] = [24.9410, 60.1687];

/// What most people would like to see.
const THEMES: [&str; 3] = ["Street Art", "History", "Architecture"];

/// What one wishes of a walk.
#[derive(Args, Clone, Default)]
pub(crate) struct Wish {
    /// What to see, by name; may be given several times [default: street art, history and architecture]
    #[arg(long = "theme", value_name = "NAME")]
    pub themes: Vec<String>,
    /// How long the walk may take, stops included
    #[arg(long, default_value_t = 60)]
    pub minutes: u32,
    /// Take no steps where there is a way around
    #[arg(long)]
    pub avoid_stairs: bool,
    /// Rather take streets that are lit
    #[arg(long)]
    pub prefer_well_lit: bool,
    /// From 0, hidden gems, to 1, hotspots
    #[arg(long, value_name = "0-1")]
    pub bias: Option<f64>,
    /// Where to start [default: the middle of the bundled city]
    #[arg(long, value_name = "LON,LAT", value_parser = lon_lat, allow_hyphen_values = true)]
    pub start: Option<Place>,
    /// Where to end [default: back at the start]
    #[arg(long, value_name = "LON,LAT", value_parser = lon_lat, allow_hyphen_values = true)]
    pub end: Option<Place>,
    /// Another number, another walk for the same wish
    #[arg(long)]
    pub seed: Option<u32>,
    /// When to start, by the clocks there: stop only at what is open [default: whatever the hour]
    #[arg(long, value_name = "YYYY-MM-DDTHH:MM")]
    pub start_time: Option<String>,
}

/// Longitude and latitude in degrees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place([f64; 2]);

fn lon_lat(text: &str) -> Result<Place, String> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|number| number.trim().parse()).collect();
    match numbers.as_deref() {
        Ok(&[lon, lat]) => Ok(Place([lon, lat])),
        _ => Err("two numbers in degrees, such as 24.94,60.17, are wanted".into()),
    }
}

impl Wish {
    /// As the body of POST /api/v1/routes.
    pub fn body(&self, themes: &[Theme]) -> anyhow::Result<Value> {
        let point = |place: [f64; 2]| json!({"type": "Point", "coordinates": place});
        let ids: Vec<&str> = self.chosen(themes)?.iter().map(|theme| theme.id.as_str()).collect();
        let mut body = json!({
            "start_location": point(self.start.map_or(START, |place| place.0)),
            "duration_minutes": self.minutes,
            "interest_theme_ids": ids,
            "accessibility": {"avoid_stairs": self.avoid_stairs, "prefer_well_lit": self.prefer_well_lit},
        });
        if let Some(bias) = self.bias {
            body["popularity_bias"] = json!(bias);
        }
        if let Some(end) = self.end {
            body["end_location"] = point(end.0);
        }
        if let Some(seed) = self.seed {
            body["seed"] = json!(seed);
        }
        if let Some(time) = &self.start_time {
            body["start_time"] = json!(time);
        }
        Ok(body)
    }

    fn chosen<'a>(&self, known: &'a [Theme]) -> anyhow::Result<Vec<&'a Theme>> {
        let find = |name: &str| known.iter().find(|theme| theme.name.eq_ignore_ascii_case(name.trim()));
        let mut chosen = Vec::new();
        let names: Vec<&str> = self.themes.iter().map(String::as_str).collect();
        for name in if names.is_empty() { &THEMES[..] } else { &names } {
            let Some(theme) = find(name) else {
                let names: Vec<&str> = known.iter().map(|theme| theme.name.as_str()).collect();
                bail!("there is no theme {name:?}; there are: {}", names.join(", "));
            };
            chosen.push(theme);
        }
        Ok(chosen)
    }
}

/// A reason to stop, as the API tells it.
#[derive(Clone, Debug)]
pub(crate) struct Theme {
    pub id: String,
    pub name: String,
}

/// All themes that the API knows.
pub(crate) async fn themes(walker: &Walker) -> anyhow::Result<Vec<Theme>> {
    let answer = walker.get("/api/v1/interest-themes").await?.success()?.json();
    let list = answer.as_array().or_else(|| answer.as_object()?.values().find_map(Value::as_array));
    let theme = |theme: &Value| {
        let text = |name: &str| theme[name].as_str().map(String::from);
        Some(Theme { id: text("id")?, name: text("name")? })
    };
    let themes = list.and_then(|list| list.iter().map(theme).collect::<Option<Vec<_>>>());
    themes.with_context(|| format!("the list of themes has another form: {answer}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<Theme> {
        let theme = |id: &str, name: &str| Theme { id: id.into(), name: name.into() };
        vec![theme("a", "Street Art"), theme("b", "History"), theme("c", "Music"), theme("d", "Architecture")]
    }

    #[test]
    fn themes_are_found_by_name_in_any_case() {
        let wish = Wish { themes: vec!["street art".into()], minutes: 45, ..Wish::default() };
        let body = wish.body(&known()).unwrap();
        assert_eq!(body["interest_theme_ids"], json!(["a"]));
        assert_eq!(body.get("popularity_bias"), None);
    }

    #[test]
    fn an_unknown_theme_is_answered_with_the_known_ones() {
        let wish = Wish { themes: vec!["Dragons".into()], ..Wish::default() };
        let error = wish.body(&known()).unwrap_err().to_string();
        assert!(error.contains("Street Art, History"), "{error}");
    }

    #[test]
    fn without_a_theme_it_is_what_most_would_like_to_see() {
        let body = Wish::default().body(&known()).unwrap();
        assert_eq!(body["interest_theme_ids"], json!(["a", "b", "d"]));
    }

    #[test]
    fn places_are_read_as_longitude_and_latitude() {
        assert_eq!(lon_lat("-3.19, 55.95").unwrap().0, [-3.19, 55.95]);
        assert!(lon_lat("55.95").is_err() && lon_lat("here,there").is_err());
    }
}
