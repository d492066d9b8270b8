use std::time::Duration;

use axum::{
    body::Body,
    extract::{RawPathParams, State},
    response::{IntoResponse, Redirect, Response},
};
use domain::{RouteId, TileAddress};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use service::preferred_coding;
use utoipa::ToSchema;

use crate::{
    app::App,
    endpoints::wire::ProblemDocument,
    error::ApiError,
    extract::{PathId, Walker, entity_tags},
};

/// The deepest zoom of a route's tiles.
const MAX_ZOOM: u8 = 16;
/// A vector tile (version 2.1 of Mapbox' specification).
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "only describes the body")]
pub(crate) struct VectorTile(Vec<u8>);

/// The registered media type, which Martin calls by an older name.
const VECTOR_TILE: &str = "application/vnd.mapbox-vector-tile";
/// The content codings in which Martin sends tiles.
const CODINGS: [&str; 4] = ["gzip", "br", "zstd", "identity"];
/// Longest time for one tile.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A part of a walker's own route, as a vector tile.
///
/// Layer `route`. Somebody else's does not exist for them. A tile has one address; without `.pbf` there is a redirect to it.
#[utoipa::path(
    get, path = "/tiles/routes/{route_id}/{z}/{x}/{y}", tag = "routes", security(("session" = [])),
    params(
        ("route_id" = Uuid, Path, description = "A complete route"),
        ("z" = u8, Path, maximum = 16, description = "Zoom"),
        ("x" = u32, Path, maximum = 65535, description = "Column, below 2^z"),
        ("y" = String, Path, pattern = "^(0|[1-9][0-9]{0,4})([.]pbf)?$", description = "Row, below 2^z, and `.pbf`", example = "4741.pbf"),
        ("If-None-Match" = Option<String>, Header, description = "ETags of the versions that the caller has")
    ),
    responses(
        (status = 200, description = "The tile", body = VectorTile, content_type = "application/vnd.mapbox-vector-tile",
            headers(
                ("etag" = Option<String>, description = "This version"),
                ("content-encoding" = Option<String>, description = "How it is compressed, if it is"))),
        (status = 204, description = "The route does not pass there"),
        (status = 304, description = "The caller has this version already", headers(("etag" = String, description = "This version"))),
        (status = 308, description = "The same with `.pbf`", headers(("location" = String, description = "The address of the tile"))),
        (status = 406, description = "The caller refuses every coding that a tile can have", body = ProblemDocument, content_type = "application/problem+json")
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
    let known = entity_tags(&headers, &header::IF_NONE_MATCH)?;
    // Martin refuses what it does not understand: it is asked for one coding, in our own words.
    let refused = "A tile comes with the content coding gzip, br or zstd, or with none.";
    let coding = preferred_coding(&headers, &CODINGS).ok_or(ApiError::NotAcceptable(refused))?;
    if !store::is_route_of(&app.database, user, route).await? {
        return Err(ApiError::NotFound("This route"));
    }
    let answer = ask_martin(&app, &format!("{z}/{x}/{y}?route_id={route}"), coding).await?;

    let mut response = Response::new(Body::empty());
    let out = response.headers_mut();
    // A route never changes.
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400"));
    out.insert(header::VARY, HeaderValue::from_static("Accept-Encoding, Cookie"));
    // Martin's tag is the same for every coding, so that it does not promise the same bytes.
    let etag = answer.headers().get(header::ETAG).and_then(|etag| etag.to_str().ok());
    let etag = etag.map(|etag| format!("W/{}", etag.trim_start_matches("W/")));
    if let Some(etag) = &etag
        && let Ok(etag) = HeaderValue::from_str(etag)
    {
        out.insert(header::ETAG, etag);
    }
    if known.zip(etag).is_some_and(|(known, etag)| known.name(&etag)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    if answer.status() == StatusCode::NO_CONTENT {
        *response.status_mut() = StatusCode::NO_CONTENT;
        return Ok(response);
    }
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(VECTOR_TILE));
    if let Some(coding) = answer.headers().get(header::CONTENT_ENCODING) {
        out.insert(header::CONTENT_ENCODING, coding.clone());
    }
    *response.body_mut() = Body::from(answer.bytes().await.map_err(away)?);
    Ok(response)
}

/// Martin's answer about a tile. Nothing that the caller wrote goes on to it but numbers and an id: it would take the
/// caller's own `route_id`.
async fn ask_martin(app: &App, tile: &str, coding: &str) -> Result<reqwest::Response, ApiError> {
    let martin = app.config.martin_url.as_ref().ok_or(ApiError::MapAway)?.as_str().trim_end_matches('/');
    let request = app.http.get(format!("{martin}/tiles/routes/{tile}")).timeout(TIMEOUT);
    let answer = request.header(header::ACCEPT_ENCODING, coding).send().await.map_err(away)?;
    if !matches!(answer.status(), StatusCode::OK | StatusCode::NO_CONTENT) {
        tracing::error!(status = answer.status().as_u16(), "Martin did not make a tile");
        return Err(ApiError::MapAway);
    }
    Ok(answer)
}

fn away(error: reqwest::Error) -> ApiError {
    tracing::error!(error = service::http_client::reason(error), "Martin is away");
    ApiError::MapAway
}

/// Which tile, of those that a route has.
fn tile(params: &RawPathParams) -> Result<TileAddress, ApiError> {
    let read = |name: &str| params.iter().find(|(param, _)| *param == name).map_or("", |(_, value)| value);
    parse_tile(read("z"), read("x"), read("y")).ok_or(ApiError::NotFound("This tile"))
}

pub(crate) fn parse_tile(z: &str, x: &str, y: &str) -> Option<TileAddress> {
    TileAddress::parse(z, x, y.strip_suffix(".pbf").unwrap_or(y)).filter(|tile| tile.z <= MAX_ZOOM)
}
