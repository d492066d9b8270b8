use axum::{Router, body::Body, routing::get as on_get};
use http::{StatusCode, header};
use serde_json::Value;
use service::{
    Shutdown,
    listener::{Inflow, Limits, Timeouts, serve},
};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};

/// As short as a busy machine allows.
const TIMEOUTS: Timeouts = Timeouts {
    head: Duration::from_millis(500),
    idle: Duration::from_millis(1500),
    write: Duration::from_millis(500),
    answer: Duration::from_secs(60),
};
/// Longest time that a test waits for anything.
const SOON: Duration = Duration::from_secs(20);
const GET: &str = "GET / HTTP/1.1\r\nHost: wildside.test\r\n\r\n";
const LARGE: usize = 64 << 20;

struct Door {
    address: SocketAddr,
    shutdown: Shutdown,
    serving: JoinHandle<()>,
}

impl Door {
    async fn open(limits: Limits) -> Self {
        let router = Router::new()
            .route("/", on_get(async || "hello"))
            .route("/large", on_get(async || Body::from(vec![b'x'; LARGE])))
            .route("/upgrade", on_get(upgrade));
        Self::with(router, limits).await
    }

    async fn with(router: Router, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, shutdown) = (listener.local_addr().unwrap(), Shutdown::default());
        let serving = tokio::spawn(serve(listener, router, TIMEOUTS, limits, shutdown.clone()));
        Self { address, shutdown, serving }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// What is answered to these bytes on a connection of their own, until it ends.
    async fn say(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        // The server may answer before it has heard everything.
        stream.write_all(bytes.as_ref()).await.ok();
        rest(&mut stream).await
    }
}

fn up_to(max: usize) -> Limits {
    Limits::Refuse { max, max_per_address: None }
}

/// What is heard until the other side ends the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    let reading = timeout(SOON, stream.read_to_end(&mut heard)).await.expect("the connection stays open");
    reading.expect("the connection is reset");
    String::from_utf8(heard).unwrap()
}

/// What is heard next.
async fn next(stream: &mut TcpStream) -> String {
    let mut heard = [0; 4096];
    let length = timeout(SOON, stream.read(&mut heard)).await.expect("nothing is heard").unwrap();
    String::from_utf8_lossy(&heard[..length]).into_owned()
}

fn is_a_problem(answer: &str, status: u16) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    let head = head.to_ascii_lowercase();
    for line in ["content-type: application/problem+json", "x-content-type-options: nosniff"] {
        assert!(head.lines().any(|heard| heard == line), "{line} is not in {answer}");
    }
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["status"], status);
    assert!(!body["detail"].as_str().unwrap().is_empty());
}

/// Says back what it hears, up to 16 bytes a second.
async fn upgrade(mut request: axum::extract::Request) -> http::Response<Body> {
    let inflow: Inflow = request.extensions().get::<Inflow>().unwrap().clone();
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut stream = hyper_util::rt::TokioIo::new(upgraded.await.unwrap());
        inflow.limit(domain::RateLimit { per_minute: 16 * 60, burst: 16 });
        let mut heard = [0; 8];
        loop {
            match stream.read(&mut heard).await {
                Ok(0) => return,
                Ok(length) => stream.write_all(&heard[..length]).await.unwrap(),
                Err(error) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::QuotaExceeded);
                    stream.write_all(b"enough").await.unwrap();
                    stream.shutdown().await.unwrap();
                    // What still comes is dropped.
                    assert_eq!(stream.read(&mut heard).await.unwrap(), 0);
                    return;
                }
            }
        }
    });
    http::Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, "echo")
        .body(Body::empty())
        .unwrap()
}

async fn upgraded(door: &Door) -> TcpStream {
    let mut stream = door.connect().await;
    let head = "GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(next(&mut stream).await.starts_with("HTTP/1.1 101"));
    stream
}

#[tokio::test]
async fn who_says_nothing_is_shown_out() {
    let door = Door::open(up_to(10)).await;
    assert_eq!(rest(&mut door.connect().await).await, "");
}

#[tokio::test]
async fn half_a_head_is_answered_with_408_however_it_trickles_in() {
    let door = Door::open(up_to(10)).await;
    is_a_problem(&door.say("GET / HTTP/1.1\r\nHost: wild").await, 408);
    let mut stream = door.connect().await;
    let (mut from, mut to) = stream.split();
    let trickling = async {
        for byte in GET.bytes().cycle() {
            // Without the empty line that would end the head.
            if byte != b'\r' && to.write_all(&[byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    let mut heard = [0; 4096];
    let length = tokio::select! {
        () = trickling => panic!("the connection was reset"),
        read = timeout(SOON, from.read(&mut heard)) => read.expect("it may trickle for ever").unwrap(),
    };
    is_a_problem(std::str::from_utf8(&heard[..length]).unwrap(), 408);
}

#[tokio::test]
async fn a_connection_serves_many_requests_and_is_closed_when_it_idles() {
    let door = Door::open(up_to(10)).await;
    let mut stream = door.connect().await;
    for _ in 0..3 {
        stream.write_all(GET.as_bytes()).await.unwrap();
        assert!(next(&mut stream).await.ends_with("hello"));
        // Longer than a head may take: between requests there is more time.
        sleep(TIMEOUTS.head + Duration::from_millis(200)).await;
    }
    assert_eq!(rest(&mut stream).await, "");
    // A second head has no more time than the first one.
    stream = door.connect().await;
    stream.write_all(GET.as_bytes()).await.unwrap();
    next(&mut stream).await;
    stream.write_all(b"GET").await.unwrap();
    is_a_problem(&rest(&mut stream).await, 408);
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up() {
    let door = Door::open(up_to(1)).await;
    let mut lazy = door.connect().await;
    lazy.write_all(GET.replace("GET /", "GET /large").as_bytes()).await.unwrap();
    // Its place is free again before it has read a byte.
    let served = async {
        while !door.say(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).await.ends_with("hello") {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(SOON, served).await.expect("an answer that is not read holds its place for ever");
    let mut heard = Vec::new();
    timeout(SOON, lazy.read_to_end(&mut heard)).await.unwrap().ok();
    assert!(heard.len() < LARGE);
}

#[tokio::test]
async fn an_answer_that_is_read_slowly_arrives_whole() {
    let door = Door::open(up_to(1)).await;
    let mut slow = door.connect().await;
    let head = GET.replace("GET /", "GET /large").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    slow.write_all(head.as_bytes()).await.unwrap();
    let (mut heard, mut part) = (0, vec![0; 8 << 20]);
    loop {
        let length = timeout(SOON, slow.read(&mut part)).await.unwrap().unwrap();
        if length == 0 {
            break;
        }
        // In all, much longer than one write may take.
        if heard % (16 << 20) > (heard + length) % (16 << 20) {
            sleep(TIMEOUTS.write / 2).await;
        }
        heard += length;
    }
    assert!(heard > LARGE);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_told_so() {
    let door = Door::open(up_to(10)).await;
    let head = |bytes: usize| GET.replace("\r\n\r\n", &format!("\r\nX-A: {}\r\n\r\n", "a".repeat(bytes)));
    let mut stream = door.connect().await;
    stream.write_all(head(30 * 1024).as_bytes()).await.unwrap();
    assert!(next(&mut stream).await.starts_with("HTTP/1.1 200"));
    for bytes in [33 * 1024, 400 * 1024] {
        is_a_problem(&door.say(head(bytes)).await, 431);
    }
    is_a_problem(&door.say(format!("GET /{} HTTP/1.1\r\n", "a".repeat(100 * 1024))).await, 414);
    // What is no HTTP at all gets as much as it deserves.
    let answer = door.say("\x16\x03\x01\x02\x00\x01\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn a_request_is_for_exactly_one_host() {
    let door = Door::open(up_to(10)).await;
    let with = |hosts: &str| format!("GET / HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
    for hosts in ["", "Host: a\r\nHost: a\r\n", "Host: a b\r\n", "Host: \r\n", "Host: u@a\r\n"] {
        let answer = door.say(with(hosts)).await;
        is_a_problem(&answer, 400);
        assert!(answer.contains("x-request-id: ") && answer.contains("\"request_id\""), "{answer}");
    }
    let answer = door.say(with("Host: wildside.test:8080\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("x-content-type-options: nosniff\r\n"), "{answer}");
    assert!(door.say("GET / HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 200"));
}

#[tokio::test]
async fn there_are_so_many_connections_and_no_more() {
    let door = Door::open(up_to(2)).await;
    let mut open = [door.connect().await, door.connect().await];
    for stream in &mut open {
        stream.write_all(GET.as_bytes()).await.unwrap();
        assert!(next(stream).await.ends_with("hello"));
    }
    let answer = door.say(GET).await;
    is_a_problem(&answer, 503);
    assert!(
        answer.contains("retry-after: ") && answer.contains("urn:wildside:problem:unavailable"),
        "{answer}"
    );
    // Whoever goes makes room.
    let [first, _second] = open;
    drop(first);
    let served = async {
        while !door.say(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).await.ends_with("hello") {}
    };
    timeout(SOON, served).await.expect("a place is not given back");
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_others_have_theirs() {
    let door = Door::open(Limits::Refuse { max: 10, max_per_address: Some(2) }).await;
    let _open = [door.connect().await, door.connect().await];
    is_a_problem(&door.say(GET).await, 503);
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = socket.connect(door.address).await.unwrap();
    other.write_all(GET.as_bytes()).await.unwrap();
    assert!(next(&mut other).await.ends_with("hello"));
}

#[tokio::test]
async fn where_somebody_must_get_through_the_oldest_connection_makes_room() {
    let door = Door::open(Limits::EndOldest { max: 4 }).await;
    let mut open = Vec::new();
    for _ in 0..40 {
        open.push(door.connect().await);
        let mut probe = door.connect().await;
        probe.write_all(GET.as_bytes()).await.unwrap();
        assert!(next(&mut probe).await.ends_with("hello"));
    }
}

#[tokio::test]
async fn an_upgraded_connection_may_be_silent_but_not_say_too_much() {
    let door = Door::open(up_to(2)).await;
    let mut stream = upgraded(&door).await;
    // Longer than HTTP would stand it.
    sleep(TIMEOUTS.idle * 2).await;
    stream.write_all(b"there?").await.unwrap();
    assert_eq!(next(&mut stream).await, "there?");
    stream.write_all(&[b'x'; 1024]).await.unwrap();
    let heard = rest(&mut stream).await;
    assert!(heard.ends_with("enough") && heard.len() < 100, "{heard}");
    // It is counted as a connection all the time.
    let door = Door::open(up_to(2)).await;
    let _open = [upgraded(&door).await, upgraded(&door).await];
    is_a_problem(&door.say(GET).await, 503);
}

#[tokio::test]
async fn a_program_that_is_asked_to_stop_serves_on_and_then_finishes_what_it_has() {
    let (entered, mut inside) = mpsc::channel(1);
    let slow = async move || {
        entered.send(()).await.unwrap();
        sleep(Duration::from_millis(300)).await;
        "done"
    };
    let router = Router::new().route("/", on_get(async || "hello")).route("/slow", on_get(slow));
    let door = Door::with(router, up_to(10)).await;
    let mut idle = door.connect().await;
    idle.write_all(GET.as_bytes()).await.unwrap();
    assert!(!next(&mut idle).await.contains("connection: close"));

    door.shutdown.asked.cancel();
    // Doors are open; each connection is asked to go after its answer.
    let answer = door.say(GET).await;
    assert!(answer.ends_with("hello") && answer.contains("connection: close"), "{answer}");
    let mut busy = door.connect().await;
    busy.write_all(GET.replace("GET /", "GET /slow").as_bytes()).await.unwrap();
    inside.recv().await.unwrap();

    door.shutdown.stop.cancel();
    assert!(rest(&mut busy).await.ends_with("done"));
    assert_eq!(rest(&mut idle).await, "");
    timeout(SOON, door.serving).await.expect("it does not end").unwrap();
    assert!(TcpStream::connect(door.address).await.is_err());
}
