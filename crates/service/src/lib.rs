//! What every process does alike: read its configuration, log and trace, report health and metrics, and stop when it
//! is told to. Also what the two public doors share: sessions, origins and problem documents.

pub mod admin_server;
pub mod analytics;
pub mod config;
pub mod http;
pub mod metrics;
mod origin;
mod problem;
mod session;
mod shutdown;
pub mod telemetry;

pub use origin::AllowedOrigins;
pub use problem::Problem;
pub use session::{Session, SessionError, SessionKeys};
pub use shutdown::shutdown_signal;

/// The network that a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallerAddress(pub std::net::IpAddr);
