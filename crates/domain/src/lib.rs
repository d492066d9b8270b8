//! What Wildside talks about, and which values are legal.
//!
//! A [`RouteRequest`] is what a walker wishes, a [`Route`] is the walk that answers it, a [`Poi`] is a place worth
//! a stop, an [`InterestTheme`] is a reason to stop. Nothing here does I/O, reads a clock or draws a random number.
//! A value that exists is a legal one: whatever comes from outside is parsed once, at the edge, and a wrong value
//! is answered with the [`FieldError`]s that say where and why.

#![warn(missing_docs)]

/// Whom to thank for OpenStreetMap, as its licence asks.
pub const OSM_ATTRIBUTION: &str = "© OpenStreetMap contributors, ODbL 1.0";

mod accessibility;
mod coordinate;
mod duplicates;
mod field_error;
mod ids;
mod narrative;
mod noun;
mod osm_time;
mod poi;
mod popularity;
mod rate_limit;
mod refusal;
mod request_status;
mod revocation;
mod route;
mod route_request;
mod same_place;
mod search_area;
mod tag_rule;
mod theme;
mod tile_address;
mod user;
mod walk_progress;

pub use accessibility::Accessibility;
pub use coordinate::{Bounds, Coordinate, LineString, Point};
pub use duplicates::merge_duplicates;
pub use field_error::{FieldError, Fields, Read};
pub use ids::{PoiId, RequestId, RouteId, ThemeId, UserId};
pub use narrative::{in_brief, narrative};
pub use osm_time::osm_timestamp;
pub use poi::{OsmKind, Place, Poi, Tags, dwell_seconds, english_name, kind_of_place, name_of_place};
pub use popularity::{PopularityScale, prominence};
pub use rate_limit::{Allowance, Meter, Meters, RateLimit};
pub use refusal::Refusal;
pub use request_status::{RequestStatus, StatusEvent};
pub use revocation::{Revocation, RevokedSessions};
pub use route::{Leg, OffsetRange, Quality, Route, Stop};
pub use route_request::RouteRequest;
pub use same_place::{comparable_name, is_same_place};
pub use search_area::SearchArea;
pub use tag_rule::{TagCondition, TagRule};
pub use theme::{InterestTheme, ThemeCatalogue, ThemesError};
pub use tile_address::TileAddress;
pub use user::User;
pub use walk_progress::WalkProgress;
