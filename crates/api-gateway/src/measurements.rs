//! What is measured by looking, not by counting.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::App;

const INTERVAL: Duration = Duration::from_secs(60);
const QUEUE_INTERVAL: Duration = Duration::from_secs(5);

/// Looks at the queue of requests every few seconds.
pub(crate) async fn measure_queue(app: App, shutdown: CancellationToken) {
    loop {
        match store::queue_state(&app.database).await {
            Ok(queue) => {
                metrics::gauge!("route_queue_requests").set(queue.waiting as f64);
                metrics::gauge!("route_queue_oldest_seconds").set(queue.oldest_s);
                // Not a number: no worker is alive, and nobody knows.
                let expected_s = queue.expected_wait_s.unwrap_or(f64::NAN);
                metrics::gauge!("route_queue_expected_wait_seconds").set(expected_s);
            }
            Err(error) => tracing::warn!(%error, "the queue could not be measured"),
        }
        if shutdown.run_until_cancelled(tokio::time::sleep(QUEUE_INTERVAL)).await.is_none() {
            return;
        }
    }
}

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
