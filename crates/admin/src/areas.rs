use store::{Database, EnrichmentRow, enrichments};

use crate::Postgres;

/// Tells where walkers found too little, and what became of it.
#[expect(clippy::print_stdout, reason = "this is what the operator asked for")]
pub(crate) async fn run(postgres: &Postgres) -> anyhow::Result<()> {
    let database = Database::new(&postgres.database_url, 1, "wildside-admin")?;
    let rows = enrichments(&database).await?;
    database.close().await;
    println!("{:26} {:24} {:7} {:16} {:16} result", "middle of the area", "theme", "status", "ended", "due");
    for row in rows {
        println!("{}", line(&row));
    }
    Ok(())
}

fn line(row: &EnrichmentRow) -> String {
    let minute = |time: chrono::DateTime<chrono::Utc>| time.format("%Y-%m-%d %H:%M").to_string();
    let middle = row.area.bounds().center();
    let middle = middle.map_or_else(String::new, |at| format!("{:.4}, {:.4}", at.lon(), at.lat()));
    let result = match (&row.error, row.result) {
        (Some(error), _) => error.clone(),
        (None, Some([found, added, 0])) => format!("{found} found, {added} new"),
        (None, Some([found, added, skipped])) => format!("{found} found, {added} new, {skipped} unreadable"),
        (None, None) => String::new(),
    };
    let ended = row.finished_at.map_or_else(|| "-".into(), minute);
    let (theme, status, due) = (&row.theme, &row.status, minute(row.due_at));
    format!("{middle:26} {theme:24} {status:7} {ended:16} {due:16} {result}")
}
