//! Gives an expiry to cached routes of an earlier release, which kept those of saved routes for ever.

use std::time::Duration;

use store::Redis;

/// Replicas of that release may still be running beside this one.
const INTERVAL: Duration = Duration::from_secs(600);

/// Looks now and then, for as long as it is polled.
pub(crate) async fn expire(redis: Redis) {
    loop {
        let changed = redis.expire_leftover_routes().await;
        if changed > 0 {
            tracing::info!(changed, "cached routes of an earlier release expire now");
        }
        tokio::time::sleep(INTERVAL).await;
    }
}
