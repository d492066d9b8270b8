//! What is said on the WebSocket: `{"type": …, "payload": …}` both ways.

use axum::extract::ws::Utf8Bytes;
use bus::AreaEnriched;
use domain::{FieldError, Fields, Point, Read, RequestStatus, RouteId, StatusEvent};
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
    #[schema(inline)]
    status: Status,
    /// The finished route, when the status is `complete`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    route_id: Option<Uuid>,
    /// Why there will be no route, when the status is `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1)]
    error: Option<String>,
    /// Grows with every message about a request: drop what is not newer than the last one seen.
    #[schema(minimum = 0)]
    rev: i64,
    /// Share of the work that is done, when the status is `in_progress`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 1)]
    progress: Option<f32>,
    /// Seconds until a worker takes it up, by estimate, when the status is `pending`; missing where nobody can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_wait_s: Option<u32>,
}

/// How far a request has come.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    Pending,
    InProgress,
    Complete,
    Failed,
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
    #[schema(nullable = false, minimum = 1)]
    pub next_stop: Option<u32>,
    /// Metres along the path to that stop, or to the end.
    #[schema(minimum = 0)]
    pub distance_to_next_m: f64,
    /// Metres between the walker and the path.
    #[schema(minimum = 0)]
    pub off_route_m: f64,
}

/// A message of the client's was not understood or not followed. After five in a row the socket is closed with 1008.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorMessage {
    /// What is wrong, for a person.
    #[schema(min_length = 1)]
    pub detail: String,
    /// What is wrong where in the message: the first errors, and a last one that counts those that are not listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, min_items = 1, max_items = 20)]
    pub errors: Vec<WrongField>,
}

/// One wrong field.
#[derive(Serialize, ToSchema)]
pub(crate) struct WrongField {
    /// Where, as a JSON Pointer (RFC 6901) into the message. A long one is cut and ends with an ellipsis.
    #[schema(max_length = 300)]
    pub pointer: String,
    /// Why.
    #[schema(min_length = 1, max_length = 300)]
    pub detail: String,
}

/// What a client says: the walker is here now. At most once a second.
#[derive(Debug, PartialEq, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateLocation {
    /// The route that is being walked.
    #[schema(value_type = Uuid)]
    pub route_id: RouteId,
    #[schema(schema_with = crate::asyncapi::geo_point)]
    pub location: Point,
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
        let errors = FieldError::shown(errors)
            .into_iter()
            .map(|error| WrongField { pointer: error.pointer, detail: error.detail });
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
            status: match event.status {
                RequestStatus::Pending => Status::Pending,
                RequestStatus::InProgress => Status::InProgress,
                RequestStatus::Complete => Status::Complete,
                RequestStatus::Failed => Status::Failed,
            },
            route_id: event.route_id.map(|route| route.0),
            error: event.error,
            rev: event.rev,
            progress: event.progress,
            estimated_wait_s: event.estimated_wait_s,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use testbed::SocketContract;

    /// A client's message with another value at a place, or without it where there is none.
    fn changed(pointer: &str, value: Option<&Value>) -> Value {
        let mut message = json!({"type": "update_location", "payload": {
            "route_id": "f47ac10b-58cc-4372-a567-0e02b2c3d479",
            "location": {"type": "Point", "coordinates": [24.94, 60.17]}
        }});
        let (parent, name) = pointer.rsplit_once('/').unwrap_or(("", ""));
        match (message.pointer_mut(parent), value) {
            (Some(Value::Object(members)), Some(value)) if !pointer.is_empty() => {
                members.insert(name.into(), value.clone());
            }
            (Some(Value::Object(members)), None) => drop(members.remove(name)),
            (_, value) => message = value.cloned().unwrap_or_default(),
        }
        message
    }

    #[test]
    fn the_document_allows_a_message_where_the_code_reads_it() {
        let document = SocketContract::client_message().unwrap();
        let pointers = [
            "",
            "/type",
            "/payload",
            "/colour",
            "/payload/route_id",
            "/payload/location",
            "/payload/colour",
            "/payload/location/type",
            "/payload/location/coordinates",
            "/payload/location/crs",
        ];
        let values = json!([
            null, true, 0, 1.5, "", "Point", "point", "update_location", "walk_progress", [], {}, [24.94], [24.94, 60.17],
            [24.94, 60.17, 0], [180, -90], [180.1, 0], [0, 90.1], ["24", "60"], [null, 60], [1e308, 0],
            "F47AC10B-58CC-4372-A567-0E02B2C3D479", "f47ac10b58cc4372a5670e02b2c3d479",
            "urn:uuid:f47ac10b-58cc-4372-a567-0e02b2c3d479", "{f47ac10b-58cc-4372-a567-0e02b2c3d479}",
            {"type": "Point", "coordinates": [1, 2]}
        ]);
        let values: Vec<Option<&Value>> = values.as_array().unwrap().iter().map(Some).chain([None]).collect();
        let mut allowed = 0;
        for pointer in pointers {
            for value in &values {
                let message = changed(pointer, *value);
                let read = UpdateLocation::parse(&message.to_string());
                assert_eq!(read.is_ok(), document.is_valid(&message), "{message} is read as {read:?}");
                allowed += usize::from(read.is_ok());
            }
        }
        assert!(allowed > 5, "only {allowed} were allowed");
    }

    #[test]
    fn an_answer_to_a_hostile_message_is_short() {
        let many: String = (0..500).map(|number| format!("\"{number}\":1,")).collect();
        for message in [
            format!("{{{many}\"z\":1}}"),
            format!("{{\"{}\":1}}", "\\u0001".repeat(600)),
            format!("{{\"{}", "x".repeat(4000)),
            "[".repeat(4000),
        ] {
            let answer = ServerMessage::wrong(UpdateLocation::parse(&message).unwrap_err()).to_text();
            assert!(answer.len() <= 6 * 1024, "{} bytes", answer.len());
        }
    }
}
