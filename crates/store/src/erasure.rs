//! Letting go of a route, or of a walker with all that is theirs. What other stores hold of it is named in the result,
//! for the caller to remove: PostgreSQL comes first, so that nothing can be written anew afterwards.

use deadpool_redis::redis::AsyncCommands;
use domain::{RequestId, RequestStatus, Revocation, RevokedSessions, RouteId, StatusEvent, UserId};

use crate::{
    Database, Redis, StoreError, attempts::last_rev, revocations::revocations_of, route_requests::StatusRow,
    users::ensure_user,
};

/// A walker who is gone.
#[derive(Clone, Debug)]
pub struct ErasedUser {
    /// Their sessions, which are all refused from now on.
    pub revocation: Revocation,
    /// Their requests.
    pub requests: Vec<RequestId>,
    /// Where their routes are cached.
    pub cache_keys: Vec<String>,
}

/// Erases a walker: every row that is theirs, in one transaction. Also of one who has no row, since a cookie of theirs
/// could write one later.
pub async fn erase_user(database: &Database, id: UserId) -> Result<ErasedUser, StoreError> {
    let mut transaction = database.begin().await?;
    ensure_user(&mut transaction, id).await?;
    // Locked in this order, a worker that is completing a request is waited for, and does not wait in turn: its route's
    // foreign key needs the walker's row.
    let requests = sqlx::query!(
        "SELECT id, cache_key FROM route_requests WHERE user_id = $1 ORDER BY id FOR UPDATE",
        id.0
    )
    .fetch_all(&mut *transaction)
    .await?;
    // The tables that refer to it cascade; a trigger revokes the sessions.
    sqlx::query!("DELETE FROM users WHERE id = $1", id.0).execute(&mut *transaction).await?;
    let revocations = revocations_of(&mut *transaction, id).await?;
    let of_erased = revocations.into_iter().find(|(_, one)| one.scope == RevokedSessions::OfErased);
    let Some((_, revocation)) = of_erased else {
        let why = "the trigger users_erased is missing".into();
        return Err(StoreError::Unreadable { what: "revocation", why });
    };
    transaction.commit().await?;
    let (requests, cache_keys) = requests.into_iter().map(|row| (RequestId(row.id), row.cache_key)).unzip();
    Ok(ErasedUser { revocation, requests, cache_keys })
}

impl Redis {
    /// Removes the counters of callers, as the rate limiter names them.
    pub async fn forget_callers(&self, callers: &[String]) {
        let counters: Vec<String> = callers.iter().map(|caller| format!("rate:{caller}")).collect();
        // They expire within minutes; the failure is logged where it happened.
        self.call(async |mut connection| connection.del::<_, ()>(&counters).await).await.ok();
    }
}

/// A route that is gone.
#[derive(Clone, Debug)]
pub struct DeletedRoute {
    /// Where it is cached.
    pub cache_key: String,
    /// The end of its request, where that had not ended.
    pub cancelled: Option<StatusEvent>,
}

/// What an open page reads when its request is deleted elsewhere.
const CANCELLED: &str = "The walk was deleted.";

/// Deletes a walker's route with its request, in whatever state it is: a worker that has it in hand finds no row when it
/// is done. `None` where the walker has no such route.
pub async fn delete_route(
    database: &Database,
    user: UserId,
    route: RouteId,
) -> Result<Option<DeletedRoute>, StoreError> {
    let row = sqlx::query!(
        "DELETE FROM route_requests WHERE route_id = $1 AND user_id = $2
         RETURNING id, status, error, rev, attempt, cache_key",
        route.0,
        user.0
    )
    .fetch_optional(&database.pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (status, error) = (row.status, row.error);
    let state = StatusRow { id: row.id, user_id: user.0, route_id: route.0, status, error, rev: row.rev };
    let state = state.into_event()?;
    let cancelled = (!state.status.is_terminal()).then(|| StatusEvent {
        status: RequestStatus::Failed,
        error: Some(CANCELLED.into()),
        rev: last_rev(row.attempt),
        ..state
    });
    Ok(Some(DeletedRoute { cache_key: row.cache_key, cancelled }))
}
