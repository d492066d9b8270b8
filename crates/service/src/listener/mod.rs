//! The one accept loop of all programs, for public doors and for the admin server: nobody holds a connection open without
//! using it, and however many there are, others are served.

mod answers;
mod capacity;
mod progress;
mod requests;
mod stream;

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::Shutdown;

use capacity::{Capacity, Permit};
pub use progress::Inflow;
use progress::Progress;
use requests::Requests;
use stream::TimedStream;

/// Largest head of a request, in bytes; a larger one is answered with 431, or 414 where it has but one line.
pub const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Longest time that answers under way get when the program stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that are still accepted when the program stops: as many as the system queues.
const MAX_QUEUE: usize = 4096;
/// How long nothing is accepted after an error that has to do with us, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Such an error is logged so often at most.
const ACCEPT_LOG_INTERVAL: Duration = Duration::from_secs(10);

/// How long a peer may take. None of it counts for WebSockets, which have pings.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For the head of a request, from its first byte; also for the first byte of a new connection.
    pub head: Duration,
    /// Between an answer and the next request.
    pub idle: Duration,
    /// Without taking a byte of an answer.
    pub write: Duration,
    /// For taking all of an answer.
    pub answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { head: seconds(10), idle: seconds(60), write: seconds(30), answer: seconds(300) }
    }
}

/// How many connections there may be, and what happens to those beyond.
#[derive(Clone, Copy, Debug)]
pub enum Limits {
    /// For strangers: a connection beyond is answered with 503 and closed.
    Refuse {
        /// Connections at once.
        max: usize,
        /// Connections at once from one address, where addresses are those of callers.
        max_per_address: Option<usize>,
    },
    /// For those who must get through: the oldest connection makes room.
    EndOldest {
        /// Connections at once.
        max: usize,
    },
}

/// Serves `router` until the program stops, and then what is under way, unless that takes too long.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    timeouts: Timeouts,
    limits: Limits,
    shutdown: Shutdown,
) {
    let acceptor = Acceptor {
        router,
        timeouts: timeouts.into(),
        shutdown,
        connections: TaskTracker::new(),
        cut_off: CancellationToken::new(),
    };
    match limits {
        Limits::Refuse { max, max_per_address } => {
            let capacity = Arc::new(Capacity::new(max, max_per_address));
            acceptor
                .accept_each(&listener, |stream, peer| match capacity.admit(peer.ip()) {
                    Ok(permit) => drop(acceptor.begin(stream, peer, Some(permit))),
                    Err(reason) => {
                        metrics::counter!("connections_refused_total", "reason" => reason).increment(1);
                        answers::refuse(&stream);
                    }
                })
                .await;
        }
        Limits::EndOldest { max } => {
            let mut open = VecDeque::<AbortHandle>::new();
            acceptor
                .accept_each(&listener, |stream, peer| {
                    if open.len() >= max {
                        open.retain(|connection| !connection.is_finished());
                    }
                    if open.len() >= max
                        && let Some(oldest) = open.pop_front()
                    {
                        oldest.abort();
                    }
                    open.push_back(acceptor.begin(stream, peer, None));
                })
                .await;
        }
    }
    drop(listener);
    acceptor.drain().await;
}

struct Acceptor {
    router: Router,
    timeouts: Arc<Timeouts>,
    shutdown: Shutdown,
    connections: TaskTracker,
    /// Cancelled when what is under way has had its time.
    cut_off: CancellationToken,
}

impl Acceptor {
    async fn accept_each(&self, listener: &TcpListener, mut take: impl FnMut(TcpStream, SocketAddr)) {
        let mut last_logged: Option<Instant> = None;
        // Whoever is in the queue when the listener goes is reset, so the queue comes first, as far as it ends.
        let mut after_stop = MAX_QUEUE;
        while after_stop > 0 {
            let accepted = tokio::select! {
                biased;
                accepted = listener.accept() => accepted,
                () = self.shutdown.stop.cancelled() => return,
            };
            if self.shutdown.stop.is_cancelled() {
                after_stop -= 1;
            }
            match accepted {
                Ok((stream, peer)) => take(stream, peer),
                Err(error) if is_of_the_peer(&error) => {}
                Err(error) => {
                    metrics::counter!("accept_errors_total").increment(1);
                    if last_logged.is_none_or(|last| last.elapsed() >= ACCEPT_LOG_INTERVAL) {
                        tracing::error!(%error, "connections cannot be accepted");
                        last_logged = Some(Instant::now());
                    }
                    self.shutdown.stop.run_until_cancelled(tokio::time::sleep(ACCEPT_PAUSE)).await;
                }
            }
        }
    }

    /// Serves one connection, in a task of its own.
    fn begin(&self, stream: TcpStream, peer: SocketAddr, permit: Option<Permit>) -> AbortHandle {
        // Small messages in a row must not wait for each other's acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let progress = Arc::new(Progress::new());
        let requests = Requests {
            router: self.router.clone(),
            peer,
            progress: progress.clone(),
            closing: self.shutdown.asked.clone(),
        };
        let stream = TimedStream::new(stream, progress, self.timeouts.clone(), permit);
        let (stop, cut_off) = (self.shutdown.stop.clone(), self.cut_off.clone());
        let serving = async move {
            let mut builder = http1::Builder::new();
            // The stream's own timers tell heads from idling, and see to answers, too.
            builder.header_read_timeout(None).max_buf_size(MAX_HEAD_BYTES + 8 * 1024);
            let mut connection =
                std::pin::pin!(builder.serve_connection(TokioIo::new(stream), requests).with_upgrades());
            let served = tokio::select! {
                served = connection.as_mut() => served,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    tokio::select! {
                        served = connection.as_mut() => served,
                        () = cut_off.cancelled() => Ok(()),
                    }
                }
            };
            if let Err(error) = served {
                tracing::debug!(%error, %peer, "a connection ended");
            }
        };
        self.connections.spawn(serving).abort_handle()
    }

    async fn drain(self) {
        self.connections.close();
        if tokio::time::timeout(DRAIN_TIMEOUT, self.connections.wait()).await.is_err() {
            tracing::warn!(
                connections = self.connections.len(),
                "some connections did not end in time and are cut off"
            );
            self.cut_off.cancel();
        }
    }
}

/// Errors that are about the one connection, which is gone already.
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
