use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How a program that others call comes to its end: first it is asked to stop, and says that it is not ready for more;
/// whoever routes callers to it needs a moment to notice. Then it stops.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Cancelled when the process is asked to stop: readiness is off, everything else goes on.
    pub asked: CancellationToken,
    /// Cancelled when the delay is over: no new connections, what is under way is finished.
    pub stop: CancellationToken,
}

impl Shutdown {
    /// Begins with SIGTERM, which a cluster sends, and stops after the delay; on SIGINT, which is Ctrl-C by hand, without
    /// one. A second signal ends the process on the spot.
    pub fn on_signal(delay: Duration) -> std::io::Result<Self> {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let shutdown = Self::default();
        let asked = shutdown.clone();
        tokio::spawn(async move {
            let delay = tokio::select! {
                _ = terminate.recv() => delay,
                _ = interrupt.recv() => Duration::ZERO,
            };
            tracing::info!(delay_seconds = delay.as_secs(), "asked to stop");
            asked.asked.cancel();
            let delayed = async {
                tokio::time::sleep(delay).await;
                asked.stop.cancel();
                std::future::pending::<()>().await;
            };
            let status = tokio::select! {
                () = delayed => 0,
                _ = terminate.recv() => 143,
                _ = interrupt.recv() => 130,
            };
            tracing::warn!("asked to stop a second time: what is under way is cut off");
            std::process::exit(status);
        });
        Ok(shutdown)
    }
}

/// A token that is cancelled when the process is asked to stop (SIGTERM, or Ctrl-C).
pub fn shutdown_signal() -> std::io::Result<CancellationToken> {
    Ok(Shutdown::on_signal(Duration::ZERO)?.stop)
}
