use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

/// What happened while something longer was under way.
#[derive(Debug)]
pub enum Event<'a> {
    /// A step begins.
    Began(&'a str),
    /// It is done, after so long.
    Done(&'a str, Duration),
    /// It went wrong; the error itself is on its way to the caller.
    Failed(&'a str),
    /// Something worth knowing.
    Note(&'a str),
}

/// Tells whoever asked how the work is going.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(Event<'_>) + Send + Sync>);

impl Progress {
    /// Tells this listener.
    pub fn to(listener: impl Fn(Event<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    /// Tells nobody.
    pub fn silent() -> Self {
        Self::to(|_| ())
    }

    /// Does one step of the work and tells how it went.
    pub async fn step<T>(
        &self,
        what: &str,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let began = Instant::now();
        (self.0)(Event::Began(what));
        let result = work.await;
        (self.0)(if result.is_ok() { Event::Done(what, began.elapsed()) } else { Event::Failed(what) });
        result
    }

    /// Tells something worth knowing.
    pub fn note(&self, text: &str) {
        (self.0)(Event::Note(text));
    }
}
