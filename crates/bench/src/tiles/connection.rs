use anyhow::{Context, ensure};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

/// One kept-alive connection to a server on this machine. It does no more than it must: what the client takes, the
/// servers lack.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    request: String,
    line: String,
    body: Vec<u8>,
}

impl Connection {
    pub fn open(port: u16) -> anyhow::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("connecting to a server")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let stream = BufReader::with_capacity(1 << 16, stream);
        Ok(Self { stream, request: String::new(), line: String::new(), body: Vec::new() })
    }

    /// Status and body.
    pub fn get(&mut self, path: &str, encoding: &str) -> anyhow::Result<(u16, &[u8])> {
        self.request.clear();
        for part in ["GET ", path, " HTTP/1.1\r\nhost: localhost\r\naccept-encoding: ", encoding, "\r\n\r\n"]
        {
            self.request += part;
        }
        self.stream.get_mut().write_all(self.request.as_bytes())?;
        self.next_line()?;
        let status = self.line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.with_context(|| format!("{path}: no status in {:?}", self.line))?;
        let mut length = 0;
        loop {
            self.next_line()?;
            if self.line.is_empty() {
                break;
            }
            let (name, value) = self.line.split_once(':').unwrap_or_default();
            ensure!(!name.eq_ignore_ascii_case("transfer-encoding"), "{path}: an answer without its length");
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().context("a length that is no number")?;
            }
        }
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body)?;
        Ok((status, &self.body))
    }

    /// A tile, which must be there.
    pub fn tile(&mut self, path: &str, encoding: &str) -> anyhow::Result<&[u8]> {
        let (status, tile) = self.get(path, encoding)?;
        ensure!(status == 200, "{path} is answered with {status}");
        Ok(tile)
    }

    fn next_line(&mut self) -> anyhow::Result<()> {
        self.line.clear();
        ensure!(self.stream.read_line(&mut self.line)? > 0, "the server hung up");
        self.line.truncate(self.line.trim_end().len());
        Ok(())
    }
}
