//! What is measured by looking, not by counting.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::App;

const INTERVAL: Duration = Duration::from_secs(60);

/// Looks now, and then every minute.
pub(crate) async fn measure(app: App, shutdown: CancellationToken) {
    loop {
        match store::pois_total(&app.database).await {
            Ok(count) => metrics::gauge!("pois_total").set(count as f64),
            Err(error) => tracing::warn!(%error, "places could not be counted"),
        }
        if shutdown.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_none() {
            return;
        }
    }
}
