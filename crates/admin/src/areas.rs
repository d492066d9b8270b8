use store::{Database, EnrichmentRow, enrichments};

use crate::Postgres;

/// Tells where walkers found too little, and what became of it.
#[expect(clippy::print_stdout, reason = "this is what the operator asked for")]
pub(crate) async fn run(postgres: &Postgres) -> anyhow::Result<()> {
    let database = Database::new(&postgres.url()?, 1, "wildside-admin")?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_where_of_what_when_and_with_what_result() {
        let noon = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap_or_default();
        let mut row = EnrichmentRow {
            area: "12-2331-1185-2331-1185".parse().unwrap_or_else(|error| panic!("{error}")),
            theme: "Books & Libraries".into(),
            status: "done".into(),
            wanted_at: noon,
            finished_at: Some(noon),
            due_at: noon,
            result: Some([12, 3, 0]),
            error: None,
        };
        let told = |row: &EnrichmentRow| line(row).split("  ").map(str::trim).collect::<Vec<_>>().join("|");
        let done = told(&row);
        assert!(done.starts_with("24.9170, 60.1"), "{done}");
        assert!(done.contains("Books & Libraries"), "{done}");
        assert!(done.ends_with("2023-11-14 22:13 12 found, 3 new"), "{done}");
        row.result = Some([12, 3, 1]);
        assert!(line(&row).ends_with("12 found, 3 new, 1 unreadable"), "{}", line(&row));
        row.error = Some("not now: 429".into());
        assert!(line(&row).ends_with("not now: 429"), "{}", line(&row));
        (row.finished_at, row.result, row.error) = (None, None, None);
        assert!(line(&row).trim_end().ends_with("2023-11-14 22:13"), "{}", line(&row));
    }
}
