use std::time::Duration;

use axum::{
    body::Body,
    extract::{RawPathParams, State},
    response::{IntoResponse, Redirect, Response},
};
use domain::{RouteId, TileAddress};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};

use crate::{
    app::App,
    endpoints::wire::ProblemDocument,
    error::ApiError,
    extract::{PathId, Walker, is_known},
};

/// The deepest zoom of a route's tiles.
const MAX_ZOOM: u8 = 16;
/// Longest time for one tile.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A part of a walker's own route, as a vector tile.
///
/// Layer `route`. Somebody else's does not exist for them. A tile has one address; without `.pbf` there is a redirect to it.
#[utoipa::path(
    get, path = "/tiles/routes/{route_id}/{z}/{x}/{y}", tag = "routes", security(("session" = [])),
    params(
        ("route_id" = Uuid, Path, description = "A complete route"),
        ("z" = u8, Path, description = "Zoom, 0 to 16"),
        ("x" = u32, Path, description = "Column"),
        ("y" = String, Path, description = "Row, and `.pbf`", example = "4741.pbf")
    ),
    responses(
        (status = 200, description = "The tile", body = Vec<u8>, content_type = "application/vnd.mapbox-vector-tile"),
        (status = 204, description = "The route does not pass there"),
        (status = 304, description = "The caller has this version already"),
        (status = 308, description = "The same with `.pbf`"),
        (status = "default", description = "A problem", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
pub(crate) async fn get_route_tile(
    State(app): State<App>,
    Walker(user): Walker,
    PathId(route): PathId<RouteId>,
    params: RawPathParams,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let TileAddress { z, x, y } = tile(&params)?;
    // One tile has one address.
    if uri.query().is_some() {
        return Err(ApiError::NotFound("This address"));
    }
    let address = format!("/tiles/routes/{route}/{z}/{x}/{y}.pbf");
    if uri.path() != address {
        return Ok(Redirect::permanent(&address).into_response());
    }
    if !store::is_route_of(&app.database, user, route).await? {
        return Err(ApiError::NotFound("This route"));
    }
    // Nothing that the caller wrote goes on to Martin but numbers and an id: it would take the caller's own `route_id`.
    let martin = app.config.martin_url.as_ref().ok_or(ApiError::MapAway)?.as_str().trim_end_matches('/');
    let url = format!("{martin}/tiles/routes/{z}/{x}/{y}?route_id={route}");
    let mut request = app.http.get(url).timeout(TIMEOUT);
    if let Some(accepted) = headers.get(header::ACCEPT_ENCODING) {
        request = request.header(header::ACCEPT_ENCODING, accepted);
    }
    let away = |error: reqwest::Error| {
        tracing::error!(error = service::http_client::reason(error), "Martin is away");
        ApiError::MapAway
    };
    let answer = request.send().await.map_err(away)?;
    if !matches!(answer.status(), StatusCode::OK | StatusCode::NO_CONTENT) {
        tracing::error!(status = answer.status().as_u16(), "Martin did not make a tile");
        return Err(ApiError::MapAway);
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    for name in [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::ETAG] {
        if let Some(value) = answer.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    let fixed: [(HeaderName, &str); 2] = [
        // A route never changes.
        (header::CACHE_CONTROL, "private, max-age=86400"),
        (header::VARY, "Accept-Encoding, Cookie"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let etag = response.headers().get(header::ETAG).and_then(|etag| etag.to_str().ok());
    if etag.is_some_and(|etag| is_known(&headers, etag)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response.into_response());
    }
    *response.body_mut() = Body::from(answer.bytes().await.map_err(away)?);
    Ok(response)
}

/// Which tile, of those that a route has.
fn tile(params: &RawPathParams) -> Result<TileAddress, ApiError> {
    let read = |name: &str| params.iter().find(|(param, _)| *param == name).map_or("", |(_, value)| value);
    parse_tile(read("z"), read("x"), read("y")).ok_or(ApiError::NotFound("This tile"))
}

pub(crate) fn parse_tile(z: &str, x: &str, y: &str) -> Option<TileAddress> {
    TileAddress::parse(z, x, y.strip_suffix(".pbf").unwrap_or(y)).filter(|tile| tile.z <= MAX_ZOOM)
}
