//! HTTP/1.1 by hand, for requests that a well-behaved client would not send.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;
use testbed::{Answer, Method, StatusCode, check_answer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A request as bytes.
#[derive(Clone)]
pub struct Raw {
    head: Vec<u8>,
    body: Vec<u8>,
    hangs_up: bool,
}

impl Raw {
    pub fn new(method: &str, path: &str) -> Self {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: wildside.test\r\nConnection: close\r\n");
        Self { head: head.into(), body: Vec::new(), hangs_up: false }
    }

    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A wish for a walk, in JSON.
    pub fn post_route(body: impl AsRef<[u8]>) -> Self {
        Self::new("POST", "/api/v1/routes").header("Content-Type", "application/json").body(body)
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.head.extend(name.as_bytes());
        self.head.extend(b": ");
        self.head.extend(value.as_ref());
        self.head.extend(b"\r\n");
        self
    }

    pub fn body(self, body: impl AsRef<[u8]>) -> Self {
        let mut with_body = self.header("Content-Length", body.as_ref().len().to_string());
        with_body.body = body.as_ref().to_vec();
        with_body
    }

    /// Bytes after the head that no header announces.
    pub fn bytes(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.body = bytes.as_ref().to_vec();
        self
    }

    /// The connection ends with the last byte.
    pub fn and_hang_up(mut self) -> Self {
        self.hangs_up = true;
        self
    }

    /// Sends it and reads the whole answer; `None` where the server closes without one.
    pub async fn send(&self, gateway: &str) -> Option<Answer> {
        let stream = TcpStream::connect(gateway.trim_start_matches("http://")).await.unwrap();
        let (mut from, mut to) = stream.into_split();
        let (said, hangs_up) = ([&self.head[..], b"\r\n", &self.body].concat(), self.hangs_up);
        // Both at once, as clients do: the server may answer before it has heard everything.
        let saying = tokio::spawn(async move {
            let _ = to.write_all(&said).await;
            // To the server, half a connection is none.
            if !hangs_up {
                to.forget();
            }
        });
        let mut heard = Vec::new();
        let reading = tokio::time::timeout(Duration::from_secs(20), from.read_to_end(&mut heard));
        // A connection that is reset after the answer has still answered.
        let _ = reading.await.expect("the server neither answers nor closes");
        saying.abort();
        let answer = understand(&heard);
        if let (Some((method, target)), Some(answer)) = (self.request_line(), &answer) {
            check_answer(&method, &target, answer);
        }
        answer
    }

    /// The method and the target, where HTTP has such ones.
    fn request_line(&self) -> Option<(Method, String)> {
        let line = String::from_utf8_lossy(&self.head).lines().next()?.to_owned();
        let words: Vec<&str> = line.split(' ').collect();
        let [method, target, _] = words[..] else { return None };
        Some((method.parse().ok()?, target.to_owned()))
    }
}

fn understand(heard: &[u8]) -> Option<Answer> {
    let end = heard.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&heard[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
    }
    let body = heard[end + 4..].to_vec();
    Some(Answer { status: StatusCode::from_u16(status).unwrap(), headers, body })
}
