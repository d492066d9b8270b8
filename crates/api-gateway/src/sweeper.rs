//! Sees to it that every accepted request comes to an end, and that its walker hears of it: fails those that are
//! hopeless, publishes jobs again where the broker holds fewer than there are open requests, announces ends that were
//! not announced, and makes the streams anew when the broker has lost them. Every replica sweeps; the database shares
//! the rows out among them.

use std::time::Duration;

use bus::GenerateRouteJob;
use domain::StatusEvent;
use tokio_util::sync::CancellationToken;

use crate::app::App;

const INTERVAL: Duration = Duration::from_secs(5);
const MAX_AT_ONCE: i64 = 200;

pub(crate) async fn sweep(app: App, shutdown: CancellationToken) {
    let sweeping = async {
        loop {
            tokio::time::sleep(INTERVAL).await;
            if let Err(error) = fail_hopeless(&app).await {
                tracing::warn!(%error, "hopeless requests could not be failed; trying again");
            }
            if let Err(error) = publish_missing_jobs(&app).await {
                tracing::warn!(%error, "missing jobs could not be published; trying again");
            }
            if let Err(error) = announce_ends(&app).await {
                tracing::warn!(%error, "ends of requests could not be announced; trying again");
            }
        }
    };
    shutdown.run_until_cancelled(sweeping).await;
}

/// Needs the database alone: whoever waits is told the truth also while the broker is away.
async fn fail_hopeless(app: &App) -> anyhow::Result<()> {
    for event in store::fail_hopeless(&app.database, MAX_AT_ONCE).await? {
        tracing::error!(request_id = %event.request_id, "a request has failed: nobody could end it");
        metrics::counter!("route_requests_given_up_total").increment(1);
        if let Err(error) = announce(app, event).await {
            tracing::warn!(%error, "an end could not be announced; trying again");
        }
    }
    Ok(())
}

/// A job makes a worker take up the request whose turn it is, so as many jobs are needed as there are open requests.
async fn publish_missing_jobs(app: &App) -> anyhow::Result<()> {
    let open = store::open_requests(&app.database).await?;
    if let Err(why) = app.bus.ready().await {
        tracing::warn!(why, "NATS is not ready; making what is missing of its streams");
        // What would be published before they are there would be lost again.
        app.bus.restore_streams(usize::from(app.config.nats_replicas)).await?;
    }
    let missing = open.saturating_sub(app.bus.jobs_held::<GenerateRouteJob>().await?);
    let missing = i64::try_from(missing).unwrap_or(MAX_AT_ONCE).min(MAX_AT_ONCE);
    for lost in store::take_for_republication(&app.database, missing).await? {
        tracing::info!(request_id = %lost.request_id, publication = lost.publication, "publishing a job again");
        metrics::counter!("route_jobs_republished_total").increment(1);
        let job = GenerateRouteJob { request_id: lost.request_id };
        let published = app.bus.publish_job(&job, lost.publication, lost.traceparent.as_deref()).await;
        if let Err(error) = published {
            tracing::warn!(%error, request_id = %lost.request_id, "job publish failed");
        }
    }
    Ok(())
}

/// Ends whose announcement was lost with the broker or with whoever should have made it.
async fn announce_ends(app: &App) -> anyhow::Result<()> {
    for event in store::pending_notifications(&app.database, MAX_AT_ONCE).await? {
        tracing::info!(request_id = %event.request_id, "announcing an end again");
        metrics::counter!("route_ends_announced_again_total").increment(1);
        announce(app, event).await?;
    }
    Ok(())
}

async fn announce(app: &App, event: StatusEvent) -> anyhow::Result<()> {
    let request = event.request_id;
    app.bus.publish_status(event, None).await?;
    app.bus.confirm().await?;
    store::mark_notified(&app.database, request).await?;
    Ok(())
}
