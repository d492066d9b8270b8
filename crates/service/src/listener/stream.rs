use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use http::StatusCode;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};

use super::{
    MAX_HEAD_BYTES, Timeouts, answers,
    capacity::Permit,
    progress::{Phase, Progress, Verdict},
};

/// How long a connection stays after a last answer that the peer did not wait for: closed at once, it would be reset, and
/// the answer lost.
const LINGER: Duration = Duration::from_secs(1);

/// A TCP stream that ends when its peer takes too long.
pub(super) struct TimedStream {
    stream: TcpStream,
    progress: Arc<Progress>,
    timeouts: Arc<Timeouts>,
    /// Made when there is something to wait for. It may fire too early, never too late.
    timer: Option<Pin<Box<Sleep>>>,
    /// Bytes of an answer that the system has not taken yet.
    writing: Option<Writing>,
    /// The last time that it took some.
    last_write: Option<Instant>,
    /// The last answer is given: what still comes is dropped until then.
    lingers_until: Option<Instant>,
    _permit: Option<Permit>,
}

#[derive(Clone, Copy)]
struct Writing {
    since: Instant,
    progressed: Instant,
}

/// What the peer was too late with.
enum Late {
    Idle,
    Head,
    Answer,
}

impl TimedStream {
    pub fn new(
        stream: TcpStream,
        progress: Arc<Progress>,
        timeouts: Arc<Timeouts>,
        permit: Option<Permit>,
    ) -> Self {
        Self {
            stream,
            progress,
            timeouts,
            timer: None,
            writing: None,
            last_write: None,
            lingers_until: None,
            _permit: permit,
        }
    }

    /// When the peer is too late, and with what.
    fn deadline(&mut self) -> Option<(Instant, Late)> {
        let Timeouts { head, idle, write, answer } = *self.timeouts;
        let phase = self.progress.phase();
        if matches!(phase, Phase::Upgraded { .. }) {
            self.timer = None;
            return None;
        }
        if let Some(Writing { since, progressed }) = self.writing {
            return Some(((progressed + write).min(since + answer), Late::Answer));
        }
        // Nobody can be late with the next request while the answer to the last one is on its way.
        let after = |since: Instant| self.last_write.map_or(since, |last| last.max(since));
        match phase {
            Phase::New { since } => Some((since + head, Late::Idle)),
            Phase::Idle { since } => Some((after(since) + idle, Late::Idle)),
            Phase::Head { since, .. } => Some((after(since) + head, Late::Head)),
            Phase::Busy | Phase::Upgraded { .. } => None,
        }
    }

    /// Waits for the deadline.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Late> {
        loop {
            let Some((deadline, late)) = self.deadline() else { return Poll::Pending };
            if deadline <= Instant::now() {
                return Poll::Ready(late);
            }
            ready!(self.poll_timer(cx, deadline));
        }
    }

    /// Waits for the timer, which fires at `deadline` or before.
    fn poll_timer(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let deadline = tokio::time::Instant::from_std(deadline);
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.is_elapsed() || timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx)
    }

    /// Gives a last answer, unless another one is on its way.
    fn refuse(&mut self, status: StatusCode, detail: &str) {
        if self.writing.is_none() {
            answers::send(&self.stream, &answers::bytes(status, detail));
            rustix::net::shutdown(&self.stream, rustix::net::Shutdown::Write).ok();
        }
        self.lingers_until = Some(Instant::now() + LINGER);
    }

    /// Drops what still comes, until the peer has hung up or had its time.
    fn poll_linger(&mut self, cx: &mut Context<'_>, until: Instant) -> Poll<io::Result<()>> {
        let mut dropped = [0; 2048];
        loop {
            if until <= Instant::now() {
                return Poll::Ready(Ok(()));
            }
            let mut buf = ReadBuf::new(&mut dropped);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => ready!(self.poll_timer(cx, until)),
            }
        }
    }

    /// Notes how a write went.
    fn wrote(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let now = Instant::now();
        match outcome {
            Poll::Ready(Ok(bytes)) => {
                if bytes > 0 {
                    self.last_write = Some(now);
                    let since = self.writing.map_or(now, |writing| writing.since);
                    self.writing = Some(Writing { since, progressed: now });
                }
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.writing.get_or_insert(Writing { since: now, progressed: now });
                ready!(self.poll_late(cx));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Some(until) = this.lingers_until {
            return this.poll_linger(cx, until);
        }
        let before = buf.filled().len();
        match Pin::new(&mut this.stream).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => match this.progress.received(&buf.filled()[before..]) {
                Verdict::GoOn => return Poll::Ready(Ok(())),
                Verdict::TooMuch => {
                    this.lingers_until = Some(Instant::now() + LINGER);
                    return Poll::Ready(Err(io::ErrorKind::QuotaExceeded.into()));
                }
                Verdict::HeadTooLarge { is_one_line } => {
                    buf.set_filled(before);
                    let kib = MAX_HEAD_BYTES / 1024;
                    if is_one_line {
                        this.refuse(StatusCode::URI_TOO_LONG, &format!("An address may have {kib} KiB."));
                    } else {
                        let detail = format!("The headers of a request may have {kib} KiB.");
                        this.refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &detail);
                    }
                }
            },
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => match ready!(this.poll_late(cx)) {
                // As if the peer had hung up: nothing is under way.
                Late::Idle => return Poll::Ready(Ok(())),
                Late::Answer => return Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                Late::Head => this.refuse(StatusCode::REQUEST_TIMEOUT, "The request did not arrive in time."),
            },
        }
        match this.lingers_until {
            Some(until) => this.poll_linger(cx, until),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.wrote(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called once there is nothing left to write.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writing = None;
        // The answer is complete, and from here on the peer may be late with the next request. Nobody reads again until
        // something happens.
        if self.poll_late(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
