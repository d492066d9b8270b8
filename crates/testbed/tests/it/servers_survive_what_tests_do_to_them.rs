use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};
use testbed::{Nats, Redis};

/// One exchange with a server that speaks in lines.
fn exchange(url: &str, said: &str) -> std::io::Result<String> {
    let mut socket = TcpStream::connect(url.rsplit('/').next().unwrap())?;
    socket.set_read_timeout(Some(Duration::from_millis(500)))?;
    socket.write_all(said.as_bytes())?;
    let mut heard = [0; 4096];
    let length = socket.read(&mut heard)?;
    Ok(String::from_utf8_lossy(&heard[..length]).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_can_be_killed_paused_and_started_again() {
    let redis = Redis::start_open().await.unwrap();
    assert_eq!(exchange(&redis.url(), "SET walk 1\r\n").unwrap(), "+OK\r\n");
    redis.pause();
    assert!(exchange(&redis.url(), "PING\r\n").is_err());
    redis.resume();
    assert_eq!(exchange(&redis.url(), "GET walk\r\n").unwrap(), "$1\r\n1\r\n");
    redis.kill_9();
    assert!(exchange(&redis.url(), "PING\r\n").is_err());
    redis.start_again().await.unwrap();
    assert_eq!(exchange(&redis.url(), "GET walk\r\n").unwrap(), "$-1\r\n");
}

/// Speaks NATS' text protocol: asks JetStream something and returns its JSON answer.
fn jetstream(url: &str, subject: &str, request: &str) -> String {
    let mut socket = TcpStream::connect(url.rsplit('/').next().unwrap()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let length = request.len();
    let said = format!(
        "CONNECT {{\"verbose\":false}}\r\nSUB answer 1\r\nPUB {subject} answer {length}\r\n{request}\r\n"
    );
    socket.write_all(said.as_bytes()).unwrap();
    let mut heard = String::new();
    let mut bytes = [0; 4096];
    while !heard.contains("MSG answer") || !heard.trim_end().ends_with('}') {
        let length = socket.read(&mut bytes).unwrap();
        assert!(length > 0, "closed after {heard}");
        heard.push_str(&String::from_utf8_lossy(&bytes[..length]));
    }
    heard[heard.find("MSG answer").unwrap()..].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_keeps_its_streams_over_a_kill_and_loses_them_when_wiped() {
    let nats = Nats::start_open().await.unwrap();
    let url = nats.url();
    let stream = r#"{"name":"WALKS","subjects":["walks"],"storage":"file"}"#;
    let made = jetstream(&url, "$JS.API.STREAM.CREATE.WALKS", stream);
    assert!(made.contains(r#""name":"WALKS""#), "{made}");
    nats.kill_9();
    nats.restart().await.unwrap();
    let kept = jetstream(&url, "$JS.API.STREAM.INFO.WALKS", "");
    assert!(kept.contains(r#""name":"WALKS""#), "{kept}");
    nats.wipe().await.unwrap();
    assert_eq!(nats.url(), url);
    let lost = jetstream(&url, "$JS.API.STREAM.INFO.WALKS", "");
    assert!(lost.contains("stream not found"), "{lost}");
}
