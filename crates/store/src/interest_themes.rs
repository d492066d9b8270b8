use domain::{ThemeCatalogue, ThemeId};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::{Database, StoreError};

/// A theme as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThemeRow {
    /// Which.
    pub id: ThemeId,
    /// What a walker reads.
    pub name: String,
    /// One sentence more.
    pub description: String,
    /// Name of an icon.
    pub icon: String,
    /// How many places are known for it.
    pub poi_count: i64,
}

/// The themes that can be picked, in the order of the catalogue.
pub async fn interest_themes(database: &Database) -> Result<Vec<ThemeRow>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT id, name, coalesce(description, '') AS "description!", icon, poi_count
           FROM interest_themes WHERE retired_at IS NULL ORDER BY position, id"#
    )
    .fetch_all(&database.pool)
    .await?;
    let themes = rows.into_iter().map(|row| ThemeRow {
        id: ThemeId(row.id),
        name: row.name,
        description: row.description,
        icon: row.icon,
        poi_count: row.poi_count,
    });
    Ok(themes.collect())
}

/// Those of the themes that are unknown or retired, in the order given.
pub async fn unknown_themes(
    executor: impl PgExecutor<'_>,
    themes: &[ThemeId],
) -> Result<Vec<ThemeId>, StoreError> {
    let ids: Vec<Uuid> = themes.iter().map(|theme| theme.0).collect();
    let known =
        sqlx::query_scalar!("SELECT id FROM interest_themes WHERE id = ANY($1) AND retired_at IS NULL", &ids)
            .fetch_all(executor)
            .await?;
    Ok(themes.iter().copied().filter(|theme| !known.contains(&theme.0)).collect())
}

/// Makes the themes in the database those of the catalogue. A theme that is not in it is retired, never deleted: old
/// routes and profiles speak of it. Which places belong to a theme is settled by the next ingest.
pub async fn sync_themes(database: &Database, catalogue: &ThemeCatalogue) -> Result<(), StoreError> {
    let mut transaction = database.begin().await?;
    sync_themes_on(&mut transaction, catalogue).await?;
    transaction.commit().await?;
    Ok(())
}

pub(crate) async fn sync_themes_on(
    connection: &mut PgConnection,
    catalogue: &ThemeCatalogue,
) -> Result<(), StoreError> {
    let themes = catalogue.themes();
    let ids: Vec<Uuid> = themes.iter().map(|theme| theme.id.0).collect();
    let column = |field: fn(&domain::InterestTheme) -> &String| {
        themes.iter().map(|theme| field(theme).clone()).collect()
    };
    let keys: Vec<String> = column(|theme| &theme.key);
    let names: Vec<String> = column(|theme| &theme.name);
    let descriptions: Vec<String> = column(|theme| &theme.description);
    let icons: Vec<String> = column(|theme| &theme.icon);
    // Two programs that start at once must not retire each other's themes half-way.
    sqlx::query!("LOCK TABLE interest_themes IN SHARE ROW EXCLUSIVE MODE").execute(&mut *connection).await?;
    sqlx::query!(
        "UPDATE interest_themes SET retired_at = now() WHERE id <> ALL($1) AND retired_at IS NULL",
        &ids
    )
    .execute(&mut *connection)
    .await?;
    // A name may move from one theme to another. Whoever had it goes by its key, until it gets its own new name below.
    sqlx::query!(
        "UPDATE interest_themes AS t SET name = t.key
         FROM unnest($1::uuid[], $2::text[]) AS wanted (id, name)
         WHERE t.name = wanted.name AND t.id <> wanted.id",
        &ids,
        &names
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO interest_themes AS t (id, key, name, description, icon, position)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])
                       WITH ORDINALITY AS wanted (id, key, name, description, icon, position)
         ON CONFLICT (id) DO UPDATE
         SET name = excluded.name, description = excluded.description, icon = excluded.icon,
             position = excluded.position, retired_at = NULL
         WHERE (t.name, t.description, t.icon, t.position, t.retired_at)
               IS DISTINCT FROM (excluded.name, excluded.description, excluded.icon, excluded.position, NULL)",
        &ids,
        &keys,
        &names,
        &descriptions,
        &icons
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}
