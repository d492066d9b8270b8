use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    catalog::Catalog,
    sources::Definitions,
    tileset::{Stamp, Workplace},
};

/// After which what was refused is looked at once more: it may have been for want of room or memory.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// Takes up new files and definitions: on SIGHUP, and when one of them has changed. What does not pass every check is
/// told and not taken up; what was served before is served on.
pub(crate) async fn watch(
    app: Arc<App>,
    definitions: PathBuf,
    place: Workplace,
    every: Duration,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let mut asked = signal(SignalKind::hangup())?;
    let mut seen = stamps(&definitions, &place);
    let mut refused_at = None;
    loop {
        let mut last = Some(app.catalog.load_full());
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            _ = asked.recv() => {
                tracing::info!("asked to read everything anew");
                last = None;
            }
            () = tokio::time::sleep(every) => {
                let again = refused_at.is_some_and(|at: Instant| at.elapsed() > TRY_AGAIN);
                if !again && stamps(&definitions, &place) == seen {
                    continue;
                }
            }
        }
        // Looked at before it is read: what is still being written is seen to have changed once more.
        seen = stamps(&definitions, &place);
        refused_at = None;
        match Catalog::open(&definitions, &place, last.as_deref()).await {
            Ok(next) => {
                app.catalog.store(next.into());
                metrics::counter!("reloads_total", "outcome" => "taken_up").increment(1);
                tracing::info!("what is on disk is served now");
            }
            Err(error) => {
                refused_at = Some(Instant::now());
                metrics::counter!("reloads_total", "outcome" => "refused").increment(1);
                tracing::error!(
                    error = format!("{error:#}"),
                    "what is on disk is refused; what was served before is served on"
                );
            }
        }
    }
}

/// What all files looked like. A file that is not there has no stamp.
fn stamps(definitions: &Path, place: &Workplace) -> Vec<Option<Stamp>> {
    let mut files = vec![definitions.to_path_buf()];
    if let Ok(definitions) = Definitions::read(definitions) {
        files.extend(definitions.iter().map(|(_, source)| place.data_dir.join(&source.file)));
    }
    files.iter().map(|file| Stamp::of(file).ok()).collect()
}
