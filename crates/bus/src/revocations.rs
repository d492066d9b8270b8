//! Tells every replica at once that sessions are refused. Nothing depends on it: the rows in PostgreSQL are polled.

use domain::Revocation;
use futures_util::StreamExt;

use crate::{
    Bus, BusError, SessionsRevoked,
    messages::{from_payload, to_payload},
};

impl Bus {
    /// Sends it to whoever listens.
    pub async fn publish_revocation(&self, revocation: Revocation) -> Result<(), BusError> {
        let message = to_payload(&SessionsRevoked(revocation));
        let published = self.client.publish(SessionsRevoked::SUBJECT, message);
        self.exchange(published).await.map_err(BusError::Publish)?;
        // On its way at once, whatever else is being sent.
        self.exchange(self.client.flush()).await.map_err(BusError::Publish)
    }

    /// Calls `take_in` with each revocation from now on, for as long as it is polled.
    pub async fn hear_revocations(&self, take_in: impl Fn(Revocation)) -> Result<(), BusError> {
        let subscription = self.client.subscribe(SessionsRevoked::SUBJECT).await;
        let mut messages = subscription.map_err(|error| BusError::Connection(error.to_string()))?;
        while let Some(message) = messages.next().await {
            match from_payload(&message.payload) {
                Ok(SessionsRevoked(revocation)) => take_in(revocation),
                Err(error) => tracing::error!(%error, "a revocation that cannot be read is dropped"),
            }
        }
        Ok(())
    }
}
