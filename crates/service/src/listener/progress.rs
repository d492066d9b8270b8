use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use domain::{Meter, RateLimit};

use super::MAX_HEAD_BYTES;

/// How far a connection is. Its stream sees bytes and its service sees requests; only both together know.
pub(super) struct Progress(Mutex<Phase>);

#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// Nothing was heard yet.
    New { since: Instant },
    /// The last answer is on its way, and nothing was heard of the next request.
    Idle { since: Instant },
    /// The head of a request has begun.
    Head { since: Instant, bytes: usize, is_one_line: bool },
    /// A request is being answered.
    Busy,
    /// Not HTTP any more.
    Upgraded { inflow: Option<Meter> },
}

/// What to do with bytes that came.
pub(super) enum Verdict {
    GoOn,
    /// The head is too large, with one line or several.
    HeadTooLarge {
        is_one_line: bool,
    },
    /// More than an upgraded connection may say.
    TooMuch,
}

impl Progress {
    pub fn new() -> Self {
        Self(Mutex::new(Phase::New { since: Instant::now() }))
    }

    pub fn phase(&self) -> Phase {
        *self.lock()
    }

    /// Bytes have come.
    pub fn received(&self, bytes: &[u8]) -> Verdict {
        let mut phase = self.lock();
        match &mut *phase {
            _ if bytes.is_empty() => Verdict::GoOn,
            Phase::New { .. } | Phase::Idle { .. } => {
                let is_one_line = !bytes.contains(&b'\n');
                *phase = Phase::Head { since: Instant::now(), bytes: bytes.len(), is_one_line };
                Verdict::GoOn
            }
            Phase::Head { bytes: so_far, is_one_line, .. } => {
                *so_far += bytes.len();
                *is_one_line &= !bytes.contains(&b'\n');
                if *so_far > MAX_HEAD_BYTES {
                    return Verdict::HeadTooLarge { is_one_line: *is_one_line };
                }
                Verdict::GoOn
            }
            Phase::Busy | Phase::Upgraded { inflow: None } => Verdict::GoOn,
            Phase::Upgraded { inflow: Some(meter) } => {
                let bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                if meter.take_many(bytes, Instant::now()).allowed { Verdict::GoOn } else { Verdict::TooMuch }
            }
        }
    }

    /// The head of a request is complete.
    pub fn begin(&self) {
        *self.lock() = Phase::Busy;
    }

    /// The answer is complete, as far as we are concerned.
    pub fn end(&self) {
        let mut phase = self.lock();
        if matches!(*phase, Phase::Busy) {
            *phase = Phase::Idle { since: Instant::now() };
        }
    }

    /// The answer was 101.
    pub fn upgrade(&self) {
        let mut phase = self.lock();
        if !matches!(*phase, Phase::Upgraded { .. }) {
            *phase = Phase::Upgraded { inflow: None };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Phase> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a connection may say once it is upgraded; an extension of each request.
#[derive(Clone)]
pub struct Inflow(pub(super) Arc<Progress>);

impl Inflow {
    /// Limits the bytes that come from now on. Where there are more, reading fails once with an error of kind
    /// [`QuotaExceeded`](std::io::ErrorKind::QuotaExceeded); after that writing still works, and what comes is dropped.
    pub fn limit(&self, bytes: RateLimit) {
        *self.0.lock() = Phase::Upgraded { inflow: Some(Meter::new(bytes, Instant::now())) };
    }
}
