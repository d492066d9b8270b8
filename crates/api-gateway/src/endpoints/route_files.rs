//! A route as a file: GeoJSON (RFC 7946) for maps, GPX 1.1 for navigation devices.

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use domain::{Route, RouteId};
use http::{HeaderMap, header};
use serde_json::json;
use service::preferred_media_type;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    endpoints::{
        route_bodies::ATTRIBUTION,
        wire::{GeoLineString, GeoPoint},
    },
    error::ApiError,
};

/// How a caller wants a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    GeoJson,
    Gpx,
}

impl Form {
    const ALL: [(&'static str, Self); 3] = [
        ("application/json", Self::Json),
        ("application/geo+json", Self::GeoJson),
        ("application/gpx+xml", Self::Gpx),
    ];

    /// The form that the caller likes best, JSON where several are equal.
    pub(crate) fn wanted(headers: &HeaderMap) -> Result<Self, ApiError> {
        let detail = "A route comes as application/json, application/geo+json or application/gpx+xml.";
        preferred_media_type(headers, &Self::ALL).ok_or(ApiError::NotAcceptable(detail))
    }

    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::GeoJson => "geojson",
            Self::Gpx => "gpx",
        }
    }

    fn file(self, route_id: RouteId, content: String) -> Response {
        let media_type =
            Self::ALL.iter().find(|(_, form)| *form == self).map_or("", |(media_type, _)| media_type);
        let name = format!("attachment; filename=\"wildside-{route_id}.{}\"", self.extension());
        ([(header::CONTENT_TYPE, media_type.to_owned()), (header::CONTENT_DISPOSITION, name)], content)
            .into_response()
    }
}

/// A route as GeoJSON: first its path, then its stops.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only describes the file")]
pub(crate) struct RouteFile {
    #[schema(inline)]
    r#type: FeatureCollection,
    /// To be shown with it.
    #[schema(min_length = 1)]
    attribution: String,
    #[schema(min_items = 1)]
    features: Vec<RouteFeature>,
}

#[derive(ToSchema)]
#[allow(dead_code, reason = "only describes the file")]
enum FeatureCollection {
    FeatureCollection,
}

#[derive(ToSchema)]
#[allow(dead_code, reason = "only describes the file")]
enum Feature {
    Feature,
}

/// The path or a stop.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only describes the file")]
enum RouteFeature {
    Path(PathFeature),
    Stop(StopFeature),
}

/// The path.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only describes the file")]
struct PathFeature {
    #[schema(inline)]
    r#type: Feature,
    geometry: GeoLineString,
    properties: PathProperties,
}

#[derive(ToSchema)]
#[allow(dead_code, reason = "only describes the file")]
struct PathProperties {
    route_id: Uuid,
    #[schema(minimum = 0)]
    distance_m: f64,
    duration_s: u32,
}

/// A stop.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only describes the file")]
struct StopFeature {
    #[schema(inline)]
    r#type: Feature,
    geometry: GeoPoint,
    properties: StopProperties,
}

#[derive(ToSchema)]
#[allow(dead_code, reason = "only describes the file")]
struct StopProperties {
    #[schema(minimum = 1)]
    order: u32,
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    poi_id: i64,
    #[schema(required)]
    name: Option<String>,
    arrival_s: u32,
    dwell_s: u32,
    #[schema(required)]
    narrative: Option<String>,
    #[schema(min_length = 1)]
    why: String,
}

/// The path and the stops as one feature collection.
pub(crate) fn geojson(route_id: RouteId, route: &Route) -> Response {
    let path = json!({
        "type": "Feature",
        "geometry": route.path,
        "properties": {"route_id": route_id, "distance_m": route.distance_m, "duration_s": route.duration_s}
    });
    let stops = route.stops.iter().map(|stop| {
        json!({
            "type": "Feature",
            "geometry": stop.location,
            "properties": {
                "order": stop.order, "poi_id": stop.poi_id, "name": stop.name, "arrival_s": stop.arrival_s,
                "dwell_s": stop.dwell_s, "narrative": stop.narrative, "why": stop.why
            }
        })
    });
    let features: Vec<_> = std::iter::once(path).chain(stops).collect();
    let collection = json!({"type": "FeatureCollection", "attribution": ATTRIBUTION, "features": features});
    Form::GeoJson.file(route_id, collection.to_string())
}

/// The stops as way points and the path as a track.
pub(crate) fn gpx(route_id: RouteId, created_at: DateTime<Utc>, route: &Route) -> Response {
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <gpx version=\"1.1\" creator=\"Wildside\" xmlns=\"http://www.topografix.com/GPX/1/1\">\n\
         <metadata><name>Wildside walk</name><desc>{}</desc><time>{}</time></metadata>\n",
        escape(ATTRIBUTION),
        created_at.to_rfc3339_opts(SecondsFormat::Secs, true)
    );
    for stop in &route.stops {
        let at = stop.location.coordinates;
        let name = stop.name.clone().unwrap_or_else(|| format!("Stop {}", stop.order));
        xml += &format!(
            "<wpt lat=\"{:.7}\" lon=\"{:.7}\"><name>{}</name><desc>{}</desc></wpt>\n",
            at.lat(),
            at.lon(),
            escape(&name),
            escape(stop.narrative.as_deref().unwrap_or(&stop.why))
        );
    }
    xml += "<trk><name>Wildside walk</name><trkseg>\n";
    for at in &route.path.coordinates {
        xml += &format!("<trkpt lat=\"{:.7}\" lon=\"{:.7}\"/>\n", at.lat(), at.lon());
    }
    xml += "</trkseg></trk>\n</gpx>\n";
    Form::Gpx.file(route_id, xml)
}

/// A text for XML. Control characters, which XML 1.0 cannot hold at all, are left out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\t' | '\n' => escaped.push(letter),
            letter if letter.is_control() || matches!(letter, '\u{FFFE}' | '\u{FFFF}') => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_xml() {
        assert_eq!(
            escape("<a href=\"x\">Tom & \u{0}Ann</a>"),
            "&lt;a href=&quot;x&quot;&gt;Tom &amp; Ann&lt;/a&gt;"
        );
    }
}
