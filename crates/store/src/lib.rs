//! The only crate that speaks SQL and Redis. PostgreSQL is the truth; Redis only makes it quicker.
//!
//! Concrete functions, one file a table family. Each does one whole thing, in one transaction where it takes several
//! statements.

mod attempts;
mod database;
mod enrichments;
mod error;
mod geometry;
mod ingests;
mod interest_themes;
mod maintenance;
mod overpass_manners;
mod pois;
mod rate_limits;
mod redis;
mod route_cache;
mod route_requests;
mod routes;
mod street_networks;
mod sweep;
mod users;

pub use attempts::{Attempt, Claim, MOST_ATTEMPTS, claim, complete, fail, hand_back, renew_lease};
pub use database::{Database, migrate};
pub use enrichments::*;
pub use error::StoreError;
pub use ingests::*;
pub use interest_themes::*;
pub use maintenance::{forget_idempotency_keys, remove_old_routes};
pub use overpass_manners::*;
pub use pois::*;
pub use rate_limits::RateLimiter;
pub use redis::Redis;
pub use route_cache::cache_key;
pub use route_requests::{
    Acceptance, Ground, NewRequest, accept_request, ground_of, replay, status_snapshot,
};
pub use routes::{
    Pinning, RouteCursor, RouteState, RouteSummary, is_pinned, is_route_of, route, routes_of, set_saved,
};
pub use street_networks::*;
pub use sweep::{Stale, give_up, stale_requests};
pub use users::{InterestsChange, create_user, set_interests, user};
