//! One thing has one address: another way to write it would be another entry in every cache between us and a walker.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use service::Problem;

/// Lets only paths through that are written as they are always written.
pub(crate) async fn path(request: Request, next: Next) -> Response {
    let uri = request.uri();
    if !is_canonical(uri.path()) {
        return not_found(
            "An address of this kind escapes what it must, in capital letters, and nothing else.",
        );
    }
    if uri.query() == Some("") {
        return Redirect::permanent(uri.path()).into_response();
    }
    next.run(request).await
}

/// Lets only addresses without parameters through.
pub(crate) async fn no_query(request: Request, next: Next) -> Response {
    if request.uri().query().is_some() {
        return not_found("This address has no parameters.");
    }
    next.run(request).await
}

/// The answer to an address that does not exist.
pub(crate) fn not_found(detail: impl Into<String>) -> Response {
    Problem::new(StatusCode::NOT_FOUND, detail).of_kind("not-found").into_response()
}

/// Whether exactly those bytes are escaped that a path cannot hold (RFC 3986, 3.3 and 6.2.2).
fn is_canonical(path: &str) -> bool {
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            if byte != b'/' && !is_plain(byte) {
                return false;
            }
            continue;
        }
        let Some((&[high, low], after)) = rest.split_first_chunk::<2>() else { return false };
        let (Some(high), Some(low)) = (hex(high), hex(low)) else { return false };
        let escaped = high << 4 | low;
        if escaped == b'/' || is_plain(escaped) {
            return false;
        }
        rest = after;
    }
    true
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_in_one_way() {
        for path in ["/tiles/base/14/1/2.pbf", "/tiles/fonts/Noto%20Sans%20Regular/0-255.pbf", "/%C3%A9"] {
            assert!(is_canonical(path), "{path}");
        }
        for path in [
            "/b%61se", "/a%2Fb", "/a%2epbf", "/a%2Epbf", "/%c3%a9", "/a%2", "/a%", "/a%zz", "/\u{e9}", "/a|b",
        ] {
            assert!(!is_canonical(path), "{path}");
        }
    }
}
