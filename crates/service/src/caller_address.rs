use std::{
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicBool, Ordering},
};

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::Response,
};
use http::HeaderMap;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// A header that nobody trusts was mentioned in the log: anybody may send it.
static WARNED: AtomicBool = AtomicBool::new(false);

/// Who is asking, as far as an address tells: an IPv4 address, or the network of an IPv6 address, whose users have 2^64
/// addresses each. Every request of a public door has it as an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallerAddress(pub IpAddr);

impl CallerAddress {
    /// The caller behind a peer's address.
    pub fn of_peer(peer: IpAddr) -> Self {
        match peer.to_canonical() {
            IpAddr::V6(address) => Self(IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into())),
            address => Self(address),
        }
    }

    /// The caller behind so many proxies of ours, each of which adds its peer to X-Forwarded-For. What stands further left
    /// anybody may have written. A request that came past the proxies is its peer's own.
    pub(crate) fn behind_proxies(peer: IpAddr, headers: &HeaderMap, trusted_proxies: usize) -> Self {
        let Some(place) = trusted_proxies.checked_sub(1) else { return Self::of_peer(peer) };
        let forwarded = headers.get_all(X_FORWARDED_FOR).iter().rev();
        let mut addresses =
            forwarded.filter_map(|value| value.to_str().ok()).flat_map(|value| value.rsplit(','));
        let claimed = addresses.nth(place).and_then(|address| parse(address.trim()));
        Self::of_peer(claimed.unwrap_or(peer))
    }

    /// Adds the caller to a request.
    pub(crate) async fn of_request(
        State(trusted_proxies): State<usize>,
        ConnectInfo(peer): ConnectInfo<SocketAddr>,
        mut request: Request,
        next: Next,
    ) -> Response {
        if trusted_proxies == 0
            && request.headers().contains_key(X_FORWARDED_FOR)
            && !WARNED.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                %peer,
                "a request came with X-Forwarded-For, and TRUSTED_PROXIES is 0: if a proxy of yours wrote it, all its callers \
                 share one address"
            );
        }
        let caller = Self::behind_proxies(peer.ip(), request.headers(), trusted_proxies);
        request.extensions_mut().insert(caller);
        next.run(request).await
    }
}

/// Some proxies write the port, too.
fn parse(address: &str) -> Option<IpAddr> {
    address.parse().ok().or_else(|| address.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_proxies_are_believed() {
        let peer: IpAddr = "10.0.0.1".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "6.6.6.6, 203.0.113.9".parse().unwrap());
        headers.append("x-forwarded-for", "10.0.0.2".parse().unwrap());
        let address = |proxies| CallerAddress::behind_proxies(peer, &headers, proxies).0.to_string();
        assert_eq!(address(0), "10.0.0.1");
        assert_eq!(address(1), "10.0.0.2");
        assert_eq!(address(2), "203.0.113.9");
        assert_eq!(address(9), "10.0.0.1");
    }

    #[test]
    fn a_port_is_no_part_of_an_address() {
        for (written, address) in [("203.0.113.9:1234", "203.0.113.9"), ("[2001:db8::1]:1234", "2001:db8::")]
        {
            let headers =
                HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), written.parse().unwrap())]);
            let peer: IpAddr = "10.0.0.1".parse().unwrap();
            assert_eq!(CallerAddress::behind_proxies(peer, &headers, 1).0.to_string(), address);
        }
    }

    #[test]
    fn a_v6_network_is_one_caller() {
        let caller = |text: &str| CallerAddress::of_peer(text.parse().unwrap());
        assert_eq!(caller("2001:db8::1"), caller("2001:db8::2"));
        assert_ne!(caller("2001:db8::1"), caller("2001:db8:0:1::1"));
        assert_eq!(caller("::ffff:203.0.113.9"), caller("203.0.113.9"));
    }
}
