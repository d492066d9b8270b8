//! What every process does alike: read its configuration, log and trace, report health and metrics, and stop when it
//! is told to. Also what the two public doors share: sessions, origins and problem documents.

mod address_limit;
pub mod admin_server;
pub mod analytics;
mod caller_address;
pub mod config;
mod entity_tags;
pub mod http;
pub mod http_client;
pub mod listener;
pub mod metrics;
mod negotiation;
pub mod open_files;
mod origin;
mod problem;
mod reload;
mod session;
mod shared_keys;
mod shutdown;
pub mod telemetry;
pub mod tls;

pub use address_limit::limit_by_address;
pub use caller_address::CallerAddress;
pub use entity_tags::{EntityTags, MalformedTags};
pub use negotiation::{preferred_coding, preferred_media_type};
pub use origin::AllowedOrigins;
pub use problem::Problem;
pub use reload::on_hangup;
pub use session::{Session, SessionError, SessionKeys};
pub use shared_keys::SharedSessionKeys;
pub use shutdown::{Shutdown, shutdown_signal};
