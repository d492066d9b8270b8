//! What every service has in common, seen from outside.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod a_trace_goes_on;
mod connection_limits;
mod errors_have_one_form;
mod events_are_told_and_nobody_waits;
mod http_client;
mod links;
mod secret_files;
mod settings_are_read_or_refused;
mod the_admin_server_tells_the_truth;
mod visitor;
