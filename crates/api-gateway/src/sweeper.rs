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
    let sweeping = async {
        loop {
            tokio::time::sleep(INTERVAL).await;
            if let Err(error) = give_up(&app).await {
                tracing::warn!(%error, "hopeless requests could not be given up; trying again");
            }
            if let Err(error) = publish_again(&app).await {
                tracing::warn!(%error, "stale requests could not be published; trying again");
            }
        }
    };
    shutdown.run_until_cancelled(sweeping).await;
}

/// Needs the database alone: whoever waits is told the truth also while the broker is away.
async fn give_up(app: &App) -> anyhow::Result<()> {
    for event in store::give_up(&app.database, MOST_AT_ONCE).await? {
        tracing::error!(request_id = %event.request_id, "gave a request up");
        metrics::counter!("route_requests_given_up_total").increment(1);
        if let Err(error) = app.bus.publish_status(event, None).await {
            tracing::warn!(%error, "status publish failed");
        }
    }
    Ok(())
}

async fn publish_again(app: &App) -> anyhow::Result<()> {
    if let Err(why) = app.bus.ready().await {
        tracing::warn!(why, "NATS is not ready; making what is missing of its streams");
        // What would be published before they are there would be lost again.
        app.bus.restore_streams(usize::from(app.config.nats_replicas)).await?;
    }
    for stale in store::stale_requests(&app.database, MOST_AT_ONCE).await? {
        tracing::info!(request_id = %stale.request_id, publication = stale.publication, "publishing a job again");
        metrics::counter!("route_jobs_republished_total").increment(1);
        let job = GenerateRouteJob { request_id: stale.request_id };
        let published = app.bus.publish_job(&job, stale.publication, stale.traceparent.as_deref()).await;
        if let Err(error) = published {
            tracing::warn!(%error, request_id = %stale.request_id, "job publish failed");
        }
    }
    Ok(())
}
