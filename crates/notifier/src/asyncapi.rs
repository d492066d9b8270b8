//! The description of the WebSocket, as an AsyncAPI 3 document. The payloads' schemas come from the messages' types.

use serde_json::{Value, json};
use utoipa::{PartialSchema, openapi::Ref};

use crate::messages::{
    AreaEnrichedMessage, ErrorMessage, RouteGenerationStatus, UpdateLocation, WalkProgress, WrongField,
};

/// The AsyncAPI document.
fn document() -> Value {
    let message = |name: &str, summary: &str| {
        json!({
            "name": name,
            "summary": summary,
            "contentType": "application/json",
            "payload": {
                "type": "object",
                "required": ["type", "payload"],
                "additionalProperties": false,
                "properties": {
                    "type": {"type": "string", "const": name},
                    "payload": {"$ref": format!("#/components/schemas/{}", pascal_case(name))}
                }
            }
        })
    };
    let reference = |name: &str| json!({"$ref": format!("#/channels/walker/messages/{name}")});
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Wildside, live",
            "version": "1",
            "description":
                "How a walker's route requests are going. Open it with the session cookie, from a listed origin. First \
                 comes a snapshot: every open request, and those that ended within the last hour (50 in all); then news as it \
                 happens. Each message about a request has a `rev` that grows: drop what is not newer than what you have \
                 seen. Close code 1001: the server restarts; 1008: too many messages, or too many wrong ones, or \
                 \"the session has ended\" because it was ended or its walker erased: do not connect again with that cookie; 1009: a message was too \
                 long; 1013: connect again. After any of them connect again, a little later each time: the snapshot \
                 tells what was missed. GET /api/v1/routes/{route_id} is always the truth. A \
                 socket may send ten messages a second (60 at once), and two pings or pongs a second (30 at once).",
            "license": {"name": "MIT OR Apache-2.0"}
        },
        "channels": {
            "walker": {
                "address": "/ws",
                "messages": {
                    "route_generation_status":
                        message("route_generation_status", "A route request has come further."),
                    "area_enriched": message(
                        "area_enriched",
                        "A request that found too few places led to more: the same wish now gets a better walk. Said once, to \
                         who is connected, and after the request's `complete`."
                    ),
                    "walk_progress": message("walk_progress", "Where the walker is: the answer to update_location."),
                    "error": message("error", "A message was not understood or not followed."),
                    "update_location": message("update_location", "The walker is here now; at most once a second.")
                },
                "bindings": {"ws": {"method": "GET"}}
            }
        },
        "operations": {
            "hear": {
                "action": "send",
                "channel": {"$ref": "#/channels/walker"},
                "messages": (["route_generation_status", "area_enriched", "walk_progress", "error"].map(reference))
            },
            "tell": {
                "action": "receive",
                "channel": {"$ref": "#/channels/walker"},
                "messages": [reference("update_location")],
                "reply": {
                    "channel": {"$ref": "#/channels/walker"},
                    "messages": (["walk_progress", "error"].map(reference))
                }
            }
        },
        "components": {
            "schemas": {
                "RouteGenerationStatus": RouteGenerationStatus::schema(),
                "AreaEnriched": AreaEnrichedMessage::schema(),
                "WalkProgress": WalkProgress::schema(),
                "Error": ErrorMessage::schema(),
                "WrongField": WrongField::schema(),
                "UpdateLocation": UpdateLocation::schema(),
                "GeoPoint": {
                    "type": "object",
                    "description": "A GeoJSON Point.",
                    "required": ["type", "coordinates"],
                    "additionalProperties": false,
                    "properties": {
                        "type": {"type": "string", "const": "Point"},
                        // A tuple as AsyncAPI writes it: its schemas are those of JSON Schema's draft 7.
                        "coordinates": {
                            "type": "array",
                            "description": "Longitude and latitude in degrees (WGS 84).",
                            "examples": [[24.9414, 60.1699]],
                            "items": [
                                {"type": "number", "minimum": -180, "maximum": 180},
                                {"type": "number", "minimum": -90, "maximum": 90}
                            ],
                            "minItems": 2,
                            "maxItems": 2
                        }
                    }
                }
            }
        }
    })
}

/// A reference to the description of points.
pub(crate) fn geo_point() -> Ref {
    Ref::from_schema_name("GeoPoint")
}

fn pascal_case(name: &str) -> String {
    let capital = |word: &str| {
        word.chars().take(1).map(|c| c.to_ascii_uppercase()).chain(word.chars().skip(1)).collect()
    };
    name.split('_').map(capital).collect::<Vec<String>>().concat()
}

/// Prints the document, for `docs/asyncapi.json`.
pub fn print() -> anyhow::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string_pretty(&document())?)?;
    Ok(())
}
