//! Sees to it that every accepted request comes to an end: publishes jobs again that nobody took up, gives up those
//! that were tried too often, and makes the streams anew when the broker has lost them. Every replica sweeps; the
//! database shares the rows out among them.

use std::time::Duration;

use bus::GenerateRouteJob;
use tokio_util::sync::CancellationToken;

use crate::app::App;

const INTERVAL: Duration = Duration::from_secs(5);
const MOST_AT_ONCE: i64 = 200;

pub(crate) async fn sweep(app: App, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_some() {
        if let Err(why) = app.bus.ready().await {
            tracing::warn!(why, "NATS is not ready; trying to mend its streams");
            if let Err(error) = app.bus.ensure_streams(app.config.nats_replicas).await {
                // What would be published now would be lost again.
                tracing::warn!(%error, "NATS could not be mended yet");
                continue;
            }
        }
        if let Err(error) = sweep_once(&app).await {
            tracing::warn!(%error, "the sweep failed; trying again");
        }
    }
}

async fn sweep_once(app: &App) -> anyhow::Result<()> {
    for event in store::give_up(&app.database, MOST_AT_ONCE).await? {
        tracing::error!(request_id = %event.request_id, "gave a request up");
        metrics::counter!("route_requests_given_up_total").increment(1);
        app.bus.publish_status(event, None).await?;
    }
    for stale in store::stale_requests(&app.database, MOST_AT_ONCE).await? {
        tracing::info!(request_id = %stale.request_id, publication = stale.publication, "publishing a job again");
        metrics::counter!("route_jobs_republished_total").increment(1);
        let job = GenerateRouteJob { request_id: stale.request_id };
        app.bus.publish_route_job(&job, stale.publication, stale.traceparent.as_deref()).await?;
    }
    Ok(())
}
