use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config;

/// Reads all settings anew on SIGHUP, with the files that hold secrets, and hands them to `take_up`. Where one of them makes
/// no sense, or cannot be taken up, what was there before stays, and the log says why.
pub fn on_hangup<C: Parser + Send>(
    shutdown: CancellationToken,
    take_up: impl Fn(C) -> Result<(), String> + Send + 'static,
) -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while shutdown.run_until_cancelled(hangup.recv()).await.flatten().is_some() {
            match config::read_again::<C>().and_then(&take_up) {
                Ok(()) => tracing::info!("secrets were read anew"),
                Err(error) => tracing::error!(error, "secrets were not read anew; those from before stay"),
            }
        }
    });
    Ok(())
}
