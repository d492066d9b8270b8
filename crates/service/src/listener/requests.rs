use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    response::IntoResponse,
};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version, header, uri::Authority};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::progress::{Inflow, Progress};
use crate::{Problem, http::refuse};

/// The requests of one connection.
pub(super) struct Requests {
    pub router: Router,
    pub peer: SocketAddr,
    pub progress: Arc<Progress>,
    /// Cancelled when the program is asked to stop: whoever comes on this connection had better open another one elsewhere.
    pub closing: CancellationToken,
}

impl hyper::service::Service<Request<Incoming>> for Requests {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.progress.begin();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(self.peer));
        request.extensions_mut().insert(Inflow(self.progress.clone()));
        let (router, progress, closing) = (self.router.clone(), self.progress.clone(), self.closing.clone());
        Box::pin(async move {
            let mut response = match host(&request) {
                Ok(()) => router.oneshot(request).await.into_response(),
                Err(detail) => refuse(request, Problem::new(StatusCode::BAD_REQUEST, detail)),
            };
            let headers = response.headers_mut();
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                progress.upgrade();
            } else if closing.is_cancelled() {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response.map(|body| Answer { body, progress }))
        })
    }
}

/// A request says once for which host it is (RFC 9112, 3.2); in HTTP/1.0 it need not.
fn host<B>(request: &Request<B>) -> Result<(), &'static str> {
    let headers: &HeaderMap = request.headers();
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() < Version::HTTP_11 => Ok(()),
        (None, _) => Err("The request has no Host."),
        (Some(_), Some(_)) => Err("The request has more than one Host."),
        (Some(host), None) => match Authority::try_from(host.as_bytes()) {
            Ok(authority) if !authority.host().is_empty() && authority.as_str().bytes().all(is_of_a_host) => {
                Ok(())
            }
            _ => Err("The request's Host is none."),
        },
    }
}

/// The bytes of a name, of an address and of a port. A list of hosts, or a user before one, is none.
fn is_of_a_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%:[]".contains(&byte)
}

/// A body whose end is the end of the answer.
pub(super) struct Answer {
    body: Body,
    progress: Arc<Progress>,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.progress.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_hosts(version: Version, hosts: &[&[u8]]) -> bool {
        let mut request = Request::new(());
        *request.version_mut() = version;
        for host in hosts {
            request.headers_mut().append(header::HOST, HeaderValue::from_bytes(host).unwrap());
        }
        host(&request).is_ok()
    }

    #[test]
    fn a_request_is_for_one_host() {
        let now = |hosts: &[&[u8]]| with_hosts(Version::HTTP_11, hosts);
        for good in ["wildside.example", "wildside.example:8080", "127.0.0.1:80", "[::1]:8080", "localhost"] {
            assert!(now(&[good.as_bytes()]), "{good}");
        }
        for bad in ["", " ", "a b", "a,b", "a/b", "user@host", "host:port:port", "a\\b", "http://a", ":80"] {
            assert!(!now(&[bad.as_bytes()]), "{bad:?}");
        }
        assert!(!now(&[]) && !now(&[b"a.example", b"a.example"]) && !now(&[b"\xff"]));
        assert!(with_hosts(Version::HTTP_10, &[]) && !with_hosts(Version::HTTP_10, &[b"a", b"b"]));
    }
}
