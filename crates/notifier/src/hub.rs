//! How news finds its sockets. A socket has a short queue: one that cannot keep up is cut off, comes back, and gets a
//! snapshot.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, PoisonError},
};

use axum::extract::ws::Utf8Bytes;
use bus::News;
use domain::UserId;
use futures_util::{Stream, StreamExt};
use service::{CallerAddress, Session, telemetry};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::field::Empty;

use crate::messages::{RouteGenerationStatus, ServerMessage};

/// News that a socket may have waiting.
const QUEUE: usize = 8;

/// All open sockets of this replica.
#[derive(Clone, Default)]
pub(crate) struct Hub {
    sockets: Arc<Mutex<Sockets>>,
}

#[derive(Default)]
struct Sockets {
    all: usize,
    by_address: HashMap<CallerAddress, usize>,
    by_user: HashMap<UserId, Vec<Socket>>,
}

/// Sockets that may be open at once on this replica.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub all: usize,
    pub per_address: usize,
    pub per_user: usize,
}

/// Which limit keeps a socket out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    All,
    Address,
    User,
}

struct Socket {
    id: u64,
    session: Session,
    ended: CancellationToken,
    /// The text is shared by all sockets that send it.
    queue: mpsc::Sender<Utf8Bytes>,
    resync: Arc<Notify>,
}

/// A socket's place in the hub, given up when dropped.
pub(crate) struct Registration {
    hub: Hub,
    user: UserId,
    address: CallerAddress,
    id: u64,
    /// What is to be sent.
    pub texts: mpsc::Receiver<Utf8Bytes>,
    /// News may have been missed: a snapshot is to be sent. However often that happens meanwhile, one is enough.
    pub resync: Arc<Notify>,
    /// Cancelled when the session has ended.
    pub ended: CancellationToken,
}

impl Hub {
    /// Takes a socket in, unless there are too many.
    pub(crate) fn register(
        &self,
        session: Session,
        address: CallerAddress,
        limits: Limits,
    ) -> Result<Registration, Full> {
        let user = UserId(session.user_id);
        let mut sockets = self.lock();
        let of_user = sockets.by_user.get(&user).map_or(0, Vec::len);
        let of_address = sockets.by_address.get(&address).copied().unwrap_or(0);
        if of_user >= limits.per_user {
            return Err(Full::User);
        }
        if of_address >= limits.per_address {
            return Err(Full::Address);
        }
        if sockets.all >= limits.all {
            return Err(Full::All);
        }
        sockets.all += 1;
        sockets.by_address.insert(address, of_address + 1);
        let (queue, texts) = mpsc::channel(QUEUE);
        let ended = CancellationToken::new();
        let resync = Arc::new(Notify::new());
        let entries = sockets.by_user.entry(user).or_default();
        let id = entries.iter().map(|entry| entry.id + 1).max().unwrap_or(0);
        entries.push(Socket { id, session, ended: ended.clone(), queue, resync: resync.clone() });
        metrics::gauge!("websocket_connections_active").increment(1.0);
        Ok(Registration { hub: self.clone(), user, address, id, texts, resync, ended })
    }

    /// Has all sockets closed whose session has ended.
    pub(crate) fn end_sockets(&self, has_ended: impl Fn(&Session) -> bool) {
        let sockets = self.lock();
        for socket in sockets.by_user.values().flatten().filter(|socket| has_ended(&socket.session)) {
            socket.ended.cancel();
        }
    }

    /// Gives a text to all sockets of a walker. Those whose queue is full lose their end of it, and close.
    fn tell(&self, user: UserId, text: &Utf8Bytes) -> usize {
        let mut sockets = self.lock();
        let Some(entries) = sockets.by_user.get_mut(&user) else { return 0 };
        let mut told = 0;
        for entry in entries.iter_mut() {
            match entry.queue.try_send(text.clone()) {
                Ok(()) => told += 1,
                Err(_) => entry.queue = mpsc::channel(1).0,
            }
        }
        told
    }

    fn resync_all(&self) {
        for entry in self.lock().by_user.values().flatten() {
            entry.resync.notify_one();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Sockets> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut sockets = self.hub.lock();
        sockets.all -= 1;
        if let Entry::Occupied(mut of_address) = sockets.by_address.entry(self.address) {
            *of_address.get_mut() -= 1;
            if *of_address.get() == 0 {
                of_address.remove();
            }
        }
        if let Entry::Occupied(mut entries) = sockets.by_user.entry(self.user) {
            entries.get_mut().retain(|socket| socket.id != self.id);
            if entries.get().is_empty() {
                entries.remove();
            }
        }
        metrics::gauge!("websocket_connections_active").decrement(1.0);
    }
}

/// Passes news on until there is no more.
pub(crate) async fn pass_on(hub: Hub, news: impl Stream<Item = News>) {
    let mut news = std::pin::pin!(news);
    while let Some(item) = news.next().await {
        match item {
            News::Gap => hub.resync_all(),
            News::Enriched(news) => {
                let (user, request_id) = (news.user_id, news.request_id);
                let sockets = hub.tell(user, &ServerMessage::from(news).to_text());
                if sockets > 0 {
                    metrics::counter!("websocket_notifications_total").increment(sockets as u64);
                    tracing::info!(%request_id, sockets, "walker told of new places");
                }
            }
            News::Status { event, traceparent } => {
                let span = tracing::info_span!("notify", request_id = %event.request_id, trace_id = Empty);
                telemetry::join_trace(&span, traceparent.as_deref());
                let _entered = span.enter();
                let (user, status) = (event.user_id, event.status);
                let text = ServerMessage::from(RouteGenerationStatus::from(event)).to_text();
                let sockets = hub.tell(user, &text);
                if sockets > 0 {
                    metrics::counter!("websocket_notifications_total").increment(sockets as u64);
                    tracing::info!(%status, sockets, "walker told");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const LIMITS: Limits = Limits { all: 4, per_address: 3, per_user: 2 };

    fn address(last: u8) -> CallerAddress {
        CallerAddress([203, 0, 113, last].into())
    }

    fn session(user: u128) -> Session {
        Session::begin(Uuid::from_u128(user), std::time::SystemTime::now())
    }

    #[test]
    fn the_sockets_of_a_session_that_has_ended_are_closed_and_no_others() {
        let hub = Hub::default();
        let limits = Limits { all: 4, per_address: 4, per_user: 4 };
        let (ended, kept, other) = (session(1), session(1), session(2));
        let sockets = [ended, ended, kept, other]
            .map(|session| hub.register(session, address(1), limits).ok().unwrap());
        hub.end_sockets(|session| session.id == ended.id);
        assert_eq!(sockets.map(|socket| socket.ended.is_cancelled()), [true, true, false, false]);
    }

    #[tokio::test]
    async fn a_socket_that_cannot_keep_up_is_cut_off_and_the_others_are_not() {
        let hub = Hub::default();
        let (user, session) = (UserId(Uuid::from_u128(1)), session(1));
        let mut slow = hub.register(session, address(1), LIMITS).ok().unwrap();
        let mut quick = hub.register(session, address(1), LIMITS).ok().unwrap();
        assert_eq!(hub.register(session, address(2), LIMITS).err(), Some(Full::User));
        for _ in 0..=QUEUE {
            hub.tell(user, &"news".into());
            quick.texts.recv().await.unwrap();
        }
        let mut received = 0;
        while slow.texts.recv().await.is_some() {
            received += 1;
        }
        assert_eq!(received, QUEUE);
        assert_eq!(hub.tell(user, &"news".into()), 1);
        drop((slow, quick));
        let sockets = hub.lock();
        assert!(sockets.by_user.is_empty() && sockets.by_address.is_empty() && sockets.all == 0);
    }

    #[tokio::test]
    async fn sockets_are_limited_by_address_and_in_all() {
        let (hub, mut open) = (Hub::default(), Vec::new());
        let mut register = |user, from| {
            let registered = hub.register(session(user), address(from), LIMITS);
            registered.map(|registration| open.push(registration)).err()
        };
        assert_eq!([register(1, 1), register(2, 1), register(3, 1)], [None; 3]);
        assert_eq!(register(4, 1), Some(Full::Address));
        assert_eq!(register(4, 2), None);
        assert_eq!(register(5, 3), Some(Full::All));
        open.pop();
        assert_eq!(hub.register(session(5), address(3), LIMITS).err(), None);
    }
}
