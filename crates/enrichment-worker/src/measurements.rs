//! What is measured by looking, not by counting.

use std::time::Duration;

use crate::app::App;

const INTERVAL: Duration = Duration::from_secs(15);

/// Looks now, and then every quarter of a minute.
pub(crate) async fn measure(app: App) {
    loop {
        match store::budget_left(&app.database, app.config.overpass.budget()).await {
            Ok((requests, bytes)) => {
                metrics::gauge!("overpass_budget_left", "of" => "requests").set(requests as f64);
                metrics::gauge!("overpass_budget_left", "of" => "bytes").set(bytes as f64);
            }
            Err(error) => tracing::warn!(%error, "the budget could not be read"),
        }
        if app.shutdown.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_none() {
            return;
        }
    }
}
