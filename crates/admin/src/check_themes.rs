use std::fmt::Write;

use domain::{InterestTheme, Place, ThemeCatalogue};
use extract::{Extract, Progress};

use crate::{CheckArgs, ingest::catalogue};

/// Tries the rules of a themes file on an extract and tells how they do.
#[expect(clippy::print_stdout, reason = "this is what the editor asked for")]
pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<()> {
    let catalogue = catalogue(args.themes.as_deref())?;
    let extract = Extract::open(&args.extract, Progress::Told)?;
    let content = extract::read(&extract, &catalogue, None)?;
    print!("{}", report(&catalogue, &content.places, args.samples));
    Ok(())
}

fn report(catalogue: &ThemeCatalogue, places: &[Place], samples: usize) -> String {
    let mut text = String::new();
    // Writing into a text cannot fail.
    let mut line = |it: String| _ = writeln!(text, "{it}");
    line(format!("{} places", places.len()));
    let mut never = Vec::new();
    for theme in catalogue.themes() {
        let of_theme: Vec<&Place> =
            places.iter().filter(|place| place.poi.themes.contains(&theme.id)).collect();
        line(format!("{:26} {:6}", theme.name, of_theme.len()));
        let step = of_theme.len().div_ceil(samples.max(1)).max(1);
        for place in of_theme.iter().step_by(step).take(samples) {
            line(format!("    {}", described(place)));
        }
        never.extend(unmatched(theme, places).map(|rule| format!("  {}: {rule}", theme.key)));
    }
    line(format!("\n{} rules match nothing here", never.len()));
    never.into_iter().for_each(&mut line);
    text
}

fn described(place: &Place) -> String {
    let name = place.poi.name.as_deref().unwrap_or("(no name)");
    let narrative = place.poi.narrative.as_deref().unwrap_or("(no narrative)");
    format!("{name} ({}, popularity {:.2}): {narrative}", place.poi.kind, place.poi.popularity_score)
}

fn unmatched<'a>(theme: &'a InterestTheme, places: &[Place]) -> impl Iterator<Item = String> + use<'a> {
    let matched: Vec<bool> =
        theme.rules.iter().map(|rule| places.iter().any(|place| rule.holds(&place.tags))).collect();
    theme.rules.iter().zip(matched).filter(|(_, matched)| !matched).map(|(rule, _)| rule.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Coordinate, OsmKind, Poi, PoiId, PopularityScale, Tags};

    #[test]
    fn it_counts_places_and_names_rules_that_never_match() {
        let yaml = "themes: [{key: art, name: Art, description: Things, icon: museum,
                              rules: [{tourism: artwork, nameless: true}, {amenity: [studio, atelier]}]}]";
        let catalogue = ThemeCatalogue::parse(yaml).unwrap_or_else(|error| panic!("{error}"));
        let tags = Tags::from([("tourism".into(), "artwork".into())]);
        let at = Coordinate::new(24.94, 60.17).unwrap_or_else(|| panic!("on Earth"));
        let id = PoiId::of(OsmKind::Node, 1);
        let poi = Poi::from_tags(id, at, &tags, catalogue.themes_of(&tags), &PopularityScale::default());
        let text = report(&catalogue, &[Place { poi, tags, also: vec![] }], 1);
        assert!(text.contains("Art                             1\n    (no name) (tourism=artwork"), "{text}");
        assert!(
            text.ends_with("1 rules match nothing here\n  art: {amenity: [studio, atelier]}\n"),
            "{text}"
        );
    }
}
