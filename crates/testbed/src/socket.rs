use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::time::Duration;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::contract::check_message;

/// A walker's open WebSocket.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Opens one. The error of a refused handshake is the server's, with its status.
    pub async fn open(
        url: &str,
        cookie: Option<&str>,
        origin: Option<&str>,
    ) -> Result<Self, tokio_tungstenite::tungstenite::Error> {
        let mut request = url.into_client_request()?;
        for (name, value) in [("cookie", cookie), ("origin", origin)] {
            if let Some(value) = value {
                request.headers_mut().insert(name, HeaderValue::from_str(value)?);
            }
        }
        let (stream, _) = connect_async(request).await?;
        Ok(Self { stream })
    }

    /// Waits until the server has sent what there was to say at the opening, for one to whom there is nothing to say:
    /// only then does it listen. Whatever happens from now on comes as it happens.
    pub async fn settled(mut self, within: Duration) -> anyhow::Result<Self> {
        self.stream.send(Message::Ping(Vec::new().into())).await.context("writing to the WebSocket")?;
        match timeout(within, self.stream.next()).await.context("no answer to a ping in time")? {
            Some(Ok(Message::Pong(_))) => Ok(self),
            other => bail!("something else than the answer to a ping: {other:?}"),
        }
    }

    /// The next message, or `None` after the server has closed. Pings are answered on the way.
    pub async fn next(&mut self, within: Duration) -> anyhow::Result<Option<Value>> {
        let deadline = Instant::now() + within;
        loop {
            match timeout_at(deadline, self.stream.next()).await.context("no message came in time")? {
                None | Some(Ok(Message::Close(_))) => return Ok(None),
                Some(Ok(Message::Text(text))) => {
                    let message = serde_json::from_str(&text).with_context(|| format!("no JSON: {text}"))?;
                    check_message(&message);
                    return Ok(Some(message));
                }
                Some(Ok(Message::Binary(bytes))) => bail!("{} binary bytes came", bytes.len()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error).context("reading the WebSocket"),
            }
        }
    }

    /// The payload of the next message of a type; others are passed over.
    pub async fn next_of(&mut self, kind: &str, within: Duration) -> anyhow::Result<Value> {
        let deadline = Instant::now() + within;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.next(left).await? {
                None => bail!("the server closed the WebSocket before a {kind} came"),
                Some(mut message) if message["type"] == kind => return Ok(message["payload"].take()),
                Some(_) => {}
            }
        }
    }

    /// Waits for the server's close and returns its code; messages before it are passed over.
    pub async fn closed(&mut self, within: Duration) -> anyhow::Result<Option<u16>> {
        let deadline = Instant::now() + within;
        loop {
            match timeout_at(deadline, self.stream.next())
                .await
                .context("the server did not close in time")?
            {
                None | Some(Err(_)) => return Ok(None),
                Some(Ok(Message::Close(frame))) => return Ok(frame.map(|frame| frame.code.into())),
                Some(Ok(Message::Text(text))) => {
                    check_message(&serde_json::from_str(&text).unwrap_or_default());
                }
                Some(Ok(_)) => {}
            }
        }
    }

    /// Sends a JSON message.
    pub async fn send(&mut self, message: &Value) -> anyhow::Result<()> {
        self.send_raw(Message::text(message.to_string())).await
    }

    /// Says good-bye.
    pub async fn close(mut self) {
        let _ = timeout(Duration::from_secs(1), self.stream.close(None)).await;
    }

    /// The connection itself, for a test that breaks the protocol.
    pub fn stream(&mut self) -> &mut WebSocketStream<MaybeTlsStream<TcpStream>> {
        &mut self.stream
    }

    async fn send_raw(&mut self, message: Message) -> anyhow::Result<()> {
        self.stream.send(message).await.context("writing to the WebSocket")
    }
}
