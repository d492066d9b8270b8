//! Shapes that several endpoints share.

use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{Array, ArrayBuilder, Object, ObjectBuilder, Type},
};
use uuid::Uuid;

/// A GeoJSON Point.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GeoPoint {
    #[serde(rename = "type")]
    #[schema(inline)]
    pub kind: PointType,
    #[schema(schema_with = position)]
    pub coordinates: [f64; 2],
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) enum PointType {
    Point,
}

/// Where coordinates are: a GeoJSON position without an altitude.
fn position() -> Array {
    let degrees = |most: f64| {
        ObjectBuilder::new().schema_type(Type::Number).minimum(Some(-most)).maximum(Some(most)).build()
    };
    ArrayBuilder::new()
        .description(Some("Longitude and latitude in degrees (WGS 84)."))
        .prefix_items([degrees(180.0), degrees(90.0)])
        .items(utoipa::openapi::RefOr::T(Object::with_type(Type::Number).into()))
        .min_items(Some(2))
        .max_items(Some(2))
        .examples([serde_json::json!([24.9414, 60.1699])])
        .build()
}

/// The positions of a line, in order.
fn positions() -> Array {
    ArrayBuilder::new()
        .description(Some("The points of the line, each a longitude and a latitude in degrees (WGS 84)."))
        .items(utoipa::openapi::RefOr::T(position().into()))
        .min_items(Some(2))
        .build()
}

impl From<domain::Point> for GeoPoint {
    fn from(point: domain::Point) -> Self {
        Self { kind: PointType::Point, coordinates: point.coordinates.into() }
    }
}

/// A GeoJSON LineString.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GeoLineString {
    #[serde(rename = "type")]
    #[schema(inline)]
    pub kind: LineStringType,
    #[schema(schema_with = positions)]
    pub coordinates: Vec<[f64; 2]>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) enum LineStringType {
    LineString,
}

impl From<domain::LineString> for GeoLineString {
    fn from(line: domain::LineString) -> Self {
        Self {
            kind: LineStringType::LineString,
            coordinates: line.coordinates.into_iter().map(Into::into).collect(),
        }
    }
}

/// What a walker needs of the streets.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
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
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
#[allow(dead_code, reason = "only describes the body")]
pub(crate) struct ProblemDocument {
    /// What kind of problem: a URN that does not change. `about:blank` says no more than the status.
    #[serde(rename = "type")]
    #[schema(example = "urn:wildside:problem:invalid")]
    kind: String,
    /// The name of the HTTP status.
    #[schema(example = "Unprocessable Entity", min_length = 1)]
    title: String,
    /// The HTTP status.
    #[schema(example = 422, minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong, for a person.
    #[schema(example = "/duration_minutes must be a whole number of minutes from 5 to 480", min_length = 1)]
    detail: String,
    /// The request, for the operator's logs; also in the header X-Request-Id.
    request_id: Uuid,
    /// What is wrong where: the first errors, and a last one that counts those that are not listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, min_items = 1, max_items = 20)]
    errors: Vec<FieldProblem>,
}

/// One wrong field.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldProblem {
    /// Where, as a JSON Pointer (RFC 6901) into the body, or the name of a query parameter. Empty for the whole body. A
    /// long one is cut and ends with an ellipsis.
    #[schema(example = "/duration_minutes", max_length = 300)]
    pointer: String,
    /// Why.
    #[schema(example = "must be a whole number of minutes from 5 to 480", min_length = 1, max_length = 300)]
    detail: String,
}
