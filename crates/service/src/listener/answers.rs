//! Answers to what never becomes a request, as bytes.

use http::{StatusCode, header};
use tokio::net::TcpStream;

/// A whole answer; the connection ends after it.
pub(super) fn bytes(status: StatusCode, detail: &str) -> Vec<u8> {
    let title = status.canonical_reason().unwrap_or("Error");
    let body = serde_json::json!({
        "type": if status == StatusCode::SERVICE_UNAVAILABLE { "urn:wildside:problem:unavailable" } else { "about:blank" },
        "title": title,
        "status": status.as_u16(),
        "detail": detail
    });
    let body = body.to_string();
    let retry = if status == StatusCode::SERVICE_UNAVAILABLE { "retry-after: 5\r\n" } else { "" };
    format!(
        "HTTP/1.1 {} {title}\r\n{}: application/problem+json\r\n{}: {}\r\n{}: no-store\r\n{}: nosniff\r\n{}: close\r\n{retry}\r\n{body}",
        status.as_u16(),
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        body.len(),
        header::CACHE_CONTROL,
        header::X_CONTENT_TYPE_OPTIONS,
        header::CONNECTION,
    )
    .into_bytes()
}

/// Answers a connection for which there is no place, without waiting for anything.
pub(super) fn refuse(stream: &TcpStream) {
    // What has come already would otherwise reset the connection before the answer is read.
    rustix::io::read(stream, &mut [0; 4096]).ok();
    let detail = "Too many connections are open. Try again in a moment.";
    send(stream, &bytes(StatusCode::SERVICE_UNAVAILABLE, detail));
}

/// Sends as much as the system takes at once, which is all where nothing was sent before.
pub(super) fn send(stream: &TcpStream, answer: &[u8]) {
    // Whether the peer hears it changes nothing. Not by way of the runtime, which does not know yet that it may write.
    rustix::io::write(stream, answer).ok();
}
