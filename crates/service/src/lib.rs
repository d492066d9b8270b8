//! What every process does alike: read its configuration, log and trace, report health and metrics, and stop when it
//! is told to. Also what the two public doors share: sessions, origins and problem documents.

pub mod admin_server;
pub mod analytics;
pub mod config;
mod entity_tags;
pub mod http;
pub mod metrics;
mod negotiation;
mod origin;
mod problem;
mod session;
mod shutdown;
pub mod telemetry;

pub use entity_tags::{EntityTags, MalformedTags};
pub use negotiation::{preferred_coding, preferred_media_type};
pub use origin::AllowedOrigins;
pub use problem::Problem;
pub use session::{Session, SessionError, SessionKeys};
pub use shutdown::shutdown_signal;
