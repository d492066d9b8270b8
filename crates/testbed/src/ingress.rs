//! One origin for the whole product, as an ingress gives it in production: who answers is decided by the path. A proxy
//! for development, one request a connection.

use anyhow::{Context, bail};
use std::{path::PathBuf, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};

use crate::{map_parts::map_assets, workspace};

/// Longest head of a request that is read.
const MOST_HEAD_BYTES: usize = 32 * 1024;

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

#[derive(Debug, PartialEq)]
enum Answerer<'a> {
    /// Who, and under which path.
    Backend(&'a str, String),
    File(PathBuf, &'static str),
    Nobody,
}

impl Backends {
    fn answerer(&self, target: &str) -> Answerer<'_> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let to = |backend| Answerer::Backend(backend, target.to_owned());
        if path == "/ws" {
            return to(&self.notifier);
        }
        if path.starts_with("/api/") || path.starts_with("/tiles/routes/") {
            return to(&self.gateway);
        }
        if let Some(tile) = path.strip_prefix("/tiles/pois/") {
            // Exactly one source, exactly one tile, no query: every other form of address could name a private route.
            let tile = tile.strip_suffix(".pbf").unwrap_or(tile);
            let parts: Vec<&str> = tile.split('/').collect();
            let plain = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            return if parts.len() == 3 && parts.iter().all(plain) && query.is_empty() {
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
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else { bail!("no request") };
    match backends.answerer(target) {
        Answerer::Backend(backend, target) => {
            let mut server = TcpStream::connect(backend).await?;
            let is_upgrade = |line: &&str| line.to_ascii_lowercase().starts_with("upgrade:");
            let upgrade = head.split("\r\n").any(|line| is_upgrade(&line));
            let mut passed = format!("{method} {target} HTTP/1.1\r\n");
            for line in lines.filter(|line| !line.is_empty()) {
                // One request a connection, so that the next one is looked at as well.
                if upgrade || !line.to_ascii_lowercase().starts_with("connection:") {
                    passed += &format!("{line}\r\n");
                }
            }
            passed += if upgrade { "\r\n" } else { "Connection: close\r\n\r\n" };
            server.write_all(passed.as_bytes()).await?;
            server.write_all(&body).await?;
            copy_bidirectional(&mut client, &mut server).await?;
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
}
