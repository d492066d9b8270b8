//! Who is let in: pages of listed origins only, and nobody too often.

use std::{
    net::{IpAddr, SocketAddr},
    time::SystemTime,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{Allowance, RateLimit, UserId};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use service::{CallerAddress, Session};

use crate::{app::App, error::ApiError};

pub(crate) async fn let_in(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    if !request.method().is_safe() && !app.config.door.allowed_origins.allow(request.headers()) {
        return ApiError::ForeignOrigin.into_response();
    }
    // A look at a map is dozens of tiles. They are counted apart, so that looking keeps nobody from asking for a walk.
    let (kind, more) = if request.uri().path().starts_with("/tiles/") { ("tiles:", 10) } else { ("", 1) };
    let address = caller_address(peer.ip(), request.headers(), app.config.trusted_proxies);
    let limit = RateLimit::per_minute(app.config.rate_limit_address_per_minute.saturating_mul(more));
    let mut policy = ("address", limit, app.limiter.knock(&format!("{kind}address:{address}"), limit).await);
    let session = app.session(request.headers(), SystemTime::now());
    if let (true, Ok(session)) = (policy.2.allowed, session) {
        let limit = RateLimit::per_minute(app.config.rate_limit_session_per_minute.saturating_mul(more));
        policy =
            ("session", limit, app.limiter.knock(&format!("{kind}session:{}", session.user_id), limit).await);
    }
    request.extensions_mut().insert(session);
    request.extensions_mut().insert(CallerAddress(address));
    let mut response = if policy.2.allowed {
        next.run(request).await
    } else {
        metrics::counter!("rate_limited_total", "policy" => policy.0).increment(1);
        ApiError::TooOften(policy.2).into_response()
    };
    // What a shared cache may keep must not depend on who asked.
    if service::http::is_public(response.headers()) {
        return response;
    }
    tell(response.headers_mut(), policy);
    if let Ok(session) = session
        && session.is_old
        && !response.headers().contains_key(header::SET_COOKIE)
    {
        renew(&app, &session, response.headers_mut());
    }
    response
}

/// Gives a walker a new cookie for the same session, and notes that they were here.
fn renew(app: &App, session: &Session, headers: &mut HeaderMap) {
    if let Ok(cookie) = app.sessions.now().issue(session, SystemTime::now()).parse() {
        headers.insert(header::SET_COOKIE, cookie);
    }
    let (database, user) = (app.database.clone(), UserId(session.user_id));
    tokio::spawn(async move {
        if let Err(error) = store::note_activity(&database, user).await {
            tracing::warn!(%error, "a walker's visit was not noted");
        }
    });
}

/// The RateLimit fields of the IETF's draft-ietf-httpapi-ratelimit-headers.
fn tell(headers: &mut HeaderMap, (name, limit, allowance): (&str, RateLimit, Allowance)) {
    let fields = [
        ("ratelimit-policy", format!("\"{name}\";q={};w=60", limit.per_minute)),
        ("ratelimit", format!("\"{name}\";r={};t={}", allowance.remaining, allowance.reset_after.as_secs())),
    ];
    for (field, value) in fields {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(field), value);
        }
    }
}

/// The caller's address. What stands in X-Forwarded-For further left than our own proxies anybody may have written. An
/// IPv6 network gives its users 2^64 addresses each, so they are told apart by their network.
fn caller_address(peer: IpAddr, headers: &HeaderMap, trusted_proxies: usize) -> IpAddr {
    let forwarded: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let claimed = match trusted_proxies {
        0 => None,
        proxies => forwarded.iter().rev().nth(proxies - 1).and_then(|address| address.trim().parse().ok()),
    };
    match claimed.unwrap_or(peer) {
        IpAddr::V6(address) if address.to_ipv4_mapped().is_none() => {
            IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into())
        }
        address => address.to_canonical(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_proxies_are_believed() {
        let peer: IpAddr = "10.0.0.1".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.0.0.2".parse().unwrap());
        let address = |proxies| caller_address(peer, &headers, proxies).to_string();
        assert_eq!(address(0), "10.0.0.1");
        assert_eq!(address(1), "10.0.0.2");
        assert_eq!(address(2), "203.0.113.9");
    }

    #[test]
    fn a_v6_network_is_one_caller() {
        let address = |text: &str| caller_address(text.parse().unwrap(), &HeaderMap::new(), 0);
        assert_eq!(address("2001:db8::1"), address("2001:db8::2"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
    }
}
