//! One walker's connection: one task, which sends what the hub gives it and answers what the walker says.

use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use domain::{Meter, RateLimit, Route, RouteId, UserId};
use store::status_snapshot;
use tokio::time::{MissedTickBehavior, interval};
use tokio_tungstenite::tungstenite::{self, error::ProtocolError};

use crate::{
    app::App,
    hub::Registration,
    messages::{RouteGenerationStatus, ServerMessage, UpdateLocation, WalkProgress},
};

/// Wrong messages in a row before the socket is closed.
const MAX_STRIKES: u32 = 5;
/// A walker's location is of use once a second; clocks and networks are forgiven a tenth.
const LOCATION_INTERVAL: Duration = Duration::from_millis(900);
/// Messages that a socket may send. A walk needs one a second.
const MAX_MESSAGES: RateLimit = RateLimit { per_minute: 600, burst: 60 };
/// Pings and pongs that a socket may send.
const MAX_PINGS: RateLimit = RateLimit { per_minute: 120, burst: 30 };
/// Bytes that a socket may send: fragments of messages that never end are seen by nobody else.
pub(crate) const MAX_BYTES: RateLimit = RateLimit { per_minute: 60 * 16 * 1024, burst: 64 * 1024 };
/// How to end a socket that sends more.
const TOO_MUCH: (u16, &str) = (close_code::POLICY, "too many messages or pings");
/// How long a farewell may take to arrive, and what was sent before it is heard to be dropped.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest time to wait for a walker's network to take a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// The connection is over: how to say so, if the other side still listens.
struct Over(Option<(u16, &'static str)>);

impl From<axum::Error> for Over {
    fn from(_: axum::Error) -> Self {
        // The other side is gone, or does not speak WebSocket; the library has said what there is to say.
        Self(None)
    }
}

/// How to end a connection on which something came that cannot be read (RFC 6455, 7.4.1). The library notices, and
/// leaves the saying to us; `None` where nobody is left to hear it.
fn farewell(error: axum::Error) -> Option<(u16, &'static str)> {
    match *error.into_inner().downcast::<tungstenite::Error>().ok()? {
        tungstenite::Error::Capacity(_) => Some((close_code::SIZE, "the message is too long")),
        tungstenite::Error::Utf8(_) => Some((close_code::INVALID, "text must be UTF-8")),
        tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        tungstenite::Error::Io(error) if error.kind() == std::io::ErrorKind::QuotaExceeded => Some(TOO_MUCH),
        tungstenite::Error::Protocol(_) => Some((close_code::PROTOCOL, "this is not a WebSocket frame")),
        _ => None,
    }
}

/// Serves a socket until one side ends it. It is registered already: whatever happens while the snapshot is read is
/// waiting in its queue, and the client drops what it has seen.
pub(crate) async fn serve(app: App, user: UserId, registration: Registration, websocket: WebSocket) {
    let now = Instant::now();
    let (messages, pings) = (Meter::new(MAX_MESSAGES, now), Meter::new(MAX_PINGS, now));
    let mut socket =
        Socket { app, user, websocket, walk: None, strikes: 0, last_location: None, messages, pings };
    let Over(farewell) = socket.run(registration).await;
    if let Some((code, reason)) = farewell {
        let frame = CloseFrame { code, reason: reason.into() };
        // Whether the farewell arrives changes nothing.
        tokio::time::timeout(FAREWELL_TIMEOUT, part(socket.websocket, frame)).await.ok();
    }
}

/// Says good-bye. A connection that is closed while something is unread is reset, and what was said last is lost.
async fn part(mut websocket: WebSocket, frame: CloseFrame) {
    if websocket.send(Message::Close(Some(frame))).await.is_ok() {
        while let Some(Ok(_)) = websocket.recv().await {}
    }
}

struct Socket {
    app: App,
    user: UserId,
    websocket: WebSocket,
    /// The route that is being walked: read once, not every second.
    walk: Option<(RouteId, Route)>,
    strikes: u32,
    last_location: Option<Instant>,
    messages: Meter,
    pings: Meter,
}

impl Socket {
    /// Serves until the connection is over, or at once says good-bye when the notifier stops: whatever is under way
    /// then fails for want of what is stopping, too, and that is not what a walker should hear.
    async fn run(&mut self, registration: Registration) -> Over {
        let (shutdown, ended) = (self.app.shutdown.clone(), registration.ended.clone());
        tokio::select! {
            biased;
            () = shutdown.cancelled() => Over(Some((close_code::AWAY, "the server is restarting"))),
            () = ended.cancelled() => Over(Some((close_code::POLICY, "the session has ended"))),
            over = self.converse(registration) => over,
        }
    }

    async fn converse(&mut self, mut registration: Registration) -> Over {
        let mut ping = interval(Duration::from_secs(self.app.config.ping_seconds));
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ping.reset();
        let mut unanswered_pings = 0;
        if let Err(over) = self.send_snapshot().await {
            return over;
        }
        loop {
            let done = tokio::select! {
                () = registration.resync.notified() => self.send_snapshot().await,
                text = registration.texts.recv() => match text {
                    Some(text) => self.send(text).await,
                    None => Err(Over(Some((close_code::AGAIN, "too slow; connect again")))),
                },
                message = self.websocket.recv() => match message {
                    Some(Ok(message)) => {
                        unanswered_pings = 0;
                        self.hear(message).await
                    }
                    Some(Err(error)) => Err(Over(farewell(error))),
                    None => Err(Over(None)),
                },
                _ = ping.tick() => {
                    unanswered_pings += 1;
                    if unanswered_pings > 2 { Err(Over(None)) } else { self.ping().await }
                }
            };
            if let Err(over) = done {
                return over;
            }
        }
    }

    async fn send_snapshot(&mut self) -> Result<(), Over> {
        let snapshot = {
            let _permit = self.app.snapshots.acquire().await;
            status_snapshot(&self.app.database, self.user).await
        };
        let snapshot = snapshot.map_err(|error| {
            tracing::warn!(%error, "no snapshot; the walker has to come again");
            Over(Some((close_code::AGAIN, "try again later")))
        })?;
        for event in snapshot {
            self.send(ServerMessage::from(RouteGenerationStatus::from(event)).to_text()).await?;
        }
        Ok(())
    }

    async fn send(&mut self, text: Utf8Bytes) -> Result<(), Over> {
        match tokio::time::timeout(SEND_TIMEOUT, self.websocket.send(Message::Text(text))).await {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(Over(None)),
        }
    }

    async fn ping(&mut self) -> Result<(), Over> {
        match tokio::time::timeout(SEND_TIMEOUT, self.websocket.send(Message::Ping(Default::default()))).await
        {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(Over(None)),
        }
    }

    async fn hear(&mut self, message: Message) -> Result<(), Over> {
        let meter = match message {
            Message::Ping(_) | Message::Pong(_) => &mut self.pings,
            _ => &mut self.messages,
        };
        if !meter.take(Instant::now()).allowed {
            return Err(Over(Some(TOO_MUCH)));
        }
        let answer = match message {
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            // The library has the reply ready; the next look for a message sends it and finds the end.
            Message::Close(_) => return Ok(()),
            Message::Binary(_) => Err(ServerMessage::error("Messages are text.")),
            Message::Text(text) => self.follow(&text).await,
        };
        match answer {
            Ok(answer) => {
                self.strikes = 0;
                self.send(answer.to_text()).await
            }
            Err(answer) => {
                self.strikes += 1;
                self.send(answer.to_text()).await?;
                if self.strikes >= MAX_STRIKES {
                    return Err(Over(Some((close_code::POLICY, "too many wrong messages"))));
                }
                Ok(())
            }
        }
    }

    /// Answers a walker's message; what is wrong with it is an answer, too.
    async fn follow(&mut self, text: &str) -> Result<ServerMessage, ServerMessage> {
        let update = UpdateLocation::parse(text).map_err(ServerMessage::wrong)?;
        let now = Instant::now();
        if self.last_location.is_some_and(|last| now - last < LOCATION_INTERVAL) {
            return Err(ServerMessage::error("A location may be sent once a second."));
        }
        self.last_location = Some(now);
        let route = match self.walk(update.route_id).await {
            Ok(route) => route,
            Err(Fault::Theirs(answer)) => return Err(answer),
            Err(Fault::Ours(answer)) => return Ok(answer),
        };
        let progress = domain::WalkProgress::on(route, update.location.coordinates);
        Ok(ServerMessage::WalkProgress(WalkProgress {
            route_id: update.route_id.0,
            next_stop: progress.next_stop,
            distance_to_next_m: progress.distance_to_next_m,
            off_route_m: progress.off_route_m,
        }))
    }

    async fn walk(&mut self, id: RouteId) -> Result<&Route, Fault> {
        let theirs = |detail: &str| Fault::Theirs(ServerMessage::error(detail));
        if self.walk.as_ref().is_none_or(|(known, _)| *known != id) {
            let walk = store::walk(&self.app.database, self.user, id).await.map_err(|error| {
                tracing::warn!(%error, "a route could not be read");
                Fault::Ours(ServerMessage::error(
                    "The route cannot be read right now. Try again in a moment.",
                ))
            })?;
            let walk = walk.ok_or_else(|| theirs("This route does not exist."))?;
            let route = walk.ok_or_else(|| theirs("This route is not complete."))?;
            self.walk = Some((id, route));
        }
        self.walk.as_ref().map(|(_, route)| route).ok_or_else(|| theirs("This route does not exist."))
    }
}

/// Why a message was not followed. Only the walker's own mistakes count against them.
enum Fault {
    Theirs(ServerMessage),
    Ours(ServerMessage),
}
