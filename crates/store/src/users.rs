use domain::{Accessibility, RouteRequest, ThemeId, User, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Database, StoreError, unknown_themes};

/// A walker's row in `users`, at a write of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// There was one.
    Known,
    /// This write is the walker's first.
    New,
    /// The walker was erased: nothing may be written for them.
    Erased,
}

/// Writes a walker's row if there is none yet, and locks it until the transaction ends. Whoever only holds a cookie has
/// no row.
pub(crate) async fn ensure_user(connection: &mut PgConnection, id: UserId) -> Result<Account, StoreError> {
    if lock_user(connection, id).await? {
        return Ok(Account::Known);
    }
    // Waits for a transaction that writes or erases the same walker. A statement of its own looks for the erasure: this
    // one's snapshot may be older than that.
    let written = sqlx::query!("INSERT INTO users (id) VALUES ($1) ON CONFLICT DO NOTHING", id.0)
        .execute(&mut *connection)
        .await?;
    let erased = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM session_revocations WHERE user_id = $1 AND erased) AS "erased!""#,
        id.0
    )
    .fetch_one(&mut *connection)
    .await?;
    match (erased, written.rows_affected()) {
        (true, _) => Ok(Account::Erased),
        (false, 1) => Ok(Account::New),
        _ if lock_user(connection, id).await? => Ok(Account::Known),
        _ => Ok(Account::Erased),
    }
}

async fn lock_user(connection: &mut PgConnection, id: UserId) -> Result<bool, StoreError> {
    let row = sqlx::query_scalar!("SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE", id.0)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

/// A walker's profile: of one who has not written anything yet, the one that everybody begins with.
pub async fn user(database: &Database, id: UserId) -> Result<User, StoreError> {
    let row = sqlx::query!(
        r#"SELECT u.revision,
                  ARRAY(SELECT theme_id FROM user_interest_themes WHERE user_id = u.id ORDER BY theme_id) AS "themes!",
                  (SELECT params FROM route_requests WHERE user_id = u.id ORDER BY created_at DESC LIMIT 1) AS params
           FROM users u WHERE u.id = $1"#,
        id.0
    )
    .fetch_optional(&database.pool)
    .await?;
    let Some(row) = row else {
        return Ok(User {
            id,
            revision: FIRST_REVISION,
            interest_theme_ids: Vec::new(),
            popularity_bias: RouteRequest::DEFAULT_POPULARITY_BIAS,
            accessibility: Accessibility::default(),
        });
    };
    let latest = row.params.and_then(|params| RouteRequest::parse(&params).ok());
    Ok(User {
        id,
        revision: row.revision,
        interest_theme_ids: row.themes.into_iter().map(ThemeId).collect(),
        popularity_bias: latest
            .as_ref()
            .map_or(RouteRequest::DEFAULT_POPULARITY_BIAS, RouteRequest::popularity_bias),
        accessibility: latest.as_ref().map_or(Accessibility::default(), RouteRequest::accessibility),
    })
}

/// Notes that a walker was here, where they have a row. Once a day is enough.
pub async fn note_activity(database: &Database, id: UserId) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE users SET active_at = now() WHERE id = $1 AND active_at < now() - interval '1 day'",
        id.0
    )
    .execute(&database.pool)
    .await?;
    Ok(())
}

/// The revision of a profile that was never changed: the default of `users.revision`.
const FIRST_REVISION: i64 = 1;

/// How a change of interests went.
#[derive(Debug, PartialEq, Eq)]
pub enum InterestsChange {
    /// They are as asked for.
    Done {
        /// The change is the walker's first write.
        signed_up: bool,
    },
    /// Somebody else changed the profile first; it is at this revision now.
    LostUpdate(i64),
    /// These themes do not exist.
    UnknownThemes(Vec<ThemeId>),
    /// The walker was erased.
    Erased,
}

/// Replaces a walker's interests. With `expected_revision`, only if the profile is still at it.
pub async fn set_interests(
    database: &Database,
    id: UserId,
    themes: &[ThemeId],
    expected_revision: Option<i64>,
) -> Result<InterestsChange, StoreError> {
    let mut transaction = database.begin().await?;
    let account = ensure_user(&mut transaction, id).await?;
    if account == Account::Erased {
        return Ok(InterestsChange::Erased);
    }
    let revision = sqlx::query_scalar!("SELECT revision FROM users WHERE id = $1", id.0)
        .fetch_one(&mut *transaction)
        .await?;
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
    sqlx::query!(
        "UPDATE users SET revision = revision + 1, updated_at = now(), active_at = now() WHERE id = $1",
        id.0
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(InterestsChange::Done { signed_up: account == Account::New })
}
