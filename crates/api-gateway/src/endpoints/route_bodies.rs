//! The shapes of a wish and of the route that answers it.

use chrono::{DateTime, Utc};
use domain::RequestStatus;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::RouteState;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::endpoints::wire::{AccessibilityNeeds, GeoLineString, GeoPoint};

/// A wish for a walk. Read by `domain::RouteRequest::parse`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only describes the body")]
pub(crate) struct RouteWish {
    /// Where the walk starts.
    start_location: GeoPoint,
    /// Time for walking and stopping together.
    #[schema(minimum = 5, maximum = 480, example = 60)]
    duration_minutes: u16,
    /// What for: ids of interest themes, none twice.
    #[schema(min_items = 1, max_items = 20)]
    interest_theme_ids: Vec<Uuid>,
    /// 0 hidden gems, 1 hotspots.
    #[schema(minimum = 0, maximum = 1, default = 0.5, nullable = false)]
    popularity_bias: Option<f64>,
    #[schema(nullable = false)]
    accessibility: Option<AccessibilityNeeds>,
    /// Where the walk ends; without it, where it started.
    #[schema(nullable = false)]
    end_location: Option<GeoPoint>,
    /// Another seed gives another walk for the same wish.
    #[schema(minimum = 0, default = 0, nullable = false)]
    seed: Option<u32>,
    /// When the walk starts, as the clocks there show it, without a zone. Places whose opening hours are known are then
    /// visited only while they are open; public holidays are not known. Without it, opening hours play no part.
    #[schema(
        pattern = r"^20\d\d-\d\d-\d\dT\d\d:\d\d(:\d\d)?$",
        example = "2026-05-17T10:30",
        nullable = false
    )]
    start_time: Option<String>,
}

/// How far a request has come.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Pending,
    InProgress,
    Complete,
    Failed,
}

/// A route, from the moment it was asked for: with its walk when `status` is `complete`, without it before, and for ever
/// when it is `failed`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum RouteBody {
    Complete(CompleteRoute),
    Open(OpenRoute),
}

/// A route that is there.
#[derive(Serialize, ToSchema)]
pub(crate) struct CompleteRoute {
    #[serde(flatten)]
    request: RouteHead,
    #[serde(flatten)]
    walk: Walk,
}

/// A route that is not there yet, or never will be.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenRoute {
    #[serde(flatten)]
    request: RouteHead,
    /// Why there is no route, when `status` is `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<String>,
    /// Seconds until a worker takes it up, by estimate, while `status` is `pending`; missing where nobody can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    estimated_wait_s: Option<u32>,
}

/// What is known of a route from the beginning.
#[derive(Serialize, ToSchema)]
pub(crate) struct RouteHead {
    route_id: Uuid,
    request_id: Uuid,
    status: Status,
    created_at: DateTime<Utc>,
    /// What was asked for.
    #[schema(value_type = RouteWish)]
    params: Value,
}

/// A walk.
#[derive(Serialize, ToSchema)]
pub(crate) struct Walk {
    /// The whole way along the streets.
    path: GeoLineString,
    /// Length in metres.
    distance_m: f64,
    /// Walking and dwelling, in seconds.
    duration_s: u32,
    /// Walking alone, in seconds.
    walking_s: u32,
    /// Metres climbed, where heights are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    ascent_m: Option<f64>,
    stops: Vec<Stop>,
    /// The ways between start, stops and end, in order.
    legs: Vec<Leg>,
    quality: Quality,
    /// Few places are known for some of the themes here.
    data_sparse: bool,
    /// The walker has pinned it.
    saved: bool,
    /// To be shown with it.
    attribution: &'static str,
}

/// A place to stop at.
#[derive(Serialize, ToSchema)]
pub(crate) struct Stop {
    /// 1 for the first.
    order: u32,
    poi_id: i64,
    name: Option<String>,
    location: GeoPoint,
    /// Seconds from the start of the walk.
    arrival_s: u32,
    /// Seconds to spend there.
    dwell_s: u32,
    /// Ids of the place's interest themes.
    themes: Vec<Uuid>,
    popularity_score: f32,
    narrative: Option<String>,
    /// Why the walk stops here.
    why: String,
}

/// The way from one stop to the next.
#[derive(Serialize, ToSchema)]
pub(crate) struct Leg {
    /// `order` of the stop it leaves; 0 for the start.
    from: u32,
    /// `order` of the stop it reaches; one more than the last for the end.
    to: u32,
    distance_m: f64,
    /// Walking time in seconds.
    duration_s: u32,
    geometry: OffsetRange,
}

/// Positions in the path's coordinates, both included.
#[derive(Serialize, ToSchema)]
pub(crate) struct OffsetRange {
    start: u32,
    end: u32,
}

/// How good the walk is. Shares are of the path's length.
#[derive(Serialize, ToSchema)]
pub(crate) struct Quality {
    /// Walked a second time.
    repeated_share: f64,
    /// Known to be lit.
    well_lit_share: f64,
    /// Known to be lit or unlit.
    lit_known_share: f64,
    steps_used: bool,
    /// Share of the wanted themes that some stop has.
    theme_coverage: f64,
}

pub(crate) const ATTRIBUTION: &str = "© OpenStreetMap contributors, ODbL 1.0";

impl From<RequestStatus> for Status {
    fn from(status: RequestStatus) -> Self {
        match status {
            RequestStatus::Pending => Self::Pending,
            RequestStatus::InProgress => Self::InProgress,
            RequestStatus::Complete => Self::Complete,
            RequestStatus::Failed => Self::Failed,
        }
    }
}

impl From<RouteState> for RouteBody {
    fn from(state: RouteState) -> Self {
        let request = RouteHead {
            route_id: state.route_id.0,
            request_id: state.request_id.0,
            status: state.status.into(),
            created_at: state.created_at,
            params: serde_json::to_value(&state.request).unwrap_or_default(),
        };
        match state.route {
            Some(route) => Self::Complete(CompleteRoute { request, walk: Walk::of(route, state.saved) }),
            None => Self::Open(OpenRoute {
                request,
                error: state.error,
                estimated_wait_s: state.estimated_wait_s,
            }),
        }
    }
}

impl Walk {
    fn of(route: domain::Route, saved: bool) -> Self {
        Self {
            path: route.path.into(),
            distance_m: route.distance_m,
            duration_s: route.duration_s,
            walking_s: route.walking_s,
            ascent_m: route.ascent_m,
            stops: route.stops.into_iter().map(Stop::from).collect(),
            legs: route.legs.into_iter().map(Leg::from).collect(),
            quality: route.quality.into(),
            data_sparse: !route.sparse_themes.is_empty(),
            saved,
            attribution: ATTRIBUTION,
        }
    }
}

impl From<domain::Stop> for Stop {
    fn from(stop: domain::Stop) -> Self {
        Self {
            order: stop.order,
            poi_id: stop.poi_id.0,
            name: stop.name,
            location: stop.location.into(),
            arrival_s: stop.arrival_s,
            dwell_s: stop.dwell_s,
            themes: stop.themes.into_iter().map(|theme| theme.0).collect(),
            popularity_score: stop.popularity_score,
            narrative: stop.narrative,
            why: stop.why,
        }
    }
}

impl From<domain::Leg> for Leg {
    fn from(leg: domain::Leg) -> Self {
        Self {
            from: leg.from,
            to: leg.to,
            distance_m: leg.distance_m,
            duration_s: leg.duration_s,
            geometry: OffsetRange { start: leg.geometry.start, end: leg.geometry.end },
        }
    }
}

impl From<domain::Quality> for Quality {
    fn from(quality: domain::Quality) -> Self {
        Self {
            repeated_share: quality.repeated_share,
            well_lit_share: quality.well_lit_share,
            lit_known_share: quality.lit_known_share,
            steps_used: quality.steps_used,
            theme_coverage: quality.theme_coverage,
        }
    }
}
