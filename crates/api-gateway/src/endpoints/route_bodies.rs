//! The shapes of a route request and of the route that answers it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::RequestStatus;
use serde::Serialize;
use serde_json::Value;
use store::RouteState;
use utoipa::{
    ToSchema,
    openapi::{Object, ObjectBuilder, Type},
};
use uuid::Uuid;

use crate::endpoints::wire::{AccessibilityNeeds, GeoLineString, GeoPoint};

/// What a walker asks for. Read by `domain::RouteRequest::parse`, which accepts exactly what this schema does, but for
/// one id written twice in different letter case.
#[derive(ToSchema)]
#[schema(as = RouteRequest)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only describes the body")]
pub(crate) struct RouteRequestBody {
    /// Where the walk starts.
    start_location: GeoPoint,
    /// Time for walking and stopping together.
    #[schema(minimum = 5, maximum = 480, example = 60)]
    duration_minutes: u16,
    /// What for: ids of interest themes, none twice.
    #[schema(min_items = 1, max_items = 20)]
    interest_theme_ids: BTreeSet<Uuid>,
    /// 0 hidden gems, 1 hotspots.
    #[schema(minimum = 0, maximum = 1, default = 0.5, nullable = false)]
    popularity_bias: Option<f64>,
    #[schema(nullable = false)]
    accessibility: Option<AccessibilityNeeds>,
    /// Where the walk ends; without it, where it started.
    #[schema(nullable = false)]
    end_location: Option<GeoPoint>,
    /// Another seed gives another walk for the same request.
    #[schema(minimum = 0, maximum = 4_294_967_295_u32, format = Int64, default = 0, nullable = false)]
    seed: Option<u32>,
    /// When the walk starts, as the clocks there show it, without a zone. Places whose opening hours are known are then
    /// visited only while they are open; public holidays are not known. Without it, opening hours play no part.
    #[schema(schema_with = local_time, nullable = false)]
    start_time: Option<String>,
}

/// A day that the calendar of the years 2000 to 2099 has, and a time of day to the minute or the second.
const LOCAL_TIME: &str = concat!(
    "^(20[0-9]{2}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)",
    "|02-(0[1-9]|1[0-9]|2[0-8]))|20([02468][048]|[13579][26])-02-29)",
    "T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
);

fn local_time() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(LOCAL_TIME))
        .description(Some(
            "When the walk starts, as the clocks there show it, without a zone. Places whose opening hours are known are \
             then visited only while they are open; public holidays are not known. Without it, opening hours play no part.",
        ))
        .examples([serde_json::json!("2026-05-17T10:30")])
        .build()
}

/// A route, from the moment it was asked for: with its walk when `status` is `complete`, without it before, and for ever
/// when it is `failed`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(discriminator(
    property_name = "status",
    mapping(
        ("complete" = "#/components/schemas/CompleteRoute"),
        ("pending" = "#/components/schemas/OpenRoute"),
        ("in_progress" = "#/components/schemas/OpenRoute"),
        ("failed" = "#/components/schemas/OpenRoute")
    )
))]
pub(crate) enum RouteBody {
    Complete(CompleteRoute),
    Open(OpenRoute),
}

/// A route that is there.
#[derive(Serialize, ToSchema)]
pub(crate) struct CompleteRoute {
    #[serde(flatten)]
    request: RouteHead,
    #[schema(inline)]
    status: Complete,
    #[serde(flatten)]
    walk: Walk,
}

/// A route that is not there yet, or never will be.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenRoute {
    #[serde(flatten)]
    request: RouteHead,
    #[schema(inline)]
    status: OpenStatus,
    /// Why there is no route, when `status` is `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1)]
    error: Option<String>,
    /// Seconds until a worker takes it up, by estimate, while `status` is `pending`; missing where nobody can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    estimated_wait_s: Option<u32>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Complete {
    Complete,
}

/// How far a request has come that is not complete.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OpenStatus {
    Pending,
    InProgress,
    Failed,
}

/// What is known of a route from the beginning.
#[derive(Serialize, ToSchema)]
pub(crate) struct RouteHead {
    route_id: Uuid,
    request_id: Uuid,
    created_at: DateTime<Utc>,
    /// What was asked for.
    #[schema(value_type = RouteRequestBody)]
    params: Value,
}

/// A walk.
#[derive(Serialize, ToSchema)]
pub(crate) struct Walk {
    /// The whole way along the streets.
    path: GeoLineString,
    /// Length in metres.
    #[schema(minimum = 0)]
    distance_m: f64,
    /// Walking and dwelling, in seconds.
    duration_s: u32,
    /// Walking alone, in seconds.
    walking_s: u32,
    /// Metres climbed, where heights are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    ascent_m: Option<f64>,
    stops: Vec<Stop>,
    /// The ways between start, stops and end, in order.
    #[schema(min_items = 1)]
    legs: Vec<Leg>,
    quality: Quality,
    /// Few places are known for some of the themes here.
    data_sparse: bool,
    /// The walker has pinned it.
    saved: bool,
    /// To be shown with it.
    #[schema(min_length = 1)]
    attribution: &'static str,
}

/// A place to stop at.
#[derive(Serialize, ToSchema)]
pub(crate) struct Stop {
    /// 1 for the first.
    #[schema(minimum = 1)]
    order: u32,
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    poi_id: i64,
    /// Its name, where it has one.
    #[schema(required)]
    name: Option<String>,
    location: GeoPoint,
    /// Seconds from the start of the walk.
    arrival_s: u32,
    /// Seconds to spend there.
    dwell_s: u32,
    /// Ids of the place's interest themes.
    #[schema(min_items = 1)]
    themes: Vec<Uuid>,
    /// 0 hidden gem, 1 hotspot.
    #[schema(minimum = 0, maximum = 1)]
    popularity_score: f32,
    /// What is worth knowing about it, where there is something.
    #[schema(required)]
    narrative: Option<String>,
    /// Why the walk stops here.
    #[schema(min_length = 1)]
    why: String,
}

/// The way from one stop to the next.
#[derive(Serialize, ToSchema)]
pub(crate) struct Leg {
    /// `order` of the stop it leaves; 0 for the start.
    from: u32,
    /// `order` of the stop it reaches; one more than the last for the end.
    #[schema(minimum = 1)]
    to: u32,
    #[schema(minimum = 0)]
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
    #[schema(minimum = 0, maximum = 1)]
    repeated_share: f64,
    /// Known to be lit.
    #[schema(minimum = 0, maximum = 1)]
    well_lit_share: f64,
    /// Known to be lit or unlit.
    #[schema(minimum = 0, maximum = 1)]
    lit_known_share: f64,
    steps_used: bool,
    /// Share of the wanted themes that some stop has.
    #[schema(minimum = 0, maximum = 1)]
    theme_coverage: f64,
}

pub(crate) const ATTRIBUTION: &str = "© OpenStreetMap contributors, ODbL 1.0";

impl From<RouteState> for RouteBody {
    fn from(state: RouteState) -> Self {
        let request = RouteHead {
            route_id: state.route_id.0,
            request_id: state.request_id.0,
            created_at: state.created_at,
            params: serde_json::to_value(&state.request).unwrap_or_default(),
        };
        if let Some(route) = state.route {
            let walk = Walk::of(route, state.saved);
            return Self::Complete(CompleteRoute { request, status: Complete::Complete, walk });
        }
        let status = match state.status {
            RequestStatus::Pending => OpenStatus::Pending,
            // A request becomes complete in the transaction that writes its route.
            RequestStatus::InProgress | RequestStatus::Complete => OpenStatus::InProgress,
            RequestStatus::Failed => OpenStatus::Failed,
        };
        Self::Open(OpenRoute {
            request,
            status,
            error: state.error,
            estimated_wait_s: state.estimated_wait_s,
        })
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
