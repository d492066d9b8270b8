use anyhow::Context;
use domain::{PoiId, english_name, prominence};
use store::{Database, PoiDetails, ThemeRow, interest_themes, poi_details};

use crate::Postgres;

/// Tells everything that is known about a place.
#[expect(clippy::print_stdout, reason = "this is what the editor asked for")]
pub(crate) async fn run(id: PoiId, postgres: &Postgres) -> anyhow::Result<()> {
    let database = Database::new(&postgres.url()?, 1, "wildside-admin")?;
    let themes = interest_themes(&database).await?;
    let details = poi_details(&database, id).await?;
    let details = details.with_context(|| format!("no place is known as {id}{}", in_osm(id)))?;
    database.close().await;
    print!("{}", report(details, &themes));
    Ok(())
}

fn in_osm(id: PoiId) -> String {
    id.osm().map_or_else(String::new, |(kind, id)| format!(", {}/{id}", kind.as_str()))
}

fn report(details: PoiDetails, themes: &[ThemeRow]) -> String {
    let PoiDetails { poi, tags, attribution, dataset, edited, retired } = details;
    let id = poi.id;
    let names = themes.iter().filter(|theme| poi.themes.contains(&theme.id)).map(|theme| theme.name.as_str());
    let told_by = if edited { "an editor" } else { "its tags" };
    let rows = [
        ("id", format!("{id}{}", in_osm(id))),
        ("name", poi.name.unwrap_or_else(|| "-".into())),
        ("in English", english_name(&tags).unwrap_or("-").to_owned()),
        ("where", format!("{:.7}, {:.7}", poi.location.lon(), poi.location.lat())),
        ("kind", poi.kind),
        ("themes", names.collect::<Vec<_>>().join(", ")),
        ("popularity", format!("{:.2}, from a prominence of {:.2}", poi.popularity_score, prominence(&tags))),
        ("dwell", format!("{} min", poi.dwell_s / 60)),
        ("narrative", poi.narrative.unwrap_or_else(|| "-".into())),
        ("told by", told_by.into()),
        ("from", format!("{dataset}; {attribution}")),
        ("retired", if retired { "yes: gone from the newest data".into() } else { "no".into() }),
    ];
    let rows = rows.into_iter().map(|(what, text)| format!("{what:11} {text}\n"));
    rows.chain(tags.iter().map(|(key, value)| format!("  {key} = {value}\n"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Coordinate, OsmKind, Poi, PopularityScale, Tags, ThemeId};

    #[test]
    fn an_editor_reads_all_that_is_known() {
        let tags = [
            ("name", "Kolme seppää"),
            ("name:en", "The Three Smiths"),
            ("opening_hours", "24/7"),
            ("tourism", "artwork"),
        ];
        let tags: Tags = tags.map(|(key, value)| (key.into(), value.into())).into();
        let theme = ThemeRow {
            id: "f47ac10b-58cc-4372-a567-0e02b2c3d479".parse().unwrap_or(ThemeId(Default::default())),
            name: "Street Art".into(),
            description: "Art".into(),
            icon: "paint".into(),
            poi_count: 1,
        };
        let at = Coordinate::new(24.94, 60.17).unwrap_or_else(|| panic!("on Earth"));
        let id = PoiId::of(OsmKind::Node, 12);
        let poi = Poi::from_tags(id, at, &tags, vec![theme.id], &PopularityScale::default());
        let (attribution, dataset) = ("© all".into(), "town".into());
        let details = PoiDetails { poi, tags, attribution, dataset, edited: true, retired: false };
        let expected = "\
id          48, node/12
name        Kolme seppää
in English  The Three Smiths
where       24.9400000, 60.1700000
kind        tourism=artwork
themes      Street Art
popularity  0.11, from a prominence of 0.11
dwell       2 min
narrative   “The Three Smiths” is a work of art.
told by     an editor
from        town; © all
retired     no
  name = Kolme seppää
  name:en = The Three Smiths
  opening_hours = 24/7
  tourism = artwork
";
        assert_eq!(report(details, &[theme]), expected);
    }
}
