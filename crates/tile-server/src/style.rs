//! The look of the map, as a style that MapLibre reads: `config/map-style.json` with the addresses filled in.

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use crate::glyphs::Fonts;

const STYLE: &str = include_str!("../../../config/map-style.json");

/// The style, with a route on top if one is named.
pub(crate) fn style(public_url: &str, route: Option<&str>) -> Result<Value, String> {
    let mut style: Value =
        serde_json::from_str(STYLE).map_err(|error| format!("the style is broken: {error}"))?;
    let tiles = |path: &str| format!("{public_url}/tiles/{path}");
    style["glyphs"] = tiles("fonts/{fontstack}/{range}.pbf").into();
    style["sprite"] = tiles("sprites/icons").into();
    style["sources"] = json!({
        "base": {"type": "vector", "url": tiles("base.json")},
        // From Martin, which knows of no time limit of its own: nothing is asked for far out, where they would be a blot.
        "pois": {"type": "vector", "tiles": [tiles("pois/{z}/{x}/{y}.pbf")], "minzoom": 12, "maxzoom": 16},
        "route": {"type": "geojson", "data": {"type": "FeatureCollection", "features": []}}
    });
    if let Some(id) = route {
        if !is_uuid(id) {
            return Err(format!("{id:?} is no id of a route."));
        }
        style["sources"]["route"] = json!({
            "type": "vector", "tiles": [tiles(&format!("routes/{id}/{{z}}/{{x}}/{{y}}.pbf"))], "minzoom": 0, "maxzoom": 16
        });
        for layer in style["layers"].as_array_mut().into_iter().flatten() {
            if layer["source"] == "route" {
                layer["source-layer"] = "route".into();
            }
        }
    }
    Ok(style)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// Whether every font that the style names is there.
pub(crate) fn check(fonts: &Fonts) -> anyhow::Result<()> {
    let style: Value = serde_json::from_str(STYLE).context("config/map-style.json")?;
    for layer in style["layers"].as_array().into_iter().flatten() {
        let Some(wanted) = layer["layout"]["text-font"].as_array() else { continue };
        // A browser asks for all of a list at one address, and each list would be another one.
        let [Value::String(font)] = &wanted[..] else {
            bail!("the style wants several fonts for one text: {wanted:?}")
        };
        ensure!(fonts.has(font), "the style wants the font {font:?}, and ASSETS_DIR has no fonts/{font}.ttf");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_route_is_only_ever_an_id() {
        let named = style("https://wildside.example", Some("0198f3c6-7a80-7000-8000-000000000001")).unwrap();
        assert_eq!(
            named["sources"]["route"]["tiles"][0],
            "https://wildside.example/tiles/routes/0198f3c6-7a80-7000-8000-000000000001/{z}/{x}/{y}.pbf"
        );
        for wrong in [
            "",
            "../pois",
            "0198f3c6-7a80-7000-8000-00000000000/",
            "0198F3C6-7a80-7000-8000-000000000001",
            "0198f3c6-7a80-7000-8000-000000000001&route=0198f3c6-7a80-7000-8000-000000000001",
        ] {
            assert!(style("https://wildside.example", Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        let text = style("http://here", None).unwrap().to_string();
        for (place, _) in text.match_indices("http") {
            assert!(text[place..].starts_with("http://here/tiles/"), "{}", &text[place..place + 60]);
        }
    }
}
