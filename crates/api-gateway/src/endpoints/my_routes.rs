use std::collections::HashMap;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use http::header;
use serde::Serialize;
use serde_json::Value;
use store::{RouteCursor, RouteSummary, routes_of};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::App,
    endpoints::{route_bodies::RouteWish, wire::ProblemDocument},
    error::ApiError,
    extract::Walker,
};

/// A page of a walker's routes.
#[derive(Serialize, ToSchema)]
pub(crate) struct RoutePage {
    routes: Vec<RouteLine>,
    /// Where the next page starts; missing on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// A line in the list of routes.
#[derive(Serialize, ToSchema)]
pub(crate) struct RouteLine {
    route_id: Uuid,
    request_id: Uuid,
    created_at: DateTime<Utc>,
    #[schema(value_type = RouteWish)]
    params: Value,
    distance_m: f64,
    duration_s: i32,
    stop_count: i64,
    saved: bool,
}

/// The walker's complete routes, newest first.
#[utoipa::path(
    get, path = "/api/v1/users/me/routes", tag = "routes", security(("session" = [])),
    params(
        ("saved" = Option<bool>, Query, description = "`true`: pinned routes only"),
        ("limit" = Option<u32>, Query, description = "Routes on a page: 1 to 100, 20 unless told"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")
    ),
    responses(
        (status = 200, description = "A page", body = RoutePage, headers(("link" = String, description = "rel=next: the next page"))),
        (status = "default", description = "A problem", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
pub(crate) async fn get_my_routes(
    State(app): State<App>,
    Walker(user): Walker,
    query: Result<Query<HashMap<String, String>>, QueryRejection>,
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
    fn parse(query: Result<Query<HashMap<String, String>>, QueryRejection>) -> Result<Self, ApiError> {
        let Query(query) = query.map_err(|error| ApiError::Malformed(error.body_text()))?;
        let mut page = Self { saved: false, limit: 20, cursor: None };
        for (name, value) in &query {
            match name.as_str() {
                "saved" => {
                    page.saved =
                        value.parse().map_err(|_| ApiError::field("saved", "must be true or false"))?;
                }
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=100).contains(limit));
                    page.limit =
                        limit.ok_or_else(|| ApiError::field("limit", "must be a number from 1 to 100"))?;
                }
                "cursor" => {
                    let cursor = parse_cursor(value);
                    page.cursor =
                        Some(cursor.ok_or_else(|| ApiError::field("cursor", "is not one of ours"))?);
                }
                name => return Err(ApiError::field(name, "is unknown; known are saved, limit, cursor")),
            }
        }
        Ok(page)
    }
}

fn cursor_after(last: &RouteSummary) -> String {
    write_cursor(&RouteCursor { created_at: last.created_at, route_id: last.route_id })
}

pub(crate) fn write_cursor(cursor: &RouteCursor) -> String {
    format!("{}.{}", cursor.created_at.timestamp_micros(), cursor.route_id.0.simple())
}

pub(crate) fn parse_cursor(text: &str) -> Option<RouteCursor> {
    let (micros, id) = text.split_once('.')?;
    let created_at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
    // PostgreSQL's years end before chrono's do.
    let sane = (0..10_000).contains(&chrono::Datelike::year(&created_at));
    sane.then_some(RouteCursor { created_at, route_id: id.parse().ok()? })
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
