use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use crate::SessionKeys;

/// Session keys that can be exchanged while requests are under way.
#[derive(Clone)]
pub struct SharedSessionKeys(Arc<ArcSwap<SessionKeys>>);

impl SharedSessionKeys {
    /// Begins with these keys.
    pub fn new(keys: SessionKeys) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(keys)))
    }

    /// The keys that count now. Not to be held across an `await`.
    pub fn now(&self) -> Guard<Arc<SessionKeys>> {
        self.0.load()
    }

    /// From here on these keys count.
    pub fn replace(&self, keys: SessionKeys) {
        self.0.store(Arc::new(keys));
    }
}
