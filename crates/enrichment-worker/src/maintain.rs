use bus::{Delivery, MaintenanceJob, Outcome};
use store::{
    Database, StoreError, forget_idempotency_keys, forget_revocations, forget_untold, refresh_enrichments,
    remove_inactive_users, remove_old_routes,
};

use crate::app::App;

/// Rows in one transaction.
const BATCH: u64 = 500;
/// Areas that are asked about again in one go: the day's budget is for walkers first.
const MOST_REFRESHED: i64 = 20;

/// Puts away what is old, closes what nobody works on any more, and wants again what has become stale.
pub(crate) async fn maintain(app: App, delivery: Delivery<MaintenanceJob>) -> Outcome {
    let done = tidy(&app).await;
    let status = if done.is_ok() { "success" } else { "failure" };
    metrics::counter!("jobs_total", "type" => "Maintenance", "status" => status).increment(1);
    if let Err(error) = done {
        // The next slot comes soon enough; what was done stays done.
        tracing::error!(%error, slot = delivery.job.slot, "tidying up was cut short");
    }
    Outcome::Done
}

async fn tidy(app: &App) -> Result<(), StoreError> {
    let database = &app.database;
    let kept = &app.config.retention;
    let keys = in_batches(app, kept.retention_idempotency_hours, forget_idempotency_keys).await?;
    let routes = in_batches(app, kept.retention_route_days, remove_old_routes).await?;
    let users = in_batches(app, kept.retention_account_days, remove_inactive_users).await?;
    let waiting = in_batches(app, kept.retention_enrichment_request_hours, forget_untold).await?;
    let revocations = in_batches(app, (), forget_expired_revocations).await?;
    let orphans = store::fail_hopeless(database, BATCH as i64).await?;
    let closed = orphans.len() as u64;
    for event in orphans {
        tracing::error!(request_id = %event.request_id, "closed an orphaned request");
        // Where this fails, the gateway's sweeper announces it.
        if let Err(error) = app.bus.publish_status(event, None).await {
            tracing::warn!(%error, "status publish failed");
        }
    }
    let stale = refresh_enrichments(database, MOST_REFRESHED).await?;
    for (what, count) in [
        ("idempotency_keys", keys),
        ("old_routes", routes),
        ("inactive_users", users),
        ("expired_revocations", revocations),
        ("enrichment_requests", waiting),
        ("orphaned_requests", closed),
        ("stale_areas", stale),
    ] {
        metrics::counter!("maintenance_rows_total", "what" => what).increment(count);
    }
    tracing::info!(keys, routes, users, revocations, waiting, closed, stale, "tidied up");
    Ok(())
}

/// Their rows say themselves how long they are kept.
async fn forget_expired_revocations(database: &Database, (): (), limit: i64) -> Result<u64, StoreError> {
    forget_revocations(database, limit).await
}

/// Removes a batch after the other of what is older than `kept`, until one is not full, or the program is asked to stop.
async fn in_batches<T: Copy>(
    app: &App,
    kept: T,
    batch: impl AsyncFn(&Database, T, i64) -> Result<u64, StoreError>,
) -> Result<u64, StoreError> {
    let mut all = 0;
    loop {
        let rows = batch(&app.database, kept, BATCH as i64).await?;
        all += rows;
        if rows < BATCH || app.shutdown.is_cancelled() {
            return Ok(all);
        }
    }
}
