//! Private, real PostgreSQL with PostGIS, NATS and Redis, and the whole product on top of them, for tests and for
//! local runs.
//!
//! PostgreSQL, NATS and Redis take nobody without TLS and a password; each service has a user of its own that may do what
//! config/ says and no more. Tests get the URLs of the superusers.
//!
//! Everything listens on 127.0.0.1 on a free port of its own, keeps its files under `.wildside/` (PostgreSQL's in a private temporary
//! folder where its user may not enter the clone) and ends with the
//! value that stands for it, or with the process that started it, whichever goes first. A server that is already
//! running on the machine is neither used nor touched.
//!
//! The crate knows the product from outside only, by its programs, its environment variables and its public API, and
//! shares the words of `domain` with it. [`walk_checker`] tells whether a walk that comes back is a good one.
//! So it builds, and `cargo xtask` with it, also while the product itself does not.

#![warn(missing_docs)]

mod account;
mod apt;
mod authority;
mod binaries;
mod browser;
mod client;
mod contract;
mod copies;
mod database;
mod ingress;
mod links;
mod map;
mod map_parts;
mod martin;
mod nats;
mod open_files;
mod overpass;
mod ports;
mod postgres;
mod process;
mod progress;
mod python;
mod random;
mod receiver;
mod redis;
mod run;
mod scratch;
mod service;
mod setup;
mod shared_cache;
mod socket;
mod spawner;
mod system;
mod tls;
pub mod walk_checker;
pub mod workspace;

pub use authority::{Authority, CertificateFiles, authority};
pub use binaries::{Binaries, binaries};
pub use browser::Browser;
pub use client::{Answer, Walker};
pub use contract::{HttpContract, SocketContract, check_answer, enforce_contract};
pub use copies::write_copies;
pub use database::{Cluster, Database};
pub use map_parts::{map_assets, spatial_extension};
pub use martin::Martin;
pub use nats::Nats;
pub use open_files::raise_open_files;
pub use overpass::{Behaviour, Overpass};
pub use ports::free_port;
pub use postgres::{Durability, Postgres};
pub use process::{Process, Program};
pub use progress::{Event, Progress};
pub use receiver::Receiver;
pub use redis::Redis;
pub use run::{output, run};
pub use scratch::Scratch;
pub use service::{Role, Service};
pub use setup::{schemathesis, set_up, set_up_tests, tile_readers};
pub use shared_cache::SharedCache;
pub use socket::Socket;
pub use system::{Options, System};
pub use tls::{TlsListener, install as install_tls};

pub use jsonschema::Validator as Schema;
pub use reqwest::{Method, StatusCode};
pub use rustix::process::Signal;
