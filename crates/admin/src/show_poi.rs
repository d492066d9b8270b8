use anyhow::Context;
use domain::{PoiId, prominence};
use store::{Database, PoiDetails, interest_themes, poi_details};

use crate::Postgres;

/// Tells everything that is known about a place.
#[expect(clippy::print_stdout, reason = "this is what the editor asked for")]
pub(crate) async fn run(id: PoiId, postgres: &Postgres) -> anyhow::Result<()> {
    let database = Database::new(&postgres.database_url, 1, "wildside-admin")?;
    let themes = interest_themes(&database).await?;
    let details = poi_details(&database, id).await?.with_context(|| format!("there is no place {id}"))?;
    database.close().await;
    let PoiDetails { poi, tags, attribution, dataset, edited, retired } = details;
    let osm = id.osm().map(|(kind, id)| format!("{}/{id}", kind.as_str())).unwrap_or_default();
    let names = themes.iter().filter(|theme| poi.themes.contains(&theme.id)).map(|theme| theme.name.as_str());
    let told_by = if edited { "an editor" } else { "its tags" };
    let rows = [
        ("id", format!("{id}, {osm}")),
        ("name", poi.name.unwrap_or_else(|| "-".into())),
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
    for (what, text) in rows {
        println!("{what:11} {text}");
    }
    for (key, value) in tags {
        println!("  {key} = {value}");
    }
    Ok(())
}
