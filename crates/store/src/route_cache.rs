//! Routes that were generated before, in Redis. A miss, a value of another version and an absent Redis look alike.

use deadpool_redis::redis::AsyncCommands;
use domain::{Route, RouteRequest};
use sha2::{Digest, Sha256};

use crate::Redis;

/// How long a route that nobody has pinned stays, before jitter.
const EXPIRY_S: u64 = 24 * 60 * 60;

/// How long a route stays that was made with too few places: more of them are being looked for.
const SPARSE_EXPIRY_S: u64 = 60 * 60;

/// The name of a request's route in the cache: requests that mean the same, on the same data, share it. The digit
/// counts the versions of the stored form.
pub fn cache_key(request: &RouteRequest, data_version: i64) -> String {
    let digest = Sha256::digest(format!("{};data={data_version}", request.canonical()));
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("route:1:{hex}")
}

/// 24 hours, give or take a tenth, so that what was made in one busy hour does not expire in one. The key decides, for
/// it is as good as random.
fn expiry_s(key: &str) -> u64 {
    let share = Sha256::digest(key)[0];
    EXPIRY_S * 9 / 10 + EXPIRY_S / 5 * u64::from(share) / 255
}

impl Redis {
    /// The route under a key, if it is known.
    pub async fn cached_route(&self, key: &str) -> Option<Route> {
        let text: Option<String> = self.call(async |mut connection| connection.get(key).await).await.ok()?;
        serde_json::from_str(&text?)
            .inspect_err(|error| tracing::warn!(%error, key, "unreadable cached route"))
            .ok()
    }

    /// Remembers a route for a day, one with sparse themes for an hour. Who has it pinned has to be asked afterwards: see `is_pinned`.
    pub async fn cache_route(&self, key: &str, route: &Route) {
        let Ok(text) = serde_json::to_string(route) else { return };
        let expiry_s = if route.sparse_themes.is_empty() { expiry_s(key) } else { SPARSE_EXPIRY_S };
        let write = async |mut connection: deadpool_redis::Connection| {
            connection.set_ex::<_, _, ()>(key, text, expiry_s).await
        };
        // Without the cache the next walker waits a moment longer; the failure is logged where it happened.
        self.call(write).await.ok();
    }

    /// Keeps a cached route for ever, or lets it expire after all.
    pub async fn pin_route(&self, key: &str, pinned: bool) {
        let write = async |mut connection: deadpool_redis::Connection| {
            if pinned {
                connection.persist::<_, ()>(key).await
            } else {
                connection.expire::<_, ()>(key, expiry_s(key) as i64).await
            }
        };
        self.call(write).await.ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_key_follows_the_wish_and_the_data() {
        let wish = |minutes: u16| {
            RouteRequest::parse(&json!({
                "start_location": {"type": "Point", "coordinates": [24.94, 60.17]},
                "duration_minutes": minutes,
                "interest_theme_ids": ["f47ac10b-58cc-4372-a567-0e02b2c3d479"]
            }))
            .unwrap()
        };
        assert_eq!(cache_key(&wish(60), 1), cache_key(&wish(60), 1));
        assert_ne!(cache_key(&wish(60), 1), cache_key(&wish(61), 1));
        assert_ne!(cache_key(&wish(60), 1), cache_key(&wish(60), 2));
    }

    #[test]
    fn expiry_is_a_day_with_jitter() {
        let expiries: Vec<u64> = (0..200).map(|n| expiry_s(&format!("route:1:{n}"))).collect();
        assert!(expiries.iter().all(|s| (EXPIRY_S * 9 / 10..=EXPIRY_S * 11 / 10).contains(s)));
        assert!(expiries.iter().max() > expiries.iter().min());
    }
}
