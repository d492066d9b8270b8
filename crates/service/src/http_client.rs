//! The one HTTP client, for whoever a program talks to over HTTP: Martin, an Overpass API, PostHog, a collector of traces.

use std::{error::Error, time::Duration};

use reqwest::{ClientBuilder, redirect::Policy};

use crate::{config::TlsConfig, tls};

/// How long a server may take to be reached at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A client for a server that the operator has chosen: it follows no redirect, and trusts what `tls` says. How long an
/// answer may take is for the caller to say.
pub fn builder(tls: &TlsConfig) -> Result<ClientBuilder, String> {
    tls::install();
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls::client_config(tls)?)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(Policy::none()))
}

/// Why a request failed, down to the first cause, without its URL, which may hold a secret.
pub fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Some repeat what is below them.
        if !reason.ends_with(&text) {
            reason = format!("{reason}: {text}");
        }
        cause = error.source();
    }
    reason
}
