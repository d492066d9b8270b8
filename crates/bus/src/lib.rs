//! The only crate that speaks NATS. What is sent is in `messages.rs`, where it is kept in `streams.rs`, how jobs are
//! handed out and acknowledged in `jobs.rs`, how news reaches the notifiers in `news.rs`,
//! and the end of sessions everybody in `revocations.rs`.
//!
//! NATS is a transport that can be rebuilt from PostgreSQL: losing all of it loses no accepted request.

mod connection;
mod jobs;
mod link;
mod messages;
mod news;
mod pull;
mod revocations;
mod streams;

pub use connection::{Bus, BusError};
pub use jobs::{Delivery, Outcome};
pub use messages::{
    AreaEnriched, EnrichmentJob, GenerateRouteJob, Job, MaintenanceJob, NEWS_SUBJECTS, RouteStatus,
    SessionsRevoked,
};
pub use news::News;
pub use streams::Queue;
