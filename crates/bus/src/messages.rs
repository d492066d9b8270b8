//! Every message that one of our services sends to another. A message's JSON form is pinned by a sample under
//! `tests/samples/`: services of two versions run side by side during a roll-out.

use domain::{RequestId, Revocation, SearchArea, StatusEvent, ThemeId, UserId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::streams::{ENRICHMENT_JOBS, MAINTENANCE_JOBS, Queue, ROUTE_JOBS};

/// A message that one worker, of all that read its queue, is to work on.
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// Where it waits.
    const QUEUE: &'static Queue;

    /// Where it is sent.
    fn subject(&self) -> String;

    /// The broker drops a second message of the same id; a job that is published again gets another number.
    fn message_id(&self, publication: i32) -> String;
}

/// A route request is waiting for a worker. The wish itself is in PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerateRouteJob {
    /// Which request.
    pub request_id: RequestId,
}

impl Job for GenerateRouteJob {
    const QUEUE: &'static Queue = &ROUTE_JOBS;

    fn subject(&self) -> String {
        format!("jobs.route.{}", self.request_id)
    }

    fn message_id(&self, publication: i32) -> String {
        format!("{}:{publication}", self.request_id)
    }
}

/// Walkers found too few places of a theme in an area. Who they are is in PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrichmentJob {
    /// Where.
    pub area: SearchArea,
    /// Of what.
    pub theme_id: ThemeId,
}

impl Job for EnrichmentJob {
    const QUEUE: &'static Queue = &ENRICHMENT_JOBS;

    fn subject(&self) -> String {
        format!("jobs.enrichment.{}.{}", self.theme_id, self.area)
    }

    fn message_id(&self, publication: i32) -> String {
        format!("{}:{}:{publication}", self.area, self.theme_id)
    }
}

/// It is time to tidy up. Every replica says so, and the broker keeps one message of each slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceJob {
    /// The number of the stretch of time that it is for.
    pub slot: u64,
}

impl Job for MaintenanceJob {
    const QUEUE: &'static Queue = &MAINTENANCE_JOBS;

    fn subject(&self) -> String {
        "jobs.maintenance".into()
    }

    fn message_id(&self, publication: i32) -> String {
        format!("maintenance:{}:{publication}", self.slot)
    }
}

/// A route request has come further.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RouteStatus(pub StatusEvent);

impl RouteStatus {
    /// Where it is sent.
    pub fn subject(&self) -> String {
        format!("status.{}.{}", self.0.user_id, self.0.request_id)
    }
}

/// A walker's request led to places that were not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreaEnriched {
    /// Whose request it was.
    pub user_id: UserId,
    /// Which request.
    pub request_id: RequestId,
    /// Of what there were too few.
    pub theme_id: ThemeId,
    /// How many places are new.
    pub places_added: u32,
}

impl AreaEnriched {
    const SUFFIX: &'static str = ".enriched";

    /// Where it is sent.
    pub fn subject(&self) -> String {
        format!("status.{}.{}{}", self.user_id, self.request_id, Self::SUFFIX)
    }

    /// What is sent there is such a message.
    pub(crate) fn is_sent_to(subject: &str) -> bool {
        subject.ends_with(Self::SUFFIX)
    }
}

/// Sessions of a walker are refused from now on. Every gateway, notifier and worker hears of it; whoever does not, reads
/// it from PostgreSQL a second later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionsRevoked(pub Revocation);

impl SessionsRevoked {
    /// Where it is sent.
    pub const SUBJECT: &'static str = "sessions.revoked";
}

/// All news of requests. They are heard by one subscription, which keeps their order: first that there is a walk, then
/// that there is a better one.
pub const NEWS_SUBJECTS: &str = "status.>";

/// The header under which a message carries its W3C trace context.
pub(crate) const TRACEPARENT: &str = "traceparent";

pub(crate) fn to_payload<T: Serialize>(message: &T) -> bytes::Bytes {
    // Our messages are plain structs of ids, numbers and texts: there is nothing in them that JSON cannot hold.
    serde_json::to_vec(message).unwrap_or_default().into()
}

pub(crate) fn from_payload<T: DeserializeOwned>(payload: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(payload)
}
