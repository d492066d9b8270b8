//! What is said on the WebSocket: `{"type": …, "payload": …}` both ways.

use axum::extract::ws::Utf8Bytes;
use bus::AreaEnriched;
use domain::{FieldError, Fields, Point, Read, RouteId, StatusEvent};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// What we say.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", content = "payload", rename_all = "snake_case")]
pub(crate) enum ServerMessage {
    RouteGenerationStatus(RouteGenerationStatus),
    AreaEnriched(AreaEnrichedMessage),
    WalkProgress(WalkProgress),
    Error(ErrorMessage),
}

/// A route request has come further.
#[derive(Serialize, ToSchema)]
pub(crate) struct RouteGenerationStatus {
    /// As answered by POST /api/v1/routes.
    request_id: Uuid,
    /// `pending`, `in_progress`, `complete` or `failed`.
    #[schema(example = "complete", pattern = "^(pending|in_progress|complete|failed)$")]
    status: &'static str,
    /// The finished route, when the status is `complete`.
    #[serde(skip_serializing_if = "Option::is_none")]
    route_id: Option<Uuid>,
    /// Why there will be no route, when the status is `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Grows with every message about a request: drop what is not newer than the last one seen.
    rev: i64,
    /// Share of the work that is done, when the status is `in_progress`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1)]
    progress: Option<f32>,
    /// Seconds until a worker takes it up, by estimate, when the status is `pending`; missing where nobody can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_wait_s: Option<u32>,
}

/// A request that found too few places led to more: the same wish now gets a better walk.
#[derive(Serialize, ToSchema)]
pub(crate) struct AreaEnrichedMessage {
    /// As answered by POST /api/v1/routes.
    request_id: Uuid,
    /// Of what there were too few places.
    interest_theme_id: Uuid,
    /// How many places are new.
    places_added: u32,
}

/// Where the walker is on their route: the answer to `update_location`.
#[derive(Serialize, ToSchema)]
pub(crate) struct WalkProgress {
    pub route_id: Uuid,
    /// `order` of the stop that comes next; missing when only the way to the end is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_stop: Option<u32>,
    /// Metres along the path to that stop, or to the end.
    pub distance_to_next_m: f64,
    /// Metres between the walker and the path.
    pub off_route_m: f64,
}

/// A message of the client's was not understood or not followed. After five in a row the socket is closed with 1008.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorMessage {
    /// What is wrong, for a person.
    pub detail: String,
    /// What is wrong where in the message.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<WrongField>,
}

/// One wrong field.
#[derive(Serialize, ToSchema)]
pub(crate) struct WrongField {
    /// Where, as a JSON Pointer (RFC 6901) into the message.
    pub pointer: String,
    /// Why.
    pub detail: String,
}

/// What a client says: the walker is here now. At most once a second.
#[derive(Debug, PartialEq, ToSchema)]
pub(crate) struct UpdateLocation {
    /// The route that is being walked.
    #[schema(value_type = Uuid)]
    pub route_id: RouteId,
    /// GeoJSON Point.
    #[schema(value_type = GeoPoint)]
    pub location: Point,
}

/// A GeoJSON Point.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only describes the message")]
pub(crate) struct GeoPoint {
    /// Always `Point`.
    #[schema(example = "Point", pattern = "^Point$")]
    r#type: String,
    /// Longitude and latitude in degrees (WGS 84).
    #[schema(min_items = 2, max_items = 2, example = json!([24.9414, 60.1699]))]
    coordinates: Vec<f64>,
}

impl UpdateLocation {
    /// Reads a client's message.
    pub(crate) fn parse(text: &str) -> Read<Self> {
        let message: Value = serde_json::from_str(text)
            .map_err(|error| vec![FieldError::new("", format!("the message is not JSON: {error}"))])?;
        let mut fields = Fields::of(&message, "", &["type", "payload"]);
        let kind = fields.required("type", |value, pointer| match value.as_str() {
            Some("update_location") => Ok(()),
            _ => Err(vec![FieldError::new(pointer, "must be \"update_location\"")]),
        });
        let payload = fields.required("payload", |value, pointer| {
            let mut fields = Fields::of(value, pointer, &["route_id", "location"]);
            let route_id = fields.required("route_id", |value, pointer| {
                let id = value.as_str().and_then(|text| text.parse().ok());
                id.ok_or_else(|| vec![FieldError::new(pointer, "must be a UUID")])
            });
            let location = fields.required("location", Point::parse);
            fields.finish(|| Some(Self { route_id: route_id?, location: location? }))
        });
        fields.finish(|| kind.and(payload))
    }
}

impl ServerMessage {
    pub(crate) fn error(detail: impl Into<String>) -> Self {
        Self::Error(ErrorMessage { detail: detail.into(), errors: Vec::new() })
    }

    pub(crate) fn wrong(errors: Vec<FieldError>) -> Self {
        let errors =
            errors.into_iter().map(|error| WrongField { pointer: error.pointer, detail: error.detail });
        Self::Error(ErrorMessage {
            detail: "The message is not one we understand.".into(),
            errors: errors.collect(),
        })
    }

    pub(crate) fn to_text(&self) -> Utf8Bytes {
        // Ids, numbers and texts: there is nothing in a message that JSON cannot hold.
        serde_json::to_string(self).unwrap_or_default().into()
    }
}

impl From<AreaEnriched> for ServerMessage {
    fn from(news: AreaEnriched) -> Self {
        Self::AreaEnriched(AreaEnrichedMessage {
            request_id: news.request_id.0,
            interest_theme_id: news.theme_id.0,
            places_added: news.places_added,
        })
    }
}

impl From<RouteGenerationStatus> for ServerMessage {
    fn from(status: RouteGenerationStatus) -> Self {
        Self::RouteGenerationStatus(status)
    }
}

impl From<StatusEvent> for RouteGenerationStatus {
    fn from(event: StatusEvent) -> Self {
        Self {
            request_id: event.request_id.0,
            status: event.status.as_str(),
            route_id: event.route_id.map(|route| route.0),
            error: event.error,
            rev: event.rev,
            progress: event.progress,
            estimated_wait_s: event.estimated_wait_s,
        }
    }
}
