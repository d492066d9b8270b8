use std::collections::BTreeSet;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use domain::{FieldError, RouteId};
use http::header;
use serde::Serialize;
use serde_json::Value;
use store::{RouteCursor, RouteSummary, routes_of};
use utoipa::ToSchema;
use uuid::{Uuid, fmt::Simple};

use crate::{
    app::App,
    endpoints::{route_bodies::RouteRequestBody, wire::ProblemDocument},
    error::ApiError,
    extract::Walker,
};

/// A page of a walker's routes.
#[derive(Serialize, ToSchema)]
pub(crate) struct RoutePage {
    #[schema(max_items = 100)]
    routes: Vec<RouteLine>,
    /// Where the next page starts; missing on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^[0-9]{1,17}[.][0-9a-f]{32}$")]
    next_cursor: Option<String>,
}

/// A line in the list of routes.
#[derive(Serialize, ToSchema)]
pub(crate) struct RouteLine {
    route_id: Uuid,
    request_id: Uuid,
    created_at: DateTime<Utc>,
    #[schema(value_type = RouteRequestBody)]
    params: Value,
    #[schema(minimum = 0)]
    distance_m: f64,
    #[schema(minimum = 0)]
    duration_s: i32,
    #[schema(minimum = 0)]
    stop_count: i64,
    saved: bool,
}

/// The walker's complete routes, newest first.
#[utoipa::path(
    get, path = "/api/v1/users/me/routes", tag = "routes", security(("session" = [])),
    params(
        ("saved" = Option<bool>, Query, description = "`true`: pinned routes only"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "Routes on a page; 20 where it is not given"),
        ("cursor" = Option<String>, Query, pattern = "^[0-9]{1,17}[.][0-9a-f]{32}$", description = "`next_cursor` of the page before")
    ),
    responses(
        (status = 200, description = "A page", body = RoutePage, headers(("link" = Option<String>, description = "rel=next: the next page"))),
        (status = 422, description = "Wrong parameters, each with its name", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
pub(crate) async fn get_my_routes(
    State(app): State<App>,
    Walker(user): Walker,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, ApiError> {
    let page = Page::parse(query)?;
    // One more than fits, to know whether there is a next page.
    let mut found = routes_of(&app.database, user, page.saved, page.cursor, page.limit + 1).await?;
    let next_cursor = (found.len() as i64 > page.limit).then(|| {
        found.truncate(page.limit as usize);
        found.last().map(cursor_after).unwrap_or_default()
    });
    let link = next_cursor.as_ref().map(|cursor| {
        let saved = if page.saved { "&saved=true" } else { "" };
        let target = format!("/api/v1/users/me/routes?limit={}{saved}&cursor={cursor}", page.limit);
        [(header::LINK, format!("<{target}>; rel=\"next\""))]
    });
    let routes = found.into_iter().map(RouteLine::from).collect();
    let caching = [(header::CACHE_CONTROL, "private, no-cache")];
    Ok((link, caching, Json(RoutePage { routes, next_cursor })).into_response())
}

struct Page {
    saved: bool,
    limit: i64,
    cursor: Option<RouteCursor>,
}

impl Page {
    /// Everything that is wrong is noted at once.
    fn parse(query: Result<Query<Vec<(String, String)>>, QueryRejection>) -> Result<Self, ApiError> {
        let Query(query) = query.map_err(|_| ApiError::Malformed("The query cannot be read.".into()))?;
        let mut page = Self { saved: false, limit: 20, cursor: None };
        let (mut seen, mut errors) = (BTreeSet::new(), Vec::new());
        for (name, value) in &query {
            let read = if seen.insert(name) { page.set(name, value) } else { Err("is given twice") };
            errors.extend(read.err().map(|detail| FieldError::new(name, detail)));
        }
        if errors.is_empty() { Ok(page) } else { Err(errors.into()) }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        match name {
            "saved" => self.saved = value.parse().map_err(|_| "must be true or false")?,
            "limit" => {
                let limit = canonical_number(value).filter(|limit| (1..=100).contains(limit));
                self.limit = limit.ok_or("must be a number from 1 to 100")?;
            }
            "cursor" => self.cursor = Some(parse_cursor(value).ok_or("is not one of ours")?),
            _ => return Err("is unknown; known are saved, limit, cursor"),
        }
        Ok(())
    }
}

/// A number without a sign or leading zeros.
fn canonical_number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number: &i64| *number >= 0 && number.to_string() == text)
}

fn cursor_after(last: &RouteSummary) -> String {
    write_cursor(&RouteCursor { created_at: last.created_at, route_id: last.route_id })
}

pub(crate) fn write_cursor(cursor: &RouteCursor) -> String {
    format!("{}.{}", cursor.created_at.timestamp_micros(), cursor.route_id.0.simple())
}

pub(crate) fn parse_cursor(text: &str) -> Option<RouteCursor> {
    let (micros, id) = text.split_once('.')?;
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_lower_case = |text: &str| !text.bytes().any(|byte| byte.is_ascii_uppercase());
    // Seventeen digits end in the year 5138, long before PostgreSQL's calendar does.
    if micros.len() > 17 || !is_digits(micros) || !is_lower_case(id) {
        return None;
    }
    let created_at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
    let route_id = RouteId(id.parse::<Simple>().ok()?.into_uuid());
    Some(RouteCursor { created_at, route_id })
}

impl From<RouteSummary> for RouteLine {
    fn from(route: RouteSummary) -> Self {
        Self {
            route_id: route.route_id.0,
            request_id: route.request_id.0,
            created_at: route.created_at,
            params: route.params,
            distance_m: route.distance_m,
            duration_s: route.duration_s,
            stop_count: route.stop_count,
            saved: route.saved,
        }
    }
}
