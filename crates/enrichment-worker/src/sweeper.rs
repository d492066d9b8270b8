//! Sees to it that what walkers wanted is asked at some time: publishes jobs again that were put off until now, or whose
//! message was lost, and says when it is time to tidy up. Every replica sweeps; the database shares the rows out among
//! them, and the broker keeps one message of each slot.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bus::{EnrichmentJob, MaintenanceJob};
use store::{NewsOf, WantedEnrichment, due_enrichments};

use crate::{app::App, enrich_area::notify};

const INTERVAL: Duration = Duration::from_secs(2);
const MOST_AT_ONCE: i64 = 50;

pub(crate) async fn sweep(app: App) {
    let sweeping = async {
        let mut told = None;
        loop {
            if app.overpass.is_some()
                && let Err(error) = publish_due(&app).await
            {
                tracing::warn!(%error, "due enrichments could not be published; trying again");
            }
            // Whoever should have announced it may have died, and its job may be lost with the broker's store.
            if let Err(error) = notify(&app, NewsOf::Overdue).await {
                tracing::warn!(%error, "not all have heard of new places; trying again");
            }
            let slot = slot(app.config.maintenance_seconds);
            if told != Some(slot) {
                match app.bus.publish_job(&MaintenanceJob { slot }, 0, None).await {
                    Ok(()) => told = Some(slot),
                    Err(error) => {
                        tracing::warn!(%error, "nobody heard that it is time to tidy up; trying again");
                    }
                }
            }
            tokio::time::sleep(INTERVAL).await;
        }
    };
    app.shutdown.run_until_cancelled(sweeping).await;
}

async fn publish_due(app: &App) -> anyhow::Result<()> {
    // What cannot be published now must not count as published.
    app.bus.ready().await.map_err(anyhow::Error::msg)?;
    for WantedEnrichment { area, theme_id, publication } in
        due_enrichments(&app.database, MOST_AT_ONCE).await?
    {
        if let Err(error) = app.bus.publish_job(&EnrichmentJob { area, theme_id }, publication, None).await {
            tracing::warn!(%error, %area, %theme_id, "job publish failed");
        }
    }
    Ok(())
}

/// The number of the current stretch of time, the same for all replicas.
fn slot(seconds: u64) -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / seconds.max(1)
}
