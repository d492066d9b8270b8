//! How news finds its sockets. A socket has a short queue: one that cannot keep up is cut off, comes back, and gets a
//! snapshot.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::extract::ws::Utf8Bytes;
use bus::News;
use domain::UserId;
use futures_util::{Stream, StreamExt};
use service::{Session, telemetry};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::field::Empty;

use crate::messages::{RouteGenerationStatus, ServerMessage};

/// News that a socket may have waiting.
const QUEUE: usize = 8;

/// All open sockets of this replica.
#[derive(Clone, Default)]
pub(crate) struct Hub {
    sockets: Arc<Mutex<HashMap<UserId, Vec<Entry>>>>,
}

struct Entry {
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
    id: u64,
    /// What is to be sent.
    pub texts: mpsc::Receiver<Utf8Bytes>,
    /// News may have been missed: a snapshot is to be sent. However often that happens meanwhile, one is enough.
    pub resync: Arc<Notify>,
    /// Cancelled when the session has ended.
    pub ended: CancellationToken,
}

impl Hub {
    /// Takes a socket in, unless the walker has too many.
    pub(crate) fn register(&self, session: Session, most: usize) -> Option<Registration> {
        let user = UserId(session.user_id);
        let (queue, texts) = mpsc::channel(QUEUE);
        let ended = CancellationToken::new();
        let resync = Arc::new(Notify::new());
        let mut sockets = self.lock();
        let entries = sockets.entry(user).or_default();
        if entries.len() >= most {
            return None;
        }
        let id = entries.iter().map(|entry| entry.id + 1).max().unwrap_or(0);
        entries.push(Entry { id, session, ended: ended.clone(), queue, resync: resync.clone() });
        metrics::gauge!("websocket_connections_active").increment(1.0);
        Some(Registration { hub: self.clone(), user, id, texts, resync, ended })
    }

    /// Has all sockets closed whose session has ended.
    pub(crate) fn end_sockets(&self, has_ended: impl Fn(&Session) -> bool) {
        let sockets = self.lock();
        for entry in sockets.values().flatten().filter(|entry| has_ended(&entry.session)) {
            entry.ended.cancel();
        }
    }

    /// Gives a text to all sockets of a walker. Those whose queue is full lose their end of it, and close.
    fn tell(&self, user: UserId, text: &Utf8Bytes) -> usize {
        let mut sockets = self.lock();
        let Some(entries) = sockets.get_mut(&user) else { return 0 };
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
        for entry in self.lock().values().flatten() {
            entry.resync.notify_one();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<UserId, Vec<Entry>>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut sockets = self.hub.lock();
        if let Some(entries) = sockets.get_mut(&self.user) {
            entries.retain(|entry| entry.id != self.id);
            if entries.is_empty() {
                sockets.remove(&self.user);
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

    fn session(user: u128) -> Session {
        Session::begin(Uuid::from_u128(user), std::time::SystemTime::now())
    }

    #[test]
    fn the_sockets_of_a_session_that_has_ended_are_closed_and_no_others() {
        let hub = Hub::default();
        let (ended, kept, other) = (session(1), session(1), session(2));
        let sockets = [ended, ended, kept, other].map(|session| hub.register(session, 4).unwrap());
        hub.end_sockets(|session| session.id == ended.id);
        assert_eq!(sockets.map(|socket| socket.ended.is_cancelled()), [true, true, false, false]);
    }

    #[tokio::test]
    async fn a_socket_that_cannot_keep_up_is_cut_off_and_the_others_are_not() {
        let hub = Hub::default();
        let (user, session) = (UserId(Uuid::from_u128(1)), session(1));
        let mut slow = hub.register(session, 2).unwrap();
        let mut quick = hub.register(session, 2).unwrap();
        assert!(hub.register(session, 2).is_none());
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
        assert!(hub.lock().is_empty());
    }
}
