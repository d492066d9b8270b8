//! What comes in through the public doors.

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use domain::RouteRequest;
use http::{HeaderMap, HeaderValue, header};
use service::SessionKeys;
use uuid::Uuid;

use crate::text;

/// A body of `POST /api/v1/routes`. What is legal is written as it is read, and its numbers are within their bounds.
pub(crate) fn route_request(input: &[u8]) {
    let Ok(value) = serde_json::from_slice(input) else { return };
    let Ok(request) = RouteRequest::parse(&value) else { return };
    assert!(RouteRequest::DURATION_MINUTES.contains(&request.duration_minutes()));
    assert!((1..=RouteRequest::MOST_THEMES).contains(&request.themes().len()));
    assert!((0.0..=1.0).contains(&request.popularity_bias()));
    let written = serde_json::to_value(&request).unwrap_or_else(|error| panic!("{error}"));
    let again = RouteRequest::parse(&written).unwrap_or_else(|errors| panic!("{errors:?}"));
    assert_eq!(again, request);
}

/// A `Cookie` header. Nobody but the holder of the key makes a session.
pub(crate) fn session_cookie(input: &[u8]) {
    static KEYS: LazyLock<(SessionKeys, String)> = LazyLock::new(|| {
        let secret = "k".repeat(64).parse().unwrap_or_else(|_| panic!("a key"));
        let keys = SessionKeys::new(&secret, None, false);
        let cookie = keys.begin(Uuid::from_u128(7), now());
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        (keys, cookie)
    });
    let (keys, good) = &*KEYS;
    let Ok(value) = HeaderValue::from_bytes(input) else { return };
    let session = |value: HeaderValue| keys.session(&HeaderMap::from_iter([(header::COOKIE, value)]), now());
    let is_ours = text(input).is_some_and(|text| text.contains(good.as_str()));
    assert!(session(value).is_err() || is_ours);
    // The same on the way to a good one: cut, changed and followed by something else.
    let damaged = [good.as_bytes(), input].concat();
    if !input.is_empty() && !input[0].is_ascii_whitespace() && input[0] != b';' {
        let Ok(value) = HeaderValue::from_bytes(&damaged) else { return };
        assert!(session(value).is_err(), "{damaged:?}");
    }
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// The `cursor` of a list. What is one of ours is written as it is read.
pub(crate) fn cursor(input: &[u8]) {
    let Some(cursor) = text(input).and_then(api_gateway::fuzz::parse_cursor) else { return };
    let written = api_gateway::fuzz::write_cursor(&cursor);
    assert_eq!(api_gateway::fuzz::parse_cursor(&written), Some(cursor));
}

/// `z/x/y` of a tile, of the base map or of a route. Tiles that do not exist have no address.
pub(crate) fn tile_path(input: &[u8]) {
    let parts: Vec<&str> = text(input).unwrap_or_default().split('/').collect();
    let [z, x, y] = parts[..] else { return };
    let of_map = tile_server::fuzz::parse_tile(z, x, y);
    for (z, x, y) in [of_map, api_gateway::fuzz::parse_tile(z, x, y)].into_iter().flatten() {
        assert!(z <= 30 && u64::from(x.max(y)) < 1 << z, "{z}/{x}/{y}");
    }
    if let Some((tile_z, tile_x, tile_y)) = of_map {
        assert_eq!(format!("{z}/{x}/{y}"), format!("{tile_z}/{tile_x}/{tile_y}"));
    }
}
