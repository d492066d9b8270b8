//! WebSockets by hand, for what a well-behaved client would not send.

use serde_json::Value;
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Longest time that a server may take to answer or to close.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the server said to a handshake, and the connection.
pub struct Handshake {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Value,
    pub stream: TcpStream,
}

impl Handshake {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// Everything that is wrong with an answer that should be a problem of this status.
    pub fn wrongs(&self, status: u16) -> Vec<String> {
        let text = |field: &str| self.body[field].as_str().unwrap_or_default();
        let checks = [
            (self.status == status, "the status"),
            (self.header("content-type") == "application/problem+json", "the media type"),
            (self.body["status"] == status, "status"),
            (!text("type").is_empty(), "type"),
            (!text("title").is_empty(), "title"),
            (!text("detail").is_empty(), "detail"),
            (text("request_id").len() == 36, "request_id"),
            (text("request_id") == self.header("x-request-id"), "X-Request-Id"),
        ];
        let wrong = checks.iter().filter(|(holds, _)| !holds);
        wrong.map(|(_, what)| format!("{what} is wrong: {} {}", self.status, self.body)).collect()
    }
}

/// The headers of a good handshake, without session and origin.
pub const UPGRADE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// Sends a request and reads the answer's head, and its body where there is one.
pub async fn ask(notifier: &str, first: &str, headers: &[(&str, &str)]) -> Handshake {
    let mut stream = TcpStream::connect(notifier.trim_start_matches("http://")).await.unwrap();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    stream
        .write_all(format!("{first} HTTP/1.1\r\nHost: wildside.test\r\n{headers}\r\n").as_bytes())
        .await
        .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.expect("no answer").unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut answer = Handshake { status, headers, body: Value::Null, stream };
    if let Ok(length) = answer.header("content-length").parse::<usize>() {
        let mut body = vec![0; length];
        timeout(PATIENCE, answer.stream.read_exact(&mut body)).await.expect("no body").unwrap();
        answer.body = serde_json::from_slice(&body).unwrap_or_default();
    }
    answer
}

/// A frame of a client's: masked, unless told otherwise.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [7, 13, 42, 99];
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | short as u8),
        long => {
            frame.push(0x80 | 126);
            frame.extend((long as u16).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(payload.iter().enumerate().map(|(index, byte)| byte ^ mask[index % 4]));
    frame
}

/// How the server ended a connection.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// With a close frame of this code.
    Closed(u16),
    /// Without a word.
    Cut,
}

/// Reads frames until the server ends the connection.
pub async fn end_of(stream: &mut (impl AsyncRead + Unpin)) -> End {
    let mut heard = Vec::new();
    // A connection that is reset has ended, too.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut heard)).await.expect("the server does not close");
    let mut rest = &heard[..];
    while let [first, length, after @ ..] = rest {
        let (length, after) = match length {
            126 => (usize::from(u16::from_be_bytes([after[0], after[1]])), &after[2..]),
            short => (usize::from(*short), after),
        };
        if *first == 0x88 {
            return End::Closed(u16::from_be_bytes([after[0], after[1]]));
        }
        rest = &after[length..];
    }
    End::Cut
}
