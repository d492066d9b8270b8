//! The only crate that speaks SQL and Redis. PostgreSQL is the truth; Redis only makes it quicker.
//!
//! Concrete functions, one file a table family. Each does one whole thing, in one transaction where it takes several
//! statements.

mod attempts;
mod database;
mod enrichments;
mod erasure;
mod error;
mod geometry;
mod ingests;
mod interest_themes;
mod maintenance;
mod notifications;
mod overpass_manners;
mod pois;
mod queue;
mod rate_limits;
mod redis;
mod revocations;
mod revoked_sessions;
mod route_cache;
mod route_requests;
mod routes;
mod street_networks;
mod sweep;
mod user_export;
mod users;

pub use attempts::{
    Attempt, MAX_LOST_ATTEMPTS, Release, claim_next, claimable_in, complete, fail, release, renew_lease,
};
pub use database::{Database, create_roles, migrate};
pub use enrichments::*;
pub use erasure::{DeletedRoute, ErasedUser, delete_route, erase_user};
pub use error::StoreError;
pub use ingests::*;
pub use interest_themes::*;
pub use maintenance::{
    forget_idempotency_keys, forget_revocations, remove_inactive_users, remove_old_routes,
};
pub use notifications::{mark_notified, pending_notifications};
pub use overpass_manners::*;
pub use pois::*;
pub use queue::{AdmissionLimits, QueueState, Rejection, queue_state, remove_worker, report_worker};
pub use rate_limits::RateLimiter;
pub use redis::Redis;
pub use revocations::{REVOCATION_DAYS, revocations_of, revoke_session, revoke_sessions_of};
pub use revoked_sessions::RevokedSessions;
pub use route_cache::cache_key;
pub use route_requests::{
    Acceptance, Ground, NewRequest, accept_request, ground_of, replay, status_snapshot, whole_seconds,
};
pub use routes::{
    CachedFor, RouteCursor, RouteState, RouteSummary, Saving, cached_for, is_route_of, route, routes_of,
    set_saved, walk,
};
pub use street_networks::*;
pub use sweep::{Republication, fail_hopeless, open_requests, take_for_republication};
pub use user_export::{UserExport, UserRecord, export_user};
pub use users::{Account, InterestsChange, note_activity, set_interests, user};
