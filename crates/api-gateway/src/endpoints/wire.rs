//! Shapes that several endpoints share.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A GeoJSON Point.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct GeoPoint {
    /// Always `Point`.
    #[serde(rename = "type")]
    #[schema(example = "Point", pattern = "^Point$")]
    pub kind: String,
    /// Longitude and latitude in degrees (WGS 84).
    #[schema(min_items = 2, max_items = 2, example = json!([24.9414, 60.1699]))]
    pub coordinates: Vec<f64>,
}

impl From<domain::Point> for GeoPoint {
    fn from(point: domain::Point) -> Self {
        Self { kind: "Point".into(), coordinates: <[f64; 2]>::from(point.coordinates).to_vec() }
    }
}

/// A GeoJSON LineString.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GeoLineString {
    /// Always `LineString`.
    #[serde(rename = "type")]
    #[schema(example = "LineString", pattern = "^LineString$")]
    pub kind: &'static str,
    /// Longitudes and latitudes in degrees (WGS 84).
    pub coordinates: Vec<[f64; 2]>,
}

impl From<domain::LineString> for GeoLineString {
    fn from(line: domain::LineString) -> Self {
        Self { kind: "LineString", coordinates: line.coordinates.into_iter().map(Into::into).collect() }
    }
}

/// What a walker needs of the streets.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct AccessibilityNeeds {
    /// No steps wherever there is a way round them.
    #[serde(default)]
    pub avoid_stairs: bool,
    /// Lit ways before unlit ones.
    #[serde(default)]
    pub prefer_well_lit: bool,
}

impl From<domain::Accessibility> for AccessibilityNeeds {
    fn from(needs: domain::Accessibility) -> Self {
        Self { avoid_stairs: needs.avoid_stairs, prefer_well_lit: needs.prefer_well_lit }
    }
}

/// An error (RFC 9457), sent as `application/problem+json`.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument {
    /// What kind of problem: a URN that does not change.
    #[serde(rename = "type")]
    #[schema(example = "urn:wildside:problem:invalid")]
    pub kind: String,
    /// The name of the HTTP status.
    #[schema(example = "Unprocessable Entity")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 422)]
    pub status: u16,
    /// What is wrong, for a person.
    #[schema(example = "/duration_minutes must be a whole number of minutes from 5 to 480")]
    pub detail: String,
    /// The request, for the operator's logs; also in the header X-Request-Id.
    pub request_id: Uuid,
    /// What is wrong where.
    #[serde(default)]
    pub errors: Vec<FieldProblem>,
}

/// One wrong field.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct FieldProblem {
    /// Where, as a JSON Pointer (RFC 6901) into the body, or the name of a query parameter.
    #[schema(example = "/duration_minutes")]
    pub pointer: String,
    /// Why.
    #[schema(example = "must be a whole number of minutes from 5 to 480")]
    pub detail: String,
}
