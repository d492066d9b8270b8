//! Everything that is held about a walker, as one JSON document that is written in pieces: a walker may have thousands of
//! routes.

use chrono::{DateTime, Utc};
use domain::{Revocation, RevokedSessions, RouteId, UserId};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{Database, StoreError, revocations::revocations_of, routes::route};

/// Requests in one piece of the document.
const BATCH: usize = 20;

/// What is held elsewhere, for the walker to know.
const NOTES: [&str; 4] = [
    "Your session is in a cookie in your browser. We keep no list of sessions, only of those that were ended early.",
    "Copies of generated routes are cached for at most 31 days under a key that does not name you. Rate limits keep \
     a counter under your id, or under your network address, for at most an hour.",
    "Where this installation uses product analytics, events (sign-up, visit, walk computed) were sent under your id and \
     nothing else about you. No name, e-mail address, network address or position goes with them.",
    "Logs tell of requests, not of walkers: each line has the id of a request.",
];

/// A walker's own row.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UserRecord {
    /// Who.
    pub id: Uuid,
    /// The first write; `None` where nothing has been written.
    pub created_at: Option<DateTime<Utc>>,
    /// The newest change of the profile.
    pub updated_at: Option<DateTime<Utc>>,
    /// The newest sign of life, give or take a month.
    pub active_at: Option<DateTime<Utc>>,
    /// Grows with every change of the profile.
    pub revision: Option<i64>,
    /// What they like.
    pub interest_theme_ids: Vec<Uuid>,
}

/// A session, or all, that were ended early.
#[derive(Clone, Debug, Serialize)]
struct EndedSessions {
    at: DateTime<Utc>,
    #[serde(flatten)]
    revocation: Revocation,
}

/// A request of a walker, with what became of it.
#[derive(Clone, Debug, Serialize)]
struct ExportedRequest {
    request_id: Uuid,
    route_id: Uuid,
    status: String,
    error: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    attempts: i32,
    from_cache: bool,
    idempotency_key: Option<String>,
    trace_context: Option<String>,
    params: Value,
    /// Themes for which more places were looked for on behalf of this request, and the walker has not heard yet.
    waiting_for_theme_ids: Vec<Uuid>,
    saved_at: Option<DateTime<Utc>>,
    route: Option<domain::Route>,
}

/// Writes the document.
#[derive(Debug)]
pub struct UserExport {
    database: Database,
    /// The walker's own row.
    pub user: UserRecord,
    /// How many routes they have saved.
    pub saved_routes: i64,
    ended: Vec<EndedSessions>,
    requests: Vec<Uuid>,
    /// Requests that have been written; `None` before the first piece.
    written: Option<usize>,
    /// Before the next request.
    separator: &'static str,
    done: bool,
}

/// Begins to export a walker: one who has written nothing has an empty document.
pub async fn export_user(database: &Database, id: UserId) -> Result<UserExport, StoreError> {
    let user = sqlx::query_as!(
        UserRecord,
        r#"SELECT id, created_at AS "created_at?", updated_at AS "updated_at?", active_at AS "active_at?",
                  revision AS "revision?",
                  ARRAY(SELECT theme_id FROM user_interest_themes WHERE user_id = users.id ORDER BY theme_id)
                      AS "interest_theme_ids!"
           FROM users WHERE id = $1"#,
        id.0
    )
    .fetch_optional(&database.pool)
    .await?;
    let requests =
        sqlx::query_scalar!("SELECT id FROM route_requests WHERE user_id = $1 ORDER BY created_at, id", id.0)
            .fetch_all(&database.pool)
            .await?;
    let saved_routes = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM routes WHERE user_id = $1 AND saved_at IS NOT NULL"#,
        id.0
    )
    .fetch_one(&database.pool)
    .await?;
    let ended = revocations_of(&database.pool, id).await?;
    Ok(UserExport {
        database: database.clone(),
        user: user.unwrap_or(UserRecord { id: id.0, ..UserRecord::default() }),
        saved_routes,
        ended: ended.into_iter().map(|(at, revocation)| EndedSessions { at, revocation }).collect(),
        requests,
        written: None,
        separator: "\n",
        done: false,
    })
}

impl UserExport {
    /// How many requests the walker has.
    pub fn requests(&self) -> usize {
        self.requests.len()
    }

    /// How many of their sessions, or times all of them, were ended early.
    pub fn ended_sessions(&self) -> usize {
        self.ended.len()
    }

    /// The walker was erased.
    pub fn is_erased(&self) -> bool {
        self.ended.iter().any(|ended| ended.revocation.scope == RevokedSessions::OfErased)
    }

    /// The next piece of the document; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<String>, StoreError> {
        let Some(written) = self.written else {
            self.written = Some(0);
            return self.head().map(Some);
        };
        let batch = &self.requests[written..(written + BATCH).min(self.requests.len())];
        if batch.is_empty() {
            let end = (!self.done).then(|| "\n]}\n".to_owned());
            self.done = true;
            return Ok(end);
        }
        let mut piece = String::new();
        for id in batch {
            // Gone meanwhile: then it is held no longer.
            let Some(request) = exported_request(&self.database, UserId(self.user.id), *id).await? else {
                continue;
            };
            piece.push_str(self.separator);
            piece.push_str(&json(&request)?);
            self.separator = ",\n";
        }
        self.written = Some(written + batch.len());
        Ok(Some(piece))
    }

    /// All but the requests, which are the last member.
    fn head(&self) -> Result<String, StoreError> {
        Ok(format!(
            "{{\"exported_at\": {},\n\"user\": {},\n\"ended_sessions\": {},\n\"notes\": {},\n\"route_requests\": [",
            json(&Utc::now())?,
            json(&self.user)?,
            json(&self.ended)?,
            json(&NOTES)?,
        ))
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Unreadable { what: "value", why: error.to_string() })
}

async fn exported_request(
    database: &Database,
    user: UserId,
    id: Uuid,
) -> Result<Option<ExportedRequest>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT q.id, q.route_id, q.status, q.error, q.created_at, q.updated_at, q.attempt, q.from_cache,
                  q.idempotency_key, q.traceparent, q.params, r.saved_at AS "saved_at?",
                  ARRAY(SELECT theme_id FROM enrichment_requests WHERE request_id = q.id ORDER BY theme_id)
                      AS "waiting!"
           FROM route_requests AS q LEFT JOIN routes AS r ON r.request_id = q.id
           WHERE q.id = $1 AND q.user_id = $2"#,
        id,
        user.0
    )
    .fetch_optional(&database.pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let state = route(database, user, RouteId(row.route_id)).await?;
    Ok(Some(ExportedRequest {
        request_id: row.id,
        route_id: row.route_id,
        status: row.status,
        error: row.error,
        created_at: row.created_at,
        updated_at: row.updated_at,
        attempts: row.attempt,
        from_cache: row.from_cache,
        idempotency_key: row.idempotency_key,
        trace_context: row.traceparent,
        params: row.params,
        waiting_for_theme_ids: row.waiting,
        saved_at: row.saved_at,
        route: state.and_then(|state| state.route),
    }))
}
