//! Every message that one of our services sends to another. A message's JSON form is pinned by a sample under
//! `tests/samples/`: services of two versions run side by side during a roll-out.

use domain::{RequestId, StatusEvent, UserId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A route request is waiting for a worker. The wish itself is in PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerateRouteJob {
    /// Which request.
    pub request_id: RequestId,
}

impl GenerateRouteJob {
    /// All of them.
    pub const SUBJECTS: &'static str = "jobs.route.*";

    /// Where it is sent.
    pub fn subject(&self) -> String {
        format!("jobs.route.{}", self.request_id)
    }

    /// The broker drops a second message of the same id; a job that is published again gets another number.
    pub fn message_id(&self, publication: i32) -> String {
        format!("{}:{publication}", self.request_id)
    }
}

/// A route request has come further.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RouteStatus(pub StatusEvent);

impl RouteStatus {
    /// All of them.
    pub const SUBJECTS: &'static str = "status.*.*";

    /// Where it is sent.
    pub fn subject(&self) -> String {
        subject_of(self.0.user_id, self.0.request_id)
    }
}

fn subject_of(user: UserId, request: RequestId) -> String {
    format!("status.{user}.{request}")
}

/// The header under which a message carries its W3C trace context.
pub(crate) const TRACEPARENT: &str = "traceparent";

pub(crate) fn to_payload<T: Serialize>(message: &T) -> bytes::Bytes {
    // Our messages are plain structs of ids, numbers and texts: there is nothing in them that JSON cannot hold.
    serde_json::to_vec(message).unwrap_or_default().into()
}

pub(crate) fn from_payload<T: DeserializeOwned>(payload: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(payload)
}
