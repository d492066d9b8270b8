use axum::{Router, body::Bytes, extract::State, http::Uri, serve::Listener};
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::tls::{self, TlsListener};

type Posts = Arc<Mutex<Vec<(String, Value)>>>;

/// Takes whatever is posted to it, as a service of others would. It ends when the value is dropped.
#[derive(Debug)]
pub struct Receiver {
    url: String,
    posts: Posts,
    serving: JoinHandle<()>,
}

impl Receiver {
    /// Starts one.
    pub async fn start() -> anyhow::Result<Self> {
        tls::install();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        Ok(Self::serve(listener, url))
    }

    /// Starts one behind a door of the caller's own.
    pub fn start_tls(listener: TlsListener) -> anyhow::Result<Self> {
        let url = listener.url()?;
        Ok(Self::serve(listener, url))
    }

    fn serve<L: Listener>(listener: L, url: String) -> Self
    where
        L::Addr: std::fmt::Debug,
    {
        let posts = Posts::default();
        let router = Router::new().fallback(take).with_state(posts.clone());
        let serving = tokio::spawn(async move {
            // Ends with the value.
            let _ = axum::serve(listener, router).await;
        });
        Self { url, posts, serving }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// All that was posted, each with its path; what is no JSON is `null`.
    pub fn received(&self) -> Vec<(String, Value)> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(State(posts): State<Posts>, uri: Uri, body: Bytes) {
    let body = serde_json::from_slice(&body).unwrap_or_default();
    posts.lock().unwrap_or_else(PoisonError::into_inner).push((uri.path().to_owned(), body));
}
