//! One origin for the whole product, as an ingress gives it in production: who answers is decided by the path. A proxy
//! for development, one request a connection.

use anyhow::{Context, bail};
use domain::TileAddress;
use std::{path::PathBuf, pin::pin, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional, sink},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};

use crate::{map_parts::map_assets, workspace};

/// Longest head of a request that is read.
const MOST_HEAD_BYTES: usize = 32 * 1024;

/// Where the notifier listens.
const WEB_SOCKET: &str = "/ws";

/// Who answers what, as `host:port`.
#[derive(Clone, Debug)]
pub(crate) struct Backends {
    pub gateway: String,
    pub notifier: String,
    pub tile_server: String,
    pub martin: String,
}

/// The running proxy. It ends with its value.
#[derive(Debug)]
pub(crate) struct Ingress {
    url: String,
    serving: JoinHandle<()>,
}

/// The head of a request, in the only form that everybody reads alike.
#[derive(Debug)]
struct Request<'a> {
    method: &'a str,
    target: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body_bytes: u64,
}

#[derive(Debug, PartialEq)]
enum Answerer<'a> {
    /// Who, and under which path.
    Backend(&'a str, String),
    File(PathBuf, &'static str),
    Nobody,
}

impl Backends {
    fn answerer(&self, target: &str) -> Answerer<'_> {
        let path = target.split('?').next().unwrap_or(target);
        let to = |backend| Answerer::Backend(backend, target.to_owned());
        if path == WEB_SOCKET {
            return to(&self.notifier);
        }
        if path.starts_with("/api/") || path.starts_with("/tiles/routes/") {
            return to(&self.gateway);
        }
        if let Some(tile) = path.strip_prefix("/tiles/pois/") {
            // Exactly one source, exactly one tile, no query: every other form of address could name a private route.
            let tile = tile.strip_suffix(".pbf").unwrap_or(tile);
            let parts: Vec<&str> = tile.split('/').collect();
            let is_tile = matches!(parts[..], [z, x, y] if TileAddress::parse(z, x, y).is_some());
            return if is_tile && !target.contains('?') {
                Answerer::Backend(&self.martin, format!("/tiles/pois/{tile}"))
            } else {
                Answerer::Nobody
            };
        }
        if path.starts_with("/tiles/") {
            return to(&self.tile_server);
        }
        let page = workspace::root().join("crates/testbed/page");
        match path {
            "/" => Answerer::File(page.join("index.html"), "text/html; charset=utf-8"),
            "/page/maplibre-gl.css" => Answerer::File(map_assets().join("page/maplibre-gl.css"), "text/css"),
            "/page/maplibre-gl.mjs" | "/page/maplibre-gl-worker.mjs" => {
                Answerer::File(map_assets().join(path.trim_start_matches('/')), "text/javascript")
            }
            _ => Answerer::Nobody,
        }
    }
}

impl<'a> Request<'a> {
    /// What a backend could read in another way than we do is no request: it could hold a second one.
    fn read(head: &'a str) -> Option<Self> {
        let mut lines = head.strip_suffix("\r\n\r\n")?.split("\r\n");
        let words: Vec<&str> = lines.next()?.split(' ').collect();
        let [method, target, "HTTP/1.1" | "HTTP/1.0"] = words[..] else { return None };
        let is_token = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        if !is_token(method) || target.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return None;
        }
        let mut headers = Vec::new();
        let mut body_bytes = None;
        for line in lines {
            let (name, value) = line.split_once(':')?;
            // Some servers take a lone line feed for the end of a line.
            if !is_token(name) || value.chars().any(|char| char.is_ascii_control() && char != '\t') {
                return None;
            }
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
                let length = value.parse().ok().filter(|_| is_number)?;
                if body_bytes.replace(length).is_some() {
                    return None;
                }
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                // Where such a body ends is seen only by who unpacks it. Browsers do not send one.
                return None;
            }
            headers.push((name, value));
        }
        Some(Self { method, target, headers, body_bytes: body_bytes.unwrap_or(0) })
    }

    /// A connection becomes something else in one place only: elsewhere it would be a way around the next look.
    fn upgrades(&self) -> bool {
        let path = self.target.split('?').next();
        path == Some(WEB_SOCKET) && self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("upgrade"))
    }

    /// What a backend is told; one request a connection, so that the next one is looked at as well.
    fn head_for(&self, target: &str, upgrade: bool) -> String {
        let mut head = format!("{} {target} HTTP/1.1\r\n", self.method);
        for (name, value) in &self.headers {
            let of_connection =
                ["connection", "upgrade", "keep-alive"].iter().any(|own| name.eq_ignore_ascii_case(own));
            if upgrade || !of_connection {
                head += &format!("{name}: {value}\r\n");
            }
        }
        head + if upgrade { "\r\n" } else { "Connection: close\r\n\r\n" }
    }
}

impl Ingress {
    pub async fn start(port: u16, backends: Backends) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind(("127.0.0.1", port)).await.context("listening for the one origin")?;
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let backends = backends.clone();
                // A connection that fails is its caller's to notice.
                tokio::spawn(async move { pass_on(client, &backends).await });
            }
        });
        Ok(Self { url: format!("http://127.0.0.1:{port}"), serving })
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Ingress {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn pass_on(mut client: TcpStream, backends: &Backends) -> anyhow::Result<()> {
    let (head, body) = timeout(Duration::from_secs(10), read_head(&mut client)).await??;
    let Some(request) = Request::read(&head) else {
        return answer(&mut client, "400 Bad Request", "text/plain", b"This is no request.\n").await;
    };
    match backends.answerer(request.target) {
        Answerer::Backend(backend, target) => {
            let mut server = TcpStream::connect(backend).await?;
            let upgrade = request.upgrades();
            server.write_all(request.head_for(&target, upgrade).as_bytes()).await?;
            if upgrade {
                server.write_all(&body).await?;
                copy_bidirectional(&mut client, &mut server).await?;
            } else {
                answer_once(&mut client, &mut server, &body, request.body_bytes).await?;
            }
        }
        Answerer::File(file, media_type) => {
            let content =
                tokio::fs::read(&file).await.with_context(|| format!("reading {}", file.display()))?;
            answer(&mut client, "200 OK", media_type, &content).await?;
        }
        Answerer::Nobody => answer(&mut client, "404 Not Found", "text/plain", b"Nothing is here.\n").await?,
    }
    Ok(())
}

/// Passes on the body of one request and its answer. What the client says after the body could be a second request,
/// at which nobody has looked, so it goes nowhere.
async fn answer_once(
    client: &mut TcpStream,
    server: &mut TcpStream,
    begun: &[u8],
    body_bytes: u64,
) -> anyhow::Result<()> {
    let (from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let mut body = begun.chain(from_client).take(body_bytes);
    let asking = async {
        copy(&mut body, &mut to_server).await?;
        // Read to its end, so that the server hears when the client has gone.
        copy(body.get_mut(), &mut sink()).await?;
        to_server.shutdown().await
    };
    let answering = async {
        copy(&mut from_server, &mut to_client).await?;
        to_client.shutdown().await
    };
    let mut answering = pin!(answering);
    tokio::select! {
        answered = &mut answering => answered?,
        // A server may answer before it has heard all.
        _ = asking => answering.await?,
    }
    Ok(())
}

async fn answer(
    client: &mut TcpStream,
    status: &str,
    media_type: &str,
    content: &[u8],
) -> anyhow::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        content.len()
    );
    client.write_all(head.as_bytes()).await?;
    client.write_all(content).await?;
    Ok(client.shutdown().await?)
}

/// The head of a request, and what of the body came with it.
async fn read_head(client: &mut TcpStream) -> anyhow::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
            let body = bytes.split_off(end + 4);
            return Ok((String::from_utf8(bytes)?, body));
        }
        if bytes.len() > MOST_HEAD_BYTES || client.read_buf(&mut bytes).await? == 0 {
            bail!("no whole head of a request");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(target: &str) -> &'static str {
        let [gateway, notifier, tile_server, martin] =
            ["gateway", "notifier", "tile-server", "martin"].map(String::from);
        let backends = Backends { gateway, notifier, tile_server, martin };
        match backends.answerer(target) {
            Answerer::Backend("gateway", _) => "gateway",
            Answerer::Backend("notifier", _) => "notifier",
            Answerer::Backend("martin", _) => "martin",
            Answerer::Backend(..) => "tile-server",
            Answerer::File(..) => "page",
            Answerer::Nobody => "nobody",
        }
    }

    #[test]
    fn each_path_has_one_who_answers() {
        assert_eq!(answers("/"), "page");
        assert_eq!(answers("/?route=1"), "page");
        assert_eq!(answers("/ws"), "notifier");
        assert_eq!(answers("/api/v1/routes"), "gateway");
        assert_eq!(answers("/tiles/routes/1/2/3/4.pbf"), "gateway");
        assert_eq!(answers("/tiles/base/2/3/4.pbf"), "tile-server");
        assert_eq!(answers("/tiles/pois/14/3/4.pbf"), "martin");
    }

    #[test]
    fn martin_is_asked_for_one_tile_of_places_and_nothing_else() {
        for target in [
            "/tiles/pois/14/3/4?route_id=1",
            "/tiles/pois/14/3/4/5",
            "/tiles/pois/../routes/14/3/4",
            "/tiles/pois/14/3/4%2F..",
            "/tiles/pois/",
            "/tiles/pois/000014/3/4.pbf",
            "/tiles/pois/14/+3/4.pbf",
            "/tiles/pois/14/3/4.pbf?",
            "/page/../../config/martin.yaml",
        ] {
            assert_eq!(answers(target), "nobody", "{target}");
        }
        // These are sources that tile-server does not know.
        for target in [
            "/tiles/pois,routes/14/3/4?route_id=1",
            "/tiles/pois%2Croutes/14/3/4",
            "/tiles/POIS/14/3/4",
            "/tiles/Routes/1/2/3/4",
        ] {
            assert_eq!(answers(target), "tile-server", "{target}");
        }
        assert_eq!(answers("/TILES/routes/1/2/3/4"), "nobody");
    }

    #[test]
    fn a_backend_hears_one_request() {
        let head = |lines: &str| format!("GET /tiles/pois/14/0/0 HTTP/1.1\r\nHost: here\r\n{lines}\r\n");
        for lines in ["", "Upgrade: x\r\n", "CONNECTION: Upgrade\r\nupgrade: websocket\r\nKeep-Alive: 5\r\n"]
        {
            let head = head(lines);
            let request = Request::read(&head).unwrap();
            assert!(!request.upgrades(), "{lines:?}");
            assert_eq!(
                request.head_for("/tiles/pois/14/0/0", false),
                "GET /tiles/pois/14/0/0 HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
            );
        }
        let socket = "GET /ws?a=b HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        let request = Request::read(socket).unwrap();
        assert!(request.upgrades());
        assert_eq!(request.head_for(request.target, true), socket);
        let length = |lines| Request::read(&head(lines)).map(|request| request.body_bytes);
        assert_eq!(length("Content-Length: 12\r\n"), Some(12));
        for lines in [
            "Content-Length: +1\r\n",
            "Content-Length:\r\n",
            "Content-Length: 1\r\ncontent-length: 1\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Connection : keep-alive\r\n",
            "X: x\r\n Connection: keep-alive\r\n",
            "X: x\nConnection: keep-alive\r\n",
            "X: x\n\n",
            "X: x\rX: y\r\n",
            "no header\r\n",
        ] {
            assert_eq!(length(lines), None, "{lines:?}");
        }
    }
}
