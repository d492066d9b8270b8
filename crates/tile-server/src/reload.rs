use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    catalog::Catalog,
    sources::Definitions,
    tileset::{Stamp, Workplace},
};

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
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            _ = asked.recv() => tracing::info!("asked to read everything anew"),
            () = tokio::time::sleep(every) => {
                if stamps(&definitions, &place) == seen {
                    continue;
                }
            }
        }
        // Looked at before it is read: what is still being written is seen to have changed once more.
        seen = stamps(&definitions, &place);
        let last = app.catalog.load_full();
        match Catalog::open(&definitions, &place, Some(&last)).await {
            Ok(next) => {
                app.catalog.store(next.into());
                metrics::counter!("reloads_total", "outcome" => "taken_up").increment(1);
                tracing::info!("what is on disk is served now");
            }
            Err(error) => {
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
