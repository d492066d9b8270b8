use domain::{Accessibility, RouteRequest, ThemeId, User, UserId};
use uuid::Uuid;

use crate::{Database, StoreError, unknown_themes};

/// Writes a new walker.
pub async fn create_user(database: &Database, id: UserId) -> Result<(), StoreError> {
    sqlx::query!("INSERT INTO users (id) VALUES ($1)", id.0).execute(&database.pool).await?;
    Ok(())
}

/// A walker's profile.
pub async fn user(database: &Database, id: UserId) -> Result<Option<User>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT u.revision,
                  ARRAY(SELECT theme_id FROM user_interest_themes WHERE user_id = u.id ORDER BY theme_id) AS "themes!",
                  (SELECT params FROM route_requests WHERE user_id = u.id ORDER BY created_at DESC LIMIT 1) AS params
           FROM users u WHERE u.id = $1"#,
        id.0
    )
    .fetch_optional(&database.pool)
    .await?;
    Ok(row.map(|row| {
        let latest = row.params.and_then(|params| RouteRequest::parse(&params).ok());
        User {
            id,
            revision: row.revision,
            interest_theme_ids: row.themes.into_iter().map(ThemeId).collect(),
            popularity_bias: latest
                .as_ref()
                .map_or(RouteRequest::DEFAULT_POPULARITY_BIAS, RouteRequest::popularity_bias),
            accessibility: latest.as_ref().map_or(Accessibility::default(), RouteRequest::accessibility),
        }
    }))
}

/// How a change of interests went.
#[derive(Debug, PartialEq, Eq)]
pub enum InterestsChange {
    /// They are as asked for.
    Done,
    /// Somebody else changed the profile first; it is at this revision now.
    LostUpdate(i64),
    /// These themes do not exist.
    UnknownThemes(Vec<ThemeId>),
    /// There is no such walker.
    NoUser,
}

/// Replaces a walker's interests. With `expected_revision`, only if the profile is still at it.
pub async fn set_interests(
    database: &Database,
    id: UserId,
    themes: &[ThemeId],
    expected_revision: Option<i64>,
) -> Result<InterestsChange, StoreError> {
    let mut transaction = database.begin().await?;
    let Some(revision) = sqlx::query_scalar!("SELECT revision FROM users WHERE id = $1 FOR UPDATE", id.0)
        .fetch_optional(&mut *transaction)
        .await?
    else {
        return Ok(InterestsChange::NoUser);
    };
    if expected_revision.is_some_and(|expected| expected != revision) {
        return Ok(InterestsChange::LostUpdate(revision));
    }
    let unknown = unknown_themes(&mut *transaction, themes).await?;
    if !unknown.is_empty() {
        return Ok(InterestsChange::UnknownThemes(unknown));
    }
    let themes: Vec<Uuid> = themes.iter().map(|theme| theme.0).collect();
    sqlx::query!("DELETE FROM user_interest_themes WHERE user_id = $1", id.0)
        .execute(&mut *transaction)
        .await?;
    sqlx::query!(
        "INSERT INTO user_interest_themes (user_id, theme_id) SELECT $1, unnest($2::uuid[])",
        id.0,
        &themes
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!("UPDATE users SET revision = revision + 1, updated_at = now() WHERE id = $1", id.0)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(InterestsChange::Done)
}
