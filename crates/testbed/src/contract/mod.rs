//! Whether what the product says is what its committed documents promise: docs/openapi.json for every answer of the
//! gateway, docs/asyncapi.json for every message of the notifier.

mod http;
mod schema;
mod socket;

use anyhow::Context;
use reqwest::Method;
use serde_json::Value;
use std::{fs, sync::OnceLock};

use crate::{client::Answer, workspace};

pub use http::HttpContract;
pub use socket::SocketContract;

static ENFORCED: OnceLock<(HttpContract, SocketContract)> = OnceLock::new();

/// From now on, in this process, every answer and every message that a [`crate::Walker`] or a [`crate::Socket`] receives
/// is held against the documents. One that is not as documented is a panic.
///
/// # Panics
/// Where a document cannot be read.
pub fn enforce_contract() {
    ENFORCED.get_or_init(|| {
        let read = || anyhow::Ok((HttpContract::committed()?, SocketContract::committed()?));
        read().unwrap_or_else(|error| panic!("{error:#}"))
    });
}

/// Panics where the contract is enforced and this answer breaks it.
///
/// # Panics
/// That is what it is for.
pub fn check_answer(method: &Method, target: &str, answer: &Answer) {
    let of_admin_server = ["/healthz", "/readyz", "/metrics"].contains(&target);
    let enforced = ENFORCED.get().filter(|_| !of_admin_server);
    let wrongs = enforced.map(|(contract, _)| contract.wrongs(method, target, answer)).unwrap_or_default();
    assert!(
        wrongs.is_empty(),
        "{method} {target} was answered with {}, and docs/openapi.json does not promise that:\n{}\n{:?}\n{}",
        answer.status,
        wrongs.join("\n"),
        answer.headers,
        answer.text()
    );
}

/// Panics where the contract is enforced and this message breaks it.
pub(crate) fn check_message(message: &Value) {
    let wrongs = ENFORCED.get().map(|(_, contract)| contract.wrongs(message)).unwrap_or_default();
    assert!(
        wrongs.is_empty(),
        "docs/asyncapi.json does not promise this message:\n{}\n{message}",
        wrongs.join("\n")
    );
}

fn committed(file: &str) -> anyhow::Result<Value> {
    let file = workspace::root().join("docs").join(file);
    let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("reading {}", file.display()))
}
